"""Days, weeks and months as people of Europe/Paris count them, in epoch milliseconds."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import numpy as np

from beffroi.city.series.contracts import Integers, RangeRefused, Step
from beffroi.kernel.clock import PARIS, as_utc

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS

FIXED_MS = {
    Step.MINUTES_5: 5 * MINUTE_MS,
    Step.MINUTES_15: 15 * MINUTE_MS,
    Step.MINUTES_30: 30 * MINUTE_MS,
    Step.HOUR: HOUR_MS,
}
"""Steps that divide the hour: the offsets of Paris are whole hours, so no wall clock is needed."""

WALL_HOURS = {Step.HOURS_3: 3, Step.HOURS_6: 6, Step.DAY: 24}
TYPICAL_MS = {
    **FIXED_MS,
    Step.HOURS_3: 3 * HOUR_MS,
    Step.HOURS_6: 6 * HOUR_MS,
    Step.DAY: 24 * HOUR_MS,
    Step.WEEK: 7 * 24 * HOUR_MS,
    Step.MONTH: 30 * 24 * HOUR_MS,
}
"""Usual length of each step, to choose one; the shortest first."""

_FIRST_INSTANT = datetime(1970, 1, 2, tzinfo=UTC)
_LAST_INSTANT = datetime(2200, 1, 1, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def floor_ms(instant: datetime) -> int:
    """Return whole milliseconds since 1970 UTC; exact, where a float is one short at times."""
    return (instant - _EPOCH) // _MILLISECOND


def ceil_ms(instant: datetime) -> int:
    """Return the first whole millisecond at or after an instant."""
    return -((_EPOCH - instant) // _MILLISECOND)


def instant_of(t_ms: int) -> datetime:
    """Return the instant of milliseconds since 1970 UTC."""
    return _EPOCH + int(t_ms) * _MILLISECOND


@lru_cache(maxsize=20_000)
def wall_ms(day: date, hour: int = 0) -> int:
    """Return the instant at which a wall clock of Paris shows this hour of this day."""
    wall = datetime(day.year, day.month, day.day, hour, tzinfo=PARIS)
    return floor_ms(wall.astimezone(UTC))


def day_of(instant: datetime) -> date:
    """Return the civil day that holds an aware instant."""
    return as_utc(instant).astimezone(PARIS).date()


def days_of(start: datetime, end: datetime) -> tuple[date, date]:
    """Return the first and the last civil day that ``[start, end)`` touches.

    Raises:
        RangeRefused: the period is empty or lies outside 1970 to 2200.
    """
    if start >= end:
        raise RangeRefused(
            "The period from {start} to {end} is empty.",
            field="start",
            value=start,
            way_out="Give an end that is later than the start.",
            params={"start": start.isoformat(), "end": end.isoformat()},
        )
    # Compared before they are brought to Paris, where the ends of the calendar do not exist.
    if start < _FIRST_INSTANT or end > _LAST_INSTANT:
        raise RangeRefused(
            "The period from {start} to {end} does not lie between 1970 and 2200.",
            field="start",
            value=start,
            params={"start": start.isoformat(), "end": end.isoformat()},
        )
    return day_of(start), day_of(end - timedelta(microseconds=1))


def bucket_start(day: date, step: Step) -> date:
    """Return the first day of the day, week or month that holds a day."""
    if step is Step.WEEK:
        return day - timedelta(days=day.weekday())
    if step is Step.MONTH:
        return day.replace(day=1)
    return day


def next_bucket(day: date, step: Step) -> date:
    """Return the first day of the following day, week or month."""
    if step is Step.WEEK:
        return day + timedelta(days=7)
    if step is Step.MONTH:
        return (day.replace(day=28) + timedelta(days=4)).replace(day=1)
    return day + timedelta(days=1)


def bucket_count(start: datetime, end: datetime, step: Step) -> int:
    """Return about how many buckets a period has, without making them."""
    return int((end - start).total_seconds() * 1000 // TYPICAL_MS[step]) + 1


def edges_ms(start: datetime, end: datetime, step: Step) -> Integers:
    """Return the edges of the buckets that cover ``[start, end)``, whole buckets at both ends.

    Shape: one more edge than buckets.

    Raises:
        RangeRefused: see :func:`days_of`.
        KeyError: the step is raw, which has no buckets.
    """
    first, last = days_of(start, end)
    if step in FIXED_MS:
        width = FIXED_MS[step]
        low = floor_ms(start) // width * width
        high = -(-ceil_ms(end) // width) * width
        return np.arange(low, high + 1, width, dtype=np.int64)
    if step in (Step.HOURS_3, Step.HOURS_6):
        return _wall_edges(start, end, first=first, last=last, hours=WALL_HOURS[step])
    if step not in TYPICAL_MS:
        raise KeyError(step)
    day = bucket_start(first, step)
    edges = [wall_ms(day)]
    while day <= last:
        day = next_bucket(day, step)
        edges.append(wall_ms(day))
    return np.array(edges, dtype=np.int64)


def _wall_edges(start: datetime, end: datetime, *, first: date, last: date, hours: int) -> Integers:
    day = first
    edges: list[int] = []
    while day <= last:
        edges.extend(wall_ms(day, hour) for hour in range(0, 24, hours))
        day += timedelta(days=1)
    edges.append(wall_ms(day))
    every = np.array(edges, dtype=np.int64)
    low = int(np.searchsorted(every, floor_ms(start), side="right")) - 1
    high = int(np.searchsorted(every, ceil_ms(end), side="left"))
    return every[low : high + 1]
