"""Factories for the tests of other rooms."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import connection

from beffroi.city.assets.models import Asset
from beffroi.city.series.contracts import NewObservation
from beffroi.city.series.models import Stream
from beffroi.city.series.services import observations_record
from beffroi.foundation.database.api import acting_for
from beffroi.kernel.clock import now
from beffroi.kernel.quality import Quality


def make_stream(asset: Asset, *, measure_key: str = "power_w", unit: str = "W") -> Stream:
    """Write one stream."""
    with acting_for(asset.territory_id):
        return Stream.objects.create(
            territory_id=asset.territory_id,
            asset=asset,
            measure_key=measure_key,
            unit=unit,
        )


def record(
    stream: Stream,
    values: Iterable[tuple[datetime, float] | tuple[datetime, float, Quality]],
    *,
    received_at: datetime | None = None,
) -> None:
    """Store values of one stream through the same service that everybody uses."""
    observations_record(
        stream.territory_id,
        [NewObservation(stream.id, *item) for item in values],
        received_at=received_at,
    )


def make_curve(
    stream: Stream,
    *,
    hours: int = 24,
    every: timedelta = timedelta(minutes=15),
    until: datetime | None = None,
) -> None:
    """Store a saw-tooth from 0 to 9 that ends now: for pages that only need some points."""
    end = until or now()
    count = int(timedelta(hours=hours) / every)
    record(stream, [(end - every * rank, float(rank % 10)) for rank in range(count)])


def make_partitions(first: datetime, last: datetime) -> None:
    """Make the partitions of the civil days between two instants."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT series_partitions_ensure(series_day_of(%s), series_day_of(%s))",
            [first, last],
        )
