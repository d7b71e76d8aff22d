from __future__ import annotations

from django.db import models

from beffroi.foundation.database.models import TerritoryModel
from beffroi.kernel.clock import now


class BasemapSource(TerritoryModel):
    """One file of the town's open data that feeds a layer; importing it again replaces it."""

    id = models.BigAutoField(primary_key=True)
    layer = models.CharField(max_length=20)
    name = models.CharField(max_length=200)
    attribution = models.CharField(max_length=300, blank=True, default="")
    feature_count = models.IntegerField(default=0)
    refused_count = models.IntegerField(default=0)
    imported_at = models.DateTimeField(default=now)

    class Meta:
        db_table = "basemap_source"
        constraints = [
            models.UniqueConstraint(
                fields=["territory", "layer", "name"], name="basemap_source_name"
            )
        ]


class BasemapFeature(TerritoryModel):
    """A line or an area of the base map; ``geometry`` is WKB in WGS 84 degrees."""

    id = models.BigAutoField(primary_key=True)
    source = models.ForeignKey(
        BasemapSource, on_delete=models.CASCADE, related_name="features", db_index=False
    )
    layer = models.CharField(max_length=20)
    name = models.CharField(max_length=200, blank=True, default="")
    class_key = models.CharField(max_length=63, blank=True, default="")
    search_text = models.TextField(blank=True, default="", db_collation="C")
    geometry = models.BinaryField()
    west = models.FloatField()
    south = models.FloatField()
    east = models.FloatField()
    north = models.FloatField()

    class Meta:
        db_table = "basemap_feature"
        indexes = [
            models.Index(fields=["territory", "layer", "id"], name="basemap_feature_layer"),
            models.Index(fields=["source"], name="basemap_feature_source"),
            models.Index(
                fields=["territory", "search_text"],
                condition=models.Q(layer__in=("street", "pedestrian", "park", "district"))
                & ~models.Q(search_text=""),
                name="basemap_feature_search",
            ),
        ]


class BasemapTile(TerritoryModel):
    """A vector tile ready to be sent: ``content`` is MVT, compressed with gzip."""

    id = models.BigAutoField(primary_key=True)
    z = models.SmallIntegerField()
    x = models.IntegerField()
    y = models.IntegerField()
    content = models.BinaryField()
    etag = models.CharField(max_length=32)

    class Meta:
        db_table = "basemap_tile"
        constraints = [
            models.UniqueConstraint(fields=["territory", "z", "x", "y"], name="basemap_tile_place")
        ]


class BasemapAddress(TerritoryModel):
    """An address point; ``search_text`` is "street number" in plain letters."""

    id = models.BigAutoField(primary_key=True)
    source = models.ForeignKey(
        BasemapSource, on_delete=models.CASCADE, related_name="addresses", db_index=False
    )
    number = models.CharField(max_length=20, blank=True, default="")
    street = models.CharField(max_length=200)
    search_text = models.TextField(db_collation="C")
    lon = models.FloatField()
    lat = models.FloatField()

    class Meta:
        db_table = "basemap_address"
        indexes = [
            models.Index(fields=["territory", "search_text"], name="basemap_address_search"),
            models.Index(fields=["source"], name="basemap_address_source"),
        ]
