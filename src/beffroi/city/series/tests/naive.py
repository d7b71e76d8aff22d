"""The same answers, worked out one value at a time in plain Python: what the tests hold us to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from django.db import connection

from beffroi.city.series.contracts import Step
from beffroi.city.series.packing import day_pack, late_absorb
from beffroi.kernel.clock import PARIS
from beffroi.sdk.declarations import Statistic

Point = tuple[datetime, float, int]


@dataclass(frozen=True)
class Bucket:
    start: datetime
    mean: float
    low: float
    high: float
    n: int
    quality: int


def bucket_start(instant: datetime, step: Step) -> datetime:
    local = instant.astimezone(PARIS)
    if step in {Step.MINUTES_5, Step.MINUTES_15, Step.MINUTES_30}:
        minutes = int(step.value.removesuffix("min"))
        return instant.replace(minute=instant.minute // minutes * minutes, second=0, microsecond=0)
    if step is Step.HOUR:
        return instant.replace(minute=0, second=0, microsecond=0)
    hour = 0
    if step in {Step.HOURS_3, Step.HOURS_6}:
        hours = 3 if step is Step.HOURS_3 else 6
        hour = local.hour // hours * hours
    day = local.date()
    if step is Step.WEEK:
        day -= timedelta(days=day.weekday())
    if step is Step.MONTH:
        day = day.replace(day=1)
    return datetime(day.year, day.month, day.day, hour, tzinfo=PARIS).astimezone(UTC)


def buckets(points: Iterable[Point], *, step: Step, statistic: Statistic) -> list[Bucket]:
    """Sum up points; of two at one instant the first given stands."""
    kept: dict[datetime, Point] = {}
    for point in points:
        kept.setdefault(point[0], point)
    grouped: dict[datetime, list[Point]] = {}
    for instant in sorted(kept):
        grouped.setdefault(bucket_start(instant, step), []).append(kept[instant])
    previous: float | None = None
    found = []
    for start in sorted(grouped):
        values = [value for _at, value, flag in grouped[start] if flag not in {4, 9}]
        worst = max(flag for _at, _value, flag in grouped[start])
        found.append(
            Bucket(
                start=start,
                mean=statistic_of(values, statistic, previous),
                low=min(values, default=math.nan),
                high=max(values, default=math.nan),
                n=len(values),
                quality=worst,
            )
        )
        previous = values[-1] if values else previous
    return found


def statistic_of(values: Sequence[float], statistic: Statistic, previous: float | None) -> float:
    if not values:
        return math.nan
    if statistic is Statistic.INCREASE:
        chain = values if previous is None else [previous, *values]
        return sum(max(0.0, after - before) for before, after in pairwise(chain))
    return {
        Statistic.MEAN: lambda: math.fsum(values) / len(values),
        Statistic.SUM: lambda: math.fsum(values),
        Statistic.MIN: lambda: min(values),
        Statistic.MAX: lambda: max(values),
        Statistic.LAST: lambda: values[-1],
        Statistic.MEAN_ENERGY_DB: lambda: (
            10 * math.log10(math.fsum(10 ** (value / 10) for value in values) / len(values))
        ),
    }[statistic]()


def stored(stream_id: int) -> list[Point]:
    """Read every observation of a stream through the view that unites hot and packed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT observed_at, value, quality FROM series_reading WHERE stream_id = %s"
            " ORDER BY observed_at",
            [stream_id],
        )
        return [(at.astimezone(UTC), value, quality) for at, value, quality in cursor.fetchall()]


def hot_rows(stream_id: int) -> int:
    return _count("SELECT count(*) FROM series_observation WHERE stream_id = %s", stream_id)


def packed_points(stream_id: int) -> int:
    return _count(
        "SELECT count(*) FROM (SELECT stream_id, points, n FROM series_segment"
        " UNION ALL SELECT stream_id, points, n FROM series_month) s, series_points(points, n)"
        " WHERE stream_id = %s",
        stream_id,
    )


def pack(day: date) -> int:
    return day_pack(day).rows


def absorb(before: date) -> int:
    return late_absorb(before).rows


def _count(statement: str, parameter: date | int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, [parameter])
        return int(cursor.fetchone()[0])
