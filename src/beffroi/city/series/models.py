from __future__ import annotations

from django.db import models
from django.db.models import Q

from beffroi.foundation.database.models import TerritoryModel
from beffroi.kernel.clock import now
from beffroi.kernel.identifiers import uuid7


class Stream(TerritoryModel):
    """One measure of one asset. Its values live in tables that Django does not manage."""

    id = models.BigAutoField(primary_key=True)
    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    asset = models.ForeignKey(
        "assets.Asset", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    measure_key = models.CharField(max_length=63, db_collation="C")
    unit = models.CharField(max_length=32, blank=True, default="")
    created_at = models.DateTimeField(default=now)

    class Meta:
        db_table = "series_stream"
        constraints = [
            models.UniqueConstraint(
                fields=["territory", "asset", "measure_key"], name="series_stream_measure"
            )
        ]
        indexes = [models.Index(fields=["asset"], name="series_stream_asset")]


class Retention(TerritoryModel):
    """How long packed days of a measure are kept; without a row they are kept for good.

    An empty ``measure_key`` speaks for every measure that has no row of its own.
    """

    id = models.BigAutoField(primary_key=True)
    measure_key = models.CharField(max_length=63, blank=True, default="", db_collation="C")
    keep_days = models.IntegerField()
    reason = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        db_table = "series_retention"
        constraints = [
            models.UniqueConstraint(
                fields=["territory", "measure_key"], name="series_retention_measure"
            ),
            models.CheckConstraint(condition=Q(keep_days__gte=1), name="series_retention_days"),
        ]
