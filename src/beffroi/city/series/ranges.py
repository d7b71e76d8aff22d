"""One stream over a period: hot rows and packed days read by one statement, hence one snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from beffroi.city.series.civil_time import (
    TYPICAL_MS,
    bucket_count,
    ceil_ms,
    days_of,
    edges_ms,
    instant_of,
    wall_ms,
)
from beffroi.city.series.contracts import (
    IGNORED,
    Flags,
    Floats,
    Integers,
    RangeRefused,
    SeriesRange,
    Step,
)
from beffroi.city.series.summaries import (
    Summaries,
    brought_together,
    nothing,
    regroup,
    summarise,
)
from beffroi.city.series.wire import decoded, rows
from beffroi.kernel.clock import as_utc
from beffroi.sdk.declarations import Statistic

MOST_POINTS = 200_000
"""Longest curve that is given at once; an export has no such bound."""

_HOT = """
    SELECT array_send(array_agg(at_ms)), array_send(array_agg(value)),
           array_send(array_agg(quality))
    FROM (SELECT (date_part('epoch', observed_at) * 1000)::bigint AS at_ms, value, quality
          FROM series_observation
          WHERE stream_id = %(stream_id)s AND observed_at >= %(start)s AND observed_at < %(end)s
          ORDER BY observed_at) hot
"""

VALUES = f"""
SELECT day, worst, array_send(at_ms), array_send(value), array_send(quality)
FROM series_segment
WHERE stream_id = %(stream_id)s AND day BETWEEN %(first)s AND %(last)s
UNION ALL
SELECT NULL::date, NULL::smallint, hot.* FROM ({_HOT}) hot
ORDER BY 1 NULLS LAST
"""  # noqa: S608 - constants of this module only

DAYS = f"""
SELECT day, n_ok, worst, vmin, vmax, vsum, vfirst, vlast, rise, energy,
       NULL::bytea, NULL::bytea, NULL::bytea
FROM series_segment
WHERE stream_id = %(stream_id)s AND day BETWEEN %(first)s AND %(last)s
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, hot.* FROM ({_HOT}) hot
ORDER BY 1 NULLS LAST
"""  # noqa: S608 - constants of this module only

# Two packed days at most are opened: the one that holds the instant, and the last before it.
_BEFORE = """
SELECT value FROM (
    (SELECT observed_at, value FROM series_observation
     WHERE stream_id = %(stream_id)s AND observed_at < %(start)s AND quality NOT IN (4, 9)
     ORDER BY observed_at DESC LIMIT 1)
    UNION ALL
    (SELECT series_day_start(g.day) + p.ms * interval '1 millisecond', p.value
     FROM (SELECT * FROM series_segment
           WHERE stream_id = %(stream_id)s AND day <= %(first)s AND n_ok > 0
           ORDER BY day DESC LIMIT 2) g,
          unnest(g.at_ms, g.value, g.quality) AS p (ms, value, quality)
     WHERE coalesce(p.quality, g.worst) NOT IN (4, 9)
       AND series_day_start(g.day) + p.ms * interval '1 millisecond' < %(start)s
     ORDER BY 1 DESC LIMIT 1)) earlier
ORDER BY observed_at DESC LIMIT 1
"""

_COUNT = """
SELECT (SELECT count(*) FROM series_observation
        WHERE stream_id = %(stream_id)s AND observed_at >= %(start)s AND observed_at < %(end)s)
     + (SELECT coalesce(sum(n_ok), 0) FROM series_segment
        WHERE stream_id = %(stream_id)s AND day BETWEEN %(first)s AND %(last)s)
"""


def values_read(
    stream_id: int, *, start: datetime, end: datetime
) -> tuple[Integers, Floats, Flags]:
    """Return every value of ``[start, end)``: instants (ms since 1970), values, flags.

    A late value whose instant is packed already is left out: the packed one stands.

    Raises:
        RangeRefused: the period is empty or lies outside 1970 to 2200.
    """
    first, last = days_of(start, end)
    found = rows(VALUES, _parameters(stream_id, start, end, first, last))
    t_ms, value, quality = _united(found)
    low, high = np.searchsorted(t_ms, [ceil_ms(start), ceil_ms(end)])
    return t_ms[low:high], value[low:high], quality[low:high]


def series_range(
    stream_id: int,
    *,
    start: datetime,
    end: datetime,
    statistic: Statistic = Statistic.MEAN,
    step: Step | None = None,
    max_points: int = 2_000,
) -> SeriesRange:
    """Return the curve of one stream over a period.

    With no ``step``, the finest one that keeps the curve within ``max_points`` is taken. Buckets
    are whole: with a step, the period is widened to the edges of its first and last bucket.

    Raises:
        RangeRefused: the period is empty, too far, or has more points than may be asked for.
    """
    start, end = as_utc(start), as_utc(end)
    chosen = step or step_for(stream_id, start=start, end=end, max_points=max_points)
    if chosen is Step.RAW:
        return _raw(stream_id, start=start, end=end, statistic=statistic)
    if bucket_count(start, end, chosen) > MOST_POINTS:
        raise _too_long(step=chosen)
    edges = edges_ms(start, end, chosen)
    low, high = instant_of(edges[0]), instant_of(edges[-1])
    if chosen in (Step.DAY, Step.WEEK, Step.MONTH):
        found = regroup(days_read(stream_id, start=low, end=high), edges=edges)
    else:
        t_ms, value, quality = values_read(stream_id, start=low, end=high)
        found = summarise(t_ms=t_ms, value=value, quality=quality, edges=edges)
    before = float("nan")
    if statistic is Statistic.INCREASE and len(found):
        before = value_before(stream_id, instant=low)
    return SeriesRange(
        step=chosen,
        statistic=statistic,
        t_ms=found.t_ms,
        mean=brought_together(found, statistic=statistic, before=before),
        min=found.vmin,
        max=found.vmax,
        n=found.n_ok,
        quality=found.worst,
    )


def days_read(stream_id: int, *, start: datetime, end: datetime) -> Summaries:
    """Return the summary of each civil day; the period starts and ends with whole days.

    Packed days are not opened, unless late values of them wait to be merged.

    Raises:
        RangeRefused: the period is empty or lies outside 1970 to 2200.
    """
    first, last = days_of(start, end)
    *packed, hot = rows(DAYS, _parameters(stream_id, start, end, first, last))
    hot_ms = decoded(hot[10], "int8")
    packed_days = _packed_days(packed)
    if len(hot_ms) == 0:
        return packed_days
    edges = edges_ms(instant_of(hot_ms[0]), instant_of(hot_ms[-1] + 1), Step.DAY)
    hot_days = summarise(
        t_ms=hot_ms, value=decoded(hot[11], "float8"), quality=decoded(hot[12], "int2"), edges=edges
    )
    if np.isin(hot_days.t_ms, packed_days.t_ms).any():
        t_ms, value, quality = values_read(stream_id, start=start, end=end)
        every = edges_ms(start, end, Step.DAY)
        return summarise(t_ms=t_ms, value=value, quality=quality, edges=every)
    return _in_order(packed_days, hot_days)


def value_before(stream_id: int, *, instant: datetime) -> float:
    """Return the last value that counts before an instant; NaN if none."""
    found = rows(
        _BEFORE,
        {"stream_id": stream_id, "start": instant, "first": days_of(instant, _later(instant))[0]},
    )
    return float(found[0][0]) if found else float("nan")


def step_for(stream_id: int, *, start: datetime, end: datetime, max_points: int) -> Step:
    """Return the finest step that keeps a curve within ``max_points``.

    Raises:
        RangeRefused: not even months do, or the number is below one.
    """
    if not 1 <= max_points <= MOST_POINTS:
        raise RangeRefused(
            "{value} points are not between 1 and {most}.",
            field="max_points",
            value=max_points,
            params={"most": MOST_POINTS},
        )
    first, last = days_of(start, end)
    if (last - first).days <= 1:
        # A few hours: the count of whole packed days would hide the values from who looks closely.
        count = len(values_read(stream_id, start=start, end=end)[0])
    else:
        count = rows(_COUNT, _parameters(stream_id, start, end, first, last))[0][0]
    if count <= max_points:
        return Step.RAW
    for step in TYPICAL_MS:
        if bucket_count(start, end, step) <= max_points:
            return step
    raise _too_long(step=Step.MONTH)


def _raw(stream_id: int, *, start: datetime, end: datetime, statistic: Statistic) -> SeriesRange:
    first, last = days_of(start, end)
    parameters = _parameters(stream_id, start, end, first, last)
    # Two months of a value a second would be five million: counted before they are fetched.
    if (last - first).days > 1 and rows(_COUNT, parameters)[0][0] > MOST_POINTS:
        raise _too_long(step=Step.RAW)
    t_ms, value, quality = values_read(stream_id, start=start, end=end)
    if len(t_ms) > MOST_POINTS:
        raise _too_long(step=Step.RAW)
    return SeriesRange(
        step=Step.RAW,
        statistic=statistic,
        t_ms=t_ms,
        mean=value,
        min=value,
        max=value,
        n=(~np.isin(quality, IGNORED)).astype(np.int64),
        quality=quality,
    )


def _united(found: Sequence[tuple[Any, ...]]) -> tuple[Integers, Floats, Flags]:
    *packed, hot = found
    hot_ms = decoded(hot[2], "int8")
    parts_ms, parts_value, parts_quality = [], [], []
    for day, worst, at_ms, value, quality in packed:
        offsets = decoded(at_ms, "int4").astype(np.int64)
        parts_ms.append(offsets + wall_ms(day))
        parts_value.append(decoded(value, "float8"))
        parts_quality.append(
            np.full(len(offsets), worst, dtype=np.int16)
            if quality is None
            else decoded(quality, "int2")
        )
    t_ms = np.concatenate([*parts_ms, hot_ms])
    value = np.concatenate([*parts_value, decoded(hot[3], "float8")])
    flags = np.concatenate([*parts_quality, decoded(hot[4], "int2")])
    if parts_ms and len(hot_ms) and hot_ms[0] <= parts_ms[-1][-1]:
        # Late rows of packed days; a stable sort keeps the packed one of two equal instants first.
        t_ms, kept = np.unique(t_ms, return_index=True)
        value, flags = value[kept], flags[kept]
    return t_ms, value, flags


def _packed_days(packed: Sequence[tuple[Any, ...]]) -> Summaries:
    if not packed:
        return nothing()
    columns = list(zip(*packed, strict=True))
    floats = [np.array(column, dtype=np.float64) for column in columns[3:10]]
    return Summaries(
        t_ms=np.array([wall_ms(day) for day in columns[0]], dtype=np.int64),
        n_ok=np.array(columns[1], dtype=np.int64),
        worst=np.array(columns[2], dtype=np.int16),
        vmin=floats[0],
        vmax=floats[1],
        vsum=floats[2],
        vfirst=floats[3],
        vlast=floats[4],
        rise=floats[5],
        energy=floats[6],
    )


def _in_order(one: Summaries, other: Summaries) -> Summaries:
    order = np.argsort(np.concatenate([one.t_ms, other.t_ms]), kind="stable")
    return Summaries(
        **{
            name: np.concatenate([getattr(one, name), getattr(other, name)])[order]
            for name in Summaries.__slots__
        }
    )


def _parameters(
    stream_id: int, start: datetime, end: datetime, first: date, last: date
) -> dict[str, Any]:
    return {"stream_id": stream_id, "start": start, "end": end, "first": first, "last": last}


def _later(instant: datetime) -> datetime:
    return instant + timedelta(milliseconds=1)


def _too_long(*, step: Step) -> RangeRefused:
    return RangeRefused(
        "The period has more than {most} points at the step “{step}”.",
        field="step",
        value=str(step),
        way_out="Ask for a longer step or a shorter period, or export the series as a file.",
        params={"most": MOST_POINTS, "step": str(step)},
    )
