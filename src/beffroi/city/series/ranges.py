"""One stream over a period: hot rows and packed days read by one statement, hence one snapshot."""

from __future__ import annotations

from datetime import date, datetime, timedelta

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
from beffroi.city.series.packed_form import decoded_rows
from beffroi.city.series.reading import (
    counted,
    days_found,
    finest_step,
    hours_found,
    values_found,
)
from beffroi.city.series.summaries import (
    Summaries,
    brought_together,
    chosen_of,
    in_order,
    regroup,
    summarise,
)
from beffroi.city.series.wire import rows
from beffroi.kernel.clock import as_utc
from beffroi.sdk.declarations import Statistic

_LONGEST_DAY = timedelta(hours=25)
MOST_POINTS = 200_000
"""Longest curve that is given at once; an export has no such bound."""

# What lies last on the hot side, and the last packed rows before: only those are opened.
_BEFORE = """
SELECT NULL::date AS first, NULL::integer AS n, NULL::bytea AS points,
       (date_part('epoch', observed_at) * 1000)::bigint AS at_ms, value
FROM (SELECT observed_at, value FROM series_observation
      WHERE stream_id = %(stream_id)s AND observed_at < %(start)s AND quality NOT IN (4, 9)
      ORDER BY observed_at DESC LIMIT 1) hot
UNION ALL
SELECT day, n, points, NULL, vlast
FROM (SELECT * FROM series_segment
      WHERE stream_id = %(stream_id)s AND day <= %(first)s AND n_ok > 0
      ORDER BY day DESC LIMIT 2) days
UNION ALL
SELECT m.first, m.n, m.points, NULL, nullif(m.vlast[cardinality(m.vlast)], 'NaN')
FROM (SELECT * FROM series_month
      WHERE stream_id = %(stream_id)s AND first <= %(first)s ORDER BY first DESC LIMIT 2) m
"""


def values_read(
    stream_id: int, *, start: datetime, end: datetime
) -> tuple[Integers, Floats, Flags]:
    """Return every value of ``[start, end)``: instants (ms since 1970), values, flags.

    A late value whose instant is packed already is left out: the packed one stands.

    Raises:
        RangeRefused: the period is empty or lies outside 1970 to 2200.
    """
    found = values_found(stream_id, start=start, end=end)
    return found.t_ms, found.value, found.quality


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
    available: Step = chosen
    if chosen in (Step.DAY, Step.WEEK, Step.MONTH):
        found = regroup(days_read(stream_id, start=low, end=high), edges=edges)
    else:
        values = values_found(stream_id, start=low, end=high)
        found = summarise(t_ms=values.t_ms, value=values.value, quality=values.quality, edges=edges)
        if values.gone is not None:
            available = _coarser(
                chosen, finest_step(stream_id, values.gone[0], start=low, end=high)
            )
            if chosen in (Step.HOUR, Step.HOURS_3, Step.HOURS_6):
                hours = hours_found(stream_id, start=low, end=high)
                found = in_order(found, regroup(hours, edges=edges))
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
        available=available,
    )


def days_read(stream_id: int, *, start: datetime, end: datetime) -> Summaries:
    """Return the summary of each civil day; the period starts and ends with whole days.

    Packed days are not opened, unless late values of them wait to be merged.

    Raises:
        RangeRefused: the period is empty or lies outside 1970 to 2200.
    """
    packed, hot_ms, hot_value, hot_quality = days_found(stream_id, start=start, end=end)
    if len(hot_ms) == 0:
        return packed
    edges = edges_ms(instant_of(hot_ms[0]), instant_of(hot_ms[-1] + 1), Step.DAY)
    hot = summarise(t_ms=hot_ms, value=hot_value, quality=hot_quality, edges=edges)
    late = np.isin(packed.t_ms, hot.t_ms)
    if not late.any():
        return in_order(packed, hot)
    # Late values wait to be merged: their days are opened, unless retention has emptied them.
    low, high = packed.t_ms[late][[0, -1]]
    values = values_found(
        stream_id, start=instant_of(low), end=min(instant_of(high) + _LONGEST_DAY, end)
    )
    opened = summarise(
        t_ms=values.t_ms,
        value=values.value,
        quality=values.quality,
        edges=edges_ms(instant_of(low), instant_of(high + 1), Step.DAY),
    )
    emptied = packed.t_ms <= (-1 if values.gone is None else wall_ms(values.gone[1]))
    return in_order(
        in_order(
            chosen_of(packed, ~late | emptied),
            chosen_of(opened, np.isin(opened.t_ms, packed.t_ms[late & ~emptied])),
        ),
        chosen_of(hot, ~np.isin(hot.t_ms, packed.t_ms)),
    )


def value_before(stream_id: int, *, instant: datetime) -> float:
    """Return the last value that counts before an instant; NaN if none."""
    first = days_of(instant, _later(instant))[0]
    found = rows(_BEFORE, {"stream_id": stream_id, "start": instant, "first": first})
    last_ms, last = -1, float("nan")
    for day, n, points, at_ms, value in found:
        if day is None:
            candidate = (at_ms, value)
        elif points is not None:
            candidate = _last_before(day, n, points, limit_ms=ceil_ms(instant))
        elif day < first and value is not None:
            candidate = (wall_ms(day), value)  # its hours are not opened: no other row is nearer
        else:
            continue
        if candidate[0] > last_ms:
            last_ms, last = candidate
    return float(last)


def _last_before(day: date, n: int, points: bytes, *, limit_ms: int) -> tuple[int, float]:
    _rows, at_ms, value, quality = decoded_rows([points], np.array([n]))
    kept = ~np.isin(quality, IGNORED) & (at_ms + wall_ms(day) < limit_ms)
    if not kept.any():
        return -1, float("nan")
    place = int(np.flatnonzero(kept)[-1])
    return int(at_ms[place]) + wall_ms(day), float(value[place])


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
        values = values_found(stream_id, start=start, end=end)
        count, gone = len(values.t_ms), None if values.gone is None else values.gone[0]
    else:
        count, gone = counted(stream_id, start=start, end=end)
    finest = finest_step(stream_id, gone, start=start, end=end)
    if finest is Step.RAW and count <= max_points:
        return Step.RAW
    for step in TYPICAL_MS:
        if bucket_count(start, end, step) <= max_points and _coarser(step, finest) is step:
            return step
    raise _too_long(step=Step.MONTH)


def _coarser(one: Step, other: Step) -> Step:
    return max(one, other, key=lambda step: TYPICAL_MS.get(step, 0))


def _raw(stream_id: int, *, start: datetime, end: datetime, statistic: Statistic) -> SeriesRange:
    first, last = days_of(start, end)
    # Two months of a value a second would be five million: counted before they are fetched.
    if (last - first).days > 1 and counted(stream_id, start=start, end=end)[0] > MOST_POINTS:
        raise _too_long(step=Step.RAW)
    values = values_found(stream_id, start=start, end=end)
    if len(values.t_ms) > MOST_POINTS:
        raise _too_long(step=Step.RAW)
    available = Step.RAW
    if values.gone is not None:
        available = finest_step(stream_id, values.gone[0], start=start, end=end)
    return SeriesRange(
        step=Step.RAW,
        statistic=statistic,
        t_ms=values.t_ms,
        mean=values.value,
        min=values.value,
        max=values.value,
        n=(~np.isin(values.quality, IGNORED)).astype(np.int64),
        quality=values.quality,
        available=available,
    )


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
