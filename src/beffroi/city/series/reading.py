"""What is stored of one stream over some days, read by one statement: hot, packed, summed up.

One statement is one snapshot: nothing is missed or counted twice while a day is packed or a month
brought together.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from beffroi.city.series.civil_time import HOUR_MS, ceil_ms, days_of
from beffroi.city.series.contracts import Flags, Floats, Integers, Step
from beffroi.city.series.packed_form import decoded_rows
from beffroi.city.series.points import civil_days, day_starts
from beffroi.city.series.summaries import Summaries, nothing
from beffroi.city.series.wire import decoded, decoded_many, ordinals, rows

_HOT = """
    SELECT array_send(array_agg(at_ms)), array_send(array_agg(value)),
           array_send(array_agg(quality))
    FROM (SELECT (date_part('epoch', observed_at) * 1000)::bigint AS at_ms, value, quality
          FROM series_observation
          WHERE stream_id = %(stream_id)s AND observed_at >= %(start)s AND observed_at < %(end)s
          ORDER BY observed_at) hot
"""
_OF_DAYS = "stream_id = %(stream_id)s AND day BETWEEN %(first)s AND %(last)s"
_OF_MONTHS = """
    stream_id = %(stream_id)s AND last >= %(first)s AND first <= %(last)s
    AND first >= date_trunc('month', %(first)s::timestamp)::date
"""

VALUES = f"""
SELECT day AS first, CASE WHEN points IS NULL THEN day + 1 ELSE day END AS raw_from, n, points,
       NULL::bytea, NULL::bytea
FROM series_segment WHERE {_OF_DAYS}
UNION ALL
SELECT first, raw_from, n, points, NULL, NULL FROM series_month WHERE {_OF_MONTHS}
UNION ALL
SELECT NULL, NULL, NULL, hot.* FROM ({_HOT}) hot
ORDER BY 1 NULLS LAST
"""  # noqa: S608 - constants of this module only

_FIGURES = ("vmin", "vmax", "vsum", "vfirst", "vlast", "rise", "energy")

DAYS = f"""
SELECT 1, array_send(array_agg(day)), array_send(array_agg(n_ok)), array_send(array_agg(worst)),
       {", ".join(f"array_send(array_agg(coalesce({name}, 'NaN')))" for name in _FIGURES)}
FROM (SELECT * FROM series_segment WHERE {_OF_DAYS} ORDER BY day) days
UNION ALL
SELECT 2, array_send(days), array_send(n_ok), array_send(worst),
       {", ".join(f"array_send({name})" for name in _FIGURES)}
FROM series_month WHERE {_OF_MONTHS}
UNION ALL
SELECT 3, hot.*, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM ({_HOT}) hot
"""  # noqa: S608 - constants of this module only

HOURS = f"""
SELECT array_send(hours), array_send(n_ok), array_send(worst),
       {", ".join(f"array_send({name})" for name in _FIGURES)}
FROM series_hourly
WHERE stream_id = %(stream_id)s AND month <= %(last)s
  AND month >= date_trunc('month', %(first)s::timestamp)::date
ORDER BY month
"""  # noqa: S608 - constants of this module only

_COUNT = f"""
SELECT (SELECT count(*) FROM series_observation
        WHERE stream_id = %(stream_id)s AND observed_at >= %(start)s AND observed_at < %(end)s)
     + (SELECT coalesce(sum(n_ok), 0) FROM series_segment WHERE {_OF_DAYS})
     + (SELECT coalesce(sum(d.n_ok), 0)
        FROM series_month, unnest(days, n_ok) AS d (day, n_ok)
        WHERE {_OF_MONTHS} AND d.day BETWEEN %(first)s AND %(last)s),
    (SELECT min(gone) FROM (
        SELECT min(day) AS gone FROM series_segment WHERE {_OF_DAYS} AND points IS NULL
        UNION ALL
        SELECT greatest(first, %(first)s) FROM series_month
        WHERE {_OF_MONTHS} AND raw_from > greatest(first, %(first)s)) gone)
"""  # noqa: S608 - constants of this module only


@dataclass(frozen=True, slots=True)
class Values:
    """Values in time order; first and last day of the period whose values are no longer kept."""

    t_ms: Integers
    value: Floats
    quality: Flags
    gone: tuple[date, date] | None


def parameters(stream_id: int, *, start: datetime, end: datetime) -> dict[str, Any]:
    """Return the parameters of the statements of this module.

    Raises:
        RangeRefused: the period is empty or lies outside 1970 to 2200.
    """
    first, last = days_of(start, end)
    return {"stream_id": stream_id, "start": start, "end": end, "first": first, "last": last}


def values_found(stream_id: int, *, start: datetime, end: datetime) -> Values:
    """Return every value of ``[start, end)`` that is still there.

    A late value whose instant is packed already is left out: the packed one stands.

    Raises:
        RangeRefused: the period is empty or lies outside 1970 to 2200.
    """
    asked = parameters(stream_id, start=start, end=end)
    *packed, hot = rows(VALUES, asked)
    gone = _gone(packed, asked["first"], asked["last"])
    full = [row for row in packed if row[3] is not None]
    packed_rows, at_ms, value, quality = decoded_rows(
        [row[3] for row in full], np.array([row[2] for row in full], dtype=np.int64)
    )
    hot_ms = decoded(hot[3], "int8")
    t_ms = hot_ms
    if full:
        starts = day_starts(np.array([row[0].toordinal() for row in full], dtype=np.int64))
        packed_ms = at_ms + packed_rows.spread(starts)
        t_ms = np.concatenate([packed_ms, hot_ms])
        value = np.concatenate([value, decoded(hot[4], "float8")])
        quality = np.concatenate([quality, decoded(hot[5], "int2")])
        if len(hot_ms) and hot_ms[0] <= packed_ms[-1]:
            # Late rows of packed days: numpy gives the first of equal instants, the packed one.
            t_ms, kept = np.unique(t_ms, return_index=True)
            value, quality = value[kept], quality[kept]
    else:
        value, quality = decoded(hot[4], "float8"), decoded(hot[5], "int2")
    low, high = np.searchsorted(t_ms, [ceil_ms(start), ceil_ms(end)])
    return Values(t_ms[low:high], value[low:high], quality[low:high], gone)


def _gone(packed: list[tuple[Any, ...]], first: date, last: date) -> tuple[date, date] | None:
    gone = [
        (max(row[0], first), min(row[1] - timedelta(days=1), last))
        for row in packed
        if row[1] > max(row[0], first) and row[0] <= last
    ]
    if not gone:
        return None
    return min(low for low, _high in gone), max(high for _low, high in gone)


def days_found(
    stream_id: int, *, start: datetime, end: datetime
) -> tuple[Summaries, Integers, Floats, Flags]:
    """Return the figures of packed days, and hot values, of a period of whole days."""
    asked = parameters(stream_id, start=start, end=end)
    every = rows(DAYS, asked)
    hot = next(row for row in every if row[0] == 3)
    packed = _summaries([row[1:] for row in every if row[0] != 3])
    t_ms = decoded(hot[1], "int8")
    return packed, t_ms, decoded(hot[2], "float8"), decoded(hot[3], "int2")


def _summaries(found: list[tuple[Any, ...]]) -> Summaries:
    if not found:
        return nothing()
    columns = list(zip(*found, strict=True))
    days = ordinals(decoded_many(columns[0], "int4"))
    if len(days) == 0:
        return nothing()
    order = np.argsort(days, kind="stable")
    return Summaries(
        t_ms=day_starts(days[order]),
        n_ok=decoded_many(columns[1], "int4")[order].astype(np.int64),
        worst=decoded_many(columns[2], "int2")[order],
        **{
            name: decoded_many(columns[3 + rank], "float8")[order]
            for rank, name in enumerate(_FIGURES)
        },
    )


def hours_found(stream_id: int, *, start: datetime, end: datetime) -> Summaries:
    """Return the figures of the hours whose values are no longer kept, in time order."""
    found = rows(HOURS, parameters(stream_id, start=start, end=end))
    if not found:
        return nothing()
    columns = list(zip(*found, strict=True))
    t_ms = decoded_many(columns[0], "int4").astype(np.int64) * HOUR_MS
    low, high = np.searchsorted(t_ms, [ceil_ms(start), ceil_ms(end)])
    inside = slice(low, high)
    return Summaries(
        t_ms=t_ms[inside],
        n_ok=decoded_many(columns[1], "int4")[inside].astype(np.int64),
        worst=decoded_many(columns[2], "int2")[inside],
        **{
            name: decoded_many(columns[3 + rank], "float8")[inside]
            for rank, name in enumerate(_FIGURES)
        },
    )


def counted(stream_id: int, *, start: datetime, end: datetime) -> tuple[int, date | None]:
    """Return about how many values a period has or had, and the first day that lost them."""
    count, gone = rows(_COUNT, parameters(stream_id, start=start, end=end))[0]
    return int(count), gone


def finest_step(stream_id: int, gone: date | None, *, start: datetime, end: datetime) -> Step:
    """Return the finest step at which the whole period can be shown.

    Args:
        stream_id: the stream.
        gone: the first day of the period whose values are no longer kept, if any.
        start: start of the period.
        end: end of the period.
    """
    if gone is None:
        return Step.RAW
    hours = hours_found(stream_id, start=start, end=end)
    if len(hours) and date.fromordinal(int(civil_days(hours.t_ms[:1])[0])) <= gone:
        return Step.HOUR
    return Step.DAY
