from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from beffroi.foundation.database.models import TerritoryModel
from beffroi.foundation.territories.contracts import (
    DEFAULT_PRIMARY_COLOR,
    DEFAULT_SECONDARY_COLOR,
    AreaKind,
    TerritoryKind,
)
from beffroi.kernel.identifiers import uuid7

TERRITORY_KINDS = [
    (TerritoryKind.COMMUNE.value, _("commune")),
    (TerritoryKind.EPCI.value, _("inter-municipal body")),
    (TerritoryKind.DEPARTEMENT.value, _("department council")),
    (TerritoryKind.SYNDICAT.value, _("joint authority")),
]
AREA_KINDS = [
    (AreaKind.MEMBER_COMMUNE.value, _("member commune")),
    (AreaKind.SECTOR.value, _("sector")),
    (AreaKind.DISTRICT.value, _("district")),
    (AreaKind.SUB_DISTRICT.value, _("sub-district")),
]


class Territory(models.Model):
    """An authority that owns rows: everything else points to it."""

    id = models.AutoField(primary_key=True)
    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=16, choices=TERRITORY_KINDS)
    insee = models.CharField(max_length=5, null=True, unique=True)  # noqa: DJ001 - NULLs may repeat
    siren = models.CharField(max_length=9, unique=True)
    population = models.PositiveIntegerField(null=True)
    lon = models.FloatField(null=True)
    lat = models.FloatField(null=True)
    bbox = models.JSONField(null=True)
    boundary = models.JSONField(null=True)
    primary_color = models.CharField(max_length=7, default=DEFAULT_PRIMARY_COLOR)
    secondary_color = models.CharField(max_length=7, default=DEFAULT_SECONDARY_COLOR)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("territory")
        verbose_name_plural = _("territories")


class Area(TerritoryModel):
    """A part of a territory: member commune, sector, district, sub-district."""

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    kind = models.CharField(max_length=16, choices=AREA_KINDS)
    name = models.CharField(max_length=200)
    code = models.CharField(max_length=80)
    boundary = models.JSONField(null=True)
    bbox = models.JSONField(null=True)
    parent = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, related_name="children"
    )

    class Meta:
        verbose_name = _("area")
        verbose_name_plural = _("areas")
        constraints = [
            models.UniqueConstraint(fields=["territory", "kind", "code"], name="area_code_once"),
        ]


class Commune(models.Model):
    """A commune of the national list; the same for every territory."""

    insee = models.CharField(max_length=5, primary_key=True)
    name = models.CharField(max_length=100)
    siren = models.CharField(max_length=9, blank=True)
    population = models.PositiveIntegerField(null=True)
    epci_siren = models.CharField(max_length=9, blank=True, db_index=True)
    ept_siren = models.CharField(max_length=9, blank=True)
    departement = models.CharField(max_length=3, db_index=True)
    region = models.CharField(max_length=3, blank=True)
    lon = models.FloatField(null=True)
    lat = models.FloatField(null=True)
    postal_codes = models.CharField(max_length=200, blank=True)


class Epci(models.Model):
    """An inter-municipal body of the national list; the same for every territory."""

    siren = models.CharField(max_length=9, primary_key=True)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=5)
    population = models.PositiveIntegerField(null=True)
