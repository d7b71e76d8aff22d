from __future__ import annotations

from django.db import models
from django.db.models import F, Q

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
    """How long values of a measure are kept, and then their hours, and then their days.

    An empty ``measure_key`` speaks for every measure that has no row of its own. Without a row, or
    where a number is missing, they are kept for good.
    """

    id = models.BigAutoField(primary_key=True)
    measure_key = models.CharField(max_length=63, blank=True, default="", db_collation="C")
    raw_days = models.IntegerField(null=True)
    hourly_days = models.IntegerField(null=True)
    daily_days = models.IntegerField(null=True)
    reason = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        db_table = "series_retention"
        constraints = [
            models.UniqueConstraint(
                fields=["territory", "measure_key"], name="series_retention_measure"
            ),
            models.CheckConstraint(condition=Q(raw_days__gte=1), name="series_retention_days"),
            # What is brought together lasts at least as long as what it was made of.
            models.CheckConstraint(
                condition=Q(hourly_days__gte=F("raw_days"), daily_days__gte=F("hourly_days")),
                name="series_retention_order",
            ),
        ]


class Purge(TerritoryModel):
    """What retention has removed: never changed, never deleted."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(default=now)
    what = models.CharField(max_length=8)
    measure_key = models.CharField(max_length=63, db_collation="C")
    rule_measure_key = models.CharField(max_length=63, blank=True, default="")
    keep_days = models.IntegerField()
    reason = models.CharField(max_length=300, blank=True, default="")
    first_day = models.DateField()
    last_day = models.DateField()
    streams = models.IntegerField()
    items = models.BigIntegerField()

    class Meta:
        db_table = "series_purge"
        indexes = [models.Index(fields=["territory", "-at"], name="series_purge_by_time")]
