"""One figure per stream over a window: what indicators of a month are made of.

The first and last day of a window are seldom whole: their values are opened. The days between are
read from their figures where they are packed, and value by value where they are hot. Late rows of
packed days, which lie before the first day that has a partition, count once they are merged. A
day at the edge whose values retention has taken counts as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

import numpy as np

from beffroi.city.series.admission import EARLIEST
from beffroi.city.series.civil_time import ceil_ms, day_of, floor_ms
from beffroi.city.series.contracts import IGNORED, Floats, Integers
from beffroi.city.series.packed_months import Days, days_of_points, no_days
from beffroi.city.series.points import Points, day_starts, joined, no_points, unpacked
from beffroi.city.series.summaries import Summaries
from beffroi.city.series.wire import decoded, decoded_many, epoch_ms, lengths, ordinals, rows
from beffroi.sdk.declarations import Statistic

# Assets and streams come first as one small set; row-level security does the rest.
STREAMS = """
streams AS MATERIALIZED (
    SELECT s.id, s.asset_id FROM series_stream s JOIN assets_asset a ON a.id = s.asset_id
    WHERE a.type_key = %(type_key)s AND a.removed_at IS NULL AND s.measure_key = %(measure)s)
"""

# Of each statistic: the figures of a day that it needs. No other is read.
_FIGURES: dict[Statistic, Sequence[str]] = {
    Statistic.MEAN: ("vsum",),
    Statistic.SUM: ("vsum",),
    Statistic.MIN: ("vmin",),
    Statistic.MAX: ("vmax",),
    Statistic.MEAN_ENERGY_DB: ("energy",),
    Statistic.INCREASE: ("vfirst", "vlast", "rise"),
}
_MOST_FIGURES = 3

_WHOLE, _MONTH, _HOT, _EDGE = range(4)


_HOT_ROWS = """
FROM series_observation o JOIN streams ON streams.id = o.stream_id
WHERE o.observed_at >= greatest(%(since)s, %(hot_since)s) AND o.observed_at <= %(until)s
  AND o.quality NOT IN (4, 9)
"""
_LOOSE = f"""
       array_send(array_agg(o.stream_id)), array_send(array_agg(o.observed_at)),
       array_send(array_agg(o.value)), NULL, NULL, NULL {_HOT_ROWS}
"""
# Where the database can sum hot values up by itself, they do not travel one by one.
_SUMMED = {
    statistic: f"""
       array_send(array_agg(stream_id)), NULL, array_send(array_agg(n)),
       array_send(array_agg(figure)), NULL, NULL
FROM (SELECT o.stream_id, count(*)::integer AS n, {figure} AS figure {_HOT_ROWS}
      GROUP BY o.stream_id) summed
"""
    for statistic, figure in {
        Statistic.MEAN: "sum(o.value)",
        Statistic.SUM: "sum(o.value)",
        Statistic.MIN: "min(o.value)",
        Statistic.MAX: "max(o.value)",
    }.items()
}


def window_sql(statistic: Statistic) -> str:
    """Return the statement that reads a window.

    Raises:
        KeyError: the statistic is not worked out over a window.
    """
    names = _FIGURES[statistic]
    fill = ["NULL::bytea"] * (_MOST_FIGURES - len(names))
    of_days = [f"array_send(array_agg(coalesce(g.{name}, 'NaN')))" for name in names] + fill
    of_months = [f"array_send(g.{name})" for name in names] + fill
    return f"""
WITH {STREAMS}
SELECT {_WHOLE}, NULL::bigint, NULL::date, NULL::date, NULL::integer, NULL::bytea,
       array_send(array_agg(g.stream_id)), array_send(array_agg(g.day)),
       array_send(array_agg(g.n_ok)), {", ".join(of_days)}
FROM series_segment g JOIN streams ON streams.id = g.stream_id
WHERE g.day > %(first)s AND g.day < %(last)s AND g.n_ok > 0
UNION ALL
SELECT {_MONTH}, g.stream_id, g.first, g.raw_from, g.n,
       CASE WHEN %(first)s BETWEEN g.raw_from AND g.last
              OR %(last)s BETWEEN g.raw_from AND g.last THEN g.points END,
       NULL, array_send(g.days), array_send(g.n_ok), {", ".join(of_months)}
FROM series_month g JOIN streams ON streams.id = g.stream_id
WHERE g.first BETWEEN date_trunc('month', %(first)s::timestamp)::date AND %(last)s
  AND g.last >= %(first)s
UNION ALL
SELECT {_EDGE}, g.stream_id, g.day, NULL, g.n, g.points, NULL,
       NULL, array_send(ARRAY[g.n_ok]),
       {", ".join(f"array_send(ARRAY[coalesce(g.{name}, 'NaN')])" for name in names)}
       {"".join(f", {empty}" for empty in fill)}
FROM series_segment g JOIN streams ON streams.id = g.stream_id
WHERE g.day IN (%(first)s, %(last)s)
UNION ALL
SELECT {_HOT}, NULL, NULL, NULL, NULL, NULL, {_SUMMED.get(statistic, _LOOSE)}
"""  # noqa: S608 - constants of this module only


def window_parameters(
    type_key: str, measure: str, *, since: datetime, until: datetime
) -> dict[str, Any]:
    """Return the parameters of :func:`window_sql`; both ends of the window belong to it."""
    return {
        "type_key": type_key,
        "measure": measure,
        "since": since,
        "until": until,
        "first": day_of(since),
        "last": day_of(until),
        "hot_since": hot_since(),
    }


def hot_since() -> datetime:
    """Return the start of the first day whose values are not packed yet."""
    found = rows("SELECT series_day_start(min(d)) FROM series_partition_days() d", {})[0][0]
    return cast("datetime", found) if found is not None else EARLIEST


def over_window(
    type_key: str, measure: str, *, statistic: Statistic, since: datetime, until: datetime
) -> Floats:
    """Return the figure of each stream of a type and measure that has one over a window.

    Raises:
        KeyError: the statistic is not worked out over a window.
    """
    asked = window_parameters(type_key, measure, since=since, until=until)
    found = rows(window_sql(statistic), asked)
    names = _FIGURES[statistic]
    of_kind = [[row for row in found if row[0] == kind] for kind in range(4)]
    first, last = asked["first"].toordinal(), asked["last"].toordinal()
    whole = _whole_days(of_kind[_WHOLE][0], names)
    months, opened = _months(of_kind[_MONTH], names, first=first, last=last)
    edges, opened_edges = _edges(of_kind[_EDGE], names)
    hot = of_kind[_HOT][0]
    summed, loose = no_days(), no_points()
    if statistic in _SUMMED:
        stream = decoded(hot[6], "int8")
        summed = _days(
            stream,
            np.full(len(stream), last),  # of several days, but no statistic asks which
            decoded(hot[8], "int4").astype(np.int64),
            {names[0]: decoded(hot[9], "float8")},
        )
    else:
        loose = _hot(hot)
    loose = joined([opened, opened_edges, loose])
    inside = (loose.t_ms >= ceil_ms(since)) & (loose.t_ms <= floor_ms(until))
    inside &= ~np.isin(loose.quality, IGNORED)
    loose = loose.at(inside)
    order = np.lexsort((loose.t_ms, loose.stream))
    return _per_stream(
        [whole, months, edges, summed, days_of_points(loose.at(order))], statistic=statistic
    )


def _per_stream(parts: Sequence[Days], *, statistic: Statistic) -> Floats:
    """Bring the days of each stream together."""
    stream = np.concatenate([part.stream for part in parts])
    n_ok = np.concatenate([part.figures.n_ok for part in parts])
    day = np.concatenate([part.day for part in parts])
    order = np.lexsort((day, stream))
    order = order[n_ok[order] > 0]
    if len(order) == 0:
        return np.empty(0)
    starts = np.flatnonzero(np.diff(stream[order], prepend=-1))

    def figure(name: str) -> Floats:
        return np.concatenate([getattr(part.figures, name) for part in parts])[order]

    name = _FIGURES[statistic][0]
    with np.errstate(invalid="ignore", divide="ignore"):
        if statistic is Statistic.INCREASE:
            between = figure("vfirst") - np.roll(figure("vlast"), 1)
            between[starts] = 0.0  # from one stream to the next is no growth
            found = np.add.reduceat(figure("rise") + np.maximum(between, 0.0), starts)
        elif statistic in (Statistic.MIN, Statistic.MAX):
            extreme = np.minimum if statistic is Statistic.MIN else np.maximum
            found = extreme.reduceat(figure(name), starts)
        else:
            found = np.add.reduceat(figure(name), starts)
        count = np.add.reduceat(n_ok[order], starts)
        if statistic is Statistic.MEAN:
            found = found / count
        elif statistic is Statistic.MEAN_ENERGY_DB:
            found = 10.0 * np.log10(found / count)
    return np.asarray(found[np.isfinite(found)], dtype=np.float64)


def _whole_days(row: tuple[Any, ...], names: Sequence[str]) -> Days:
    stream = decoded(row[6], "int8")
    return _days(
        stream,
        ordinals(decoded(row[7], "int4")),
        decoded(row[8], "int4").astype(np.int64),
        {name: decoded(row[9 + rank], "float8") for rank, name in enumerate(names)},
    )


def _months(
    found: list[tuple[Any, ...]], names: Sequence[str], *, first: int, last: int
) -> tuple[Days, Points]:
    """Return the whole days of months, and the values of those that hold an edge of the window."""
    if not found:
        return no_days(), no_points()
    columns = list(zip(*found, strict=True))
    count = lengths(columns[7], "int4")
    day = ordinals(decoded_many(columns[7], "int4"))
    raw_from = np.repeat(np.array([row.toordinal() for row in columns[3]]), count)
    days = _days(
        np.repeat(np.array(columns[1], dtype=np.int64), count),
        day,
        decoded_many(columns[8], "int4").astype(np.int64),
        {name: decoded_many(columns[9 + rank], "float8") for rank, name in enumerate(names)},
    )
    opened = np.isin(day, (first, last)) & (day >= raw_from)
    inside = (day >= first) & (day <= last) & ~opened
    parts = []
    for edge in sorted({first, last}):
        held = [row for row in found if row[3].toordinal() <= edge]
        low, high = day_starts(np.array([edge, edge + 1])).tolist()
        points = _opened(held, between=(low, high))
        parts.append(points.at((points.t_ms >= low) & (points.t_ms < high)))
    return days.at(np.flatnonzero(inside)), joined(parts)


def _edges(found: list[tuple[Any, ...]], names: Sequence[str]) -> tuple[Days, Points]:
    """Return the values of days at an edge, and the figures of those that have lost theirs."""
    emptied = [row for row in found if row[5] is None]
    points = _opened(found)
    if not emptied:
        return no_days(), points
    columns = list(zip(*emptied, strict=True))
    days = _days(
        np.array(columns[1], dtype=np.int64),
        np.array([day.toordinal() for day in columns[2]], dtype=np.int64),
        decoded_many(columns[8], "int4").astype(np.int64),
        {name: decoded_many(columns[9 + rank], "float8") for rank, name in enumerate(names)},
    )
    return days, points


def _opened(found: list[tuple[Any, ...]], *, between: tuple[int, int] | None = None) -> Points:
    full = [row for row in found if row[5] is not None]
    return unpacked(
        [row[5] for row in full],
        stream=np.array([row[1] for row in full], dtype=np.int64),
        first=np.array([row[2].toordinal() for row in full], dtype=np.int64),
        counts=np.array([row[4] for row in full], dtype=np.int64),
        between=between,
    )


def _hot(row: tuple[Any, ...]) -> Points:
    stream = decoded(row[6], "int8")
    return Points(
        stream,
        epoch_ms(decoded(row[7], "int8")),
        decoded(row[8], "float8"),
        np.ones(len(stream), dtype=np.int16),
    )


def _days(stream: Integers, day: Integers, n_ok: Integers, figures: dict[str, Floats]) -> Days:
    """Return days of which only some figures are known."""
    unknown = np.full(len(stream), np.nan)
    names = ("vmin", "vmax", "vsum", "vfirst", "vlast", "rise", "energy")
    return Days(
        stream,
        day,
        n_ok,
        np.ones(len(stream), dtype=np.bool_),
        Summaries(
            t_ms=day,
            n_ok=n_ok,
            worst=np.ones(len(stream), dtype=np.int16),
            **{name: figures.get(name, unknown) for name in names},
        ),
    )
