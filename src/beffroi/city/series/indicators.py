"""Indicators of a territory, worked out from latest values and from summaries of days."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, cast

import numpy as np
from pyproj import Geod
from shapely.geometry import shape

from beffroi.city.series.admission import EARLIEST
from beffroi.city.series.civil_time import ceil_ms, day_of, floor_ms, wall_ms
from beffroi.city.series.contracts import Floats, IndicatorResult
from beffroi.city.series.summaries import energy_of
from beffroi.city.series.wire import decoded, rows
from beffroi.foundation.database.api import required_territory_id
from beffroi.foundation.territories.api import territory_boundary, territory_by_id
from beffroi.kernel.clock import as_utc, now
from beffroi.sdk.declarations import (
    AssetCount,
    Indicator,
    IndicatorInput,
    MeasureShare,
    MeasureTotal,
    PropertySum,
    Statistic,
    TerritoryFact,
)
from beffroi.sdk.registry import asset_types

_ASSETS = """
SELECT count(*) FROM assets_asset
WHERE type_key = %(type_key)s AND removed_at IS NULL
  AND (%(where)s::jsonb IS NULL OR properties @> %(where)s::jsonb)
"""

_PROPERTY = """
SELECT sum(CASE WHEN number = 0 OR abs(number) BETWEEN 1e-18 AND 1e18 THEN number::float8 END)
FROM (SELECT CASE WHEN jsonb_typeof(properties -> %(property)s) = 'number'
                  THEN (properties ->> %(property)s)::numeric END AS number
      FROM assets_asset WHERE type_key = %(type_key)s AND removed_at IS NULL) found
"""
"""Numbers of JSON have no bound: one that no float holds is left out and stops nothing."""

# Assets and streams come first as one small set; row-level security does the rest.
_STREAMS = """
streams AS MATERIALIZED (
    SELECT s.id, s.asset_id FROM series_stream s JOIN assets_asset a ON a.id = s.asset_id
    WHERE a.type_key = %(type_key)s AND a.removed_at IS NULL AND s.measure_key = %(measure)s)
"""

LATEST = f"""
WITH {_STREAMS}
SELECT array_send(array_agg(l.value))
FROM series_latest l JOIN streams ON streams.id = l.stream_id
WHERE l.observed_at >= %(since)s AND l.observed_at <= %(until)s AND l.quality NOT IN (4, 9)
"""  # noqa: S608 - constants of this module only

# The first and last day of a window are seldom whole: their values are opened. The days between
# are packed and read from their summaries, or hot and read row by row. Late rows of packed days,
# which lie before the first day that has a partition, count once they are merged.
_OPENED = """
FROM series_segment g JOIN streams ON streams.id = g.stream_id,
     unnest(g.at_ms, g.value, g.quality) AS p (ms, value, quality)
WHERE g.day IN (%(first)s, %(last)s) AND coalesce(p.quality, g.worst) NOT IN (4, 9)
  AND p.ms >= CASE g.day WHEN %(first)s THEN %(first_ms)s ELSE 0 END
  AND (g.day < %(last)s OR p.ms <= %(last_ms)s)
"""

_HOT = """
FROM series_observation o JOIN streams ON streams.id = o.stream_id
WHERE o.observed_at >= greatest(%(since)s, %(hot_since)s) AND o.observed_at <= %(until)s
  AND o.quality NOT IN (4, 9)
"""

_WHOLE_DAYS = """
FROM series_segment g JOIN streams ON streams.id = g.stream_id
WHERE g.day > %(first)s AND g.day < %(last)s AND g.n_ok > 0
"""

# Of each statistic: what a packed day holds of it, and how single values and days come together.
# Only what is asked for is worked out: the energy of a value costs more than all the rest.
_FIGURES = {
    Statistic.MEAN: ("vsum", "sum(value)", "sum(figure)"),
    Statistic.SUM: ("vsum", "sum(value)", "sum(figure)"),
    Statistic.MIN: ("vmin", "min(value)", "min(figure)"),
    Statistic.MAX: ("vmax", "max(value)", "max(figure)"),
    Statistic.MEAN_ENERGY_DB: (
        "energy",
        "CASE WHEN count(series_energy(value)) = count(*) THEN sum(series_energy(value)) END",
        "CASE WHEN count(figure) = count(*) THEN sum(figure) ELSE 'NaN' END",
    ),
}


def window_sql(statistic: Statistic) -> str:
    """Return the statement that gives counts and one figure per stream over a window.

    Raises:
        KeyError: the statistic is not worked out from figures of days.
    """
    packed, loose, together = _FIGURES[statistic]
    return f"""
WITH {_STREAMS},
loose AS (
    SELECT g.stream_id, p.value {_OPENED}
    UNION ALL SELECT o.stream_id, o.value {_HOT}),
parts AS (
    SELECT g.stream_id, g.n_ok, g.{packed} AS figure {_WHOLE_DAYS}
    UNION ALL
    SELECT stream_id, count(*), {loose} FROM loose GROUP BY stream_id),
figures AS (
    SELECT sum(n_ok)::float8 AS n_ok, {together} AS figure FROM parts GROUP BY stream_id)
SELECT array_send(array_agg(n_ok)), array_send(array_agg(figure)) FROM figures
"""  # noqa: S608 - constants of this module only


_INCREASE = f"""
WITH {_STREAMS},
loose AS (
    SELECT g.stream_id, series_day_start(g.day) + p.ms * interval '1 millisecond' AS observed_at,
           p.value {_OPENED}
    UNION ALL SELECT o.stream_id, o.observed_at, o.value {_HOT}),
ordered AS (
    SELECT stream_id, observed_at, value,
           value - lag(value) OVER (PARTITION BY stream_id, series_day_of(observed_at)
                                    ORDER BY observed_at) AS step
    FROM loose),
parts AS (
    SELECT g.stream_id, g.day, g.vfirst, g.vlast, g.rise {_WHOLE_DAYS}
    UNION ALL
    SELECT stream_id, series_day_of(observed_at),
           (array_agg(value ORDER BY observed_at))[1],
           (array_agg(value ORDER BY observed_at DESC))[1],
           coalesce(sum(step) FILTER (WHERE step > 0), 0)
    FROM ordered GROUP BY 1, 2),
linked AS (
    SELECT stream_id, rise,
           vfirst - lag(vlast) OVER (PARTITION BY stream_id ORDER BY day) AS step
    FROM parts),
figures AS (
    SELECT sum(rise) + coalesce(sum(step) FILTER (WHERE step > 0), 0) AS rise
    FROM linked GROUP BY stream_id)
SELECT array_send(array_agg(rise)) FROM figures
"""  # noqa: S608 - constants of this module only


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evaluated:
    value: float | None
    contributing: int = 0
    total: int = 0


def indicator_evaluate(indicator: Indicator, *, at: datetime | None = None) -> IndicatorResult:
    """Work out an indicator of the territory this code acts for.

    Values flagged BAD or MISSING, and those of assets silent for longer than their type allows,
    are left out; ``contributing`` and ``total`` say of how many assets the figure speaks.

    Raises:
        TerritoryContextError: the code runs outside ``acting_for``.
    """
    instant = as_utc(at or now())
    found = {name: _evaluate(item, at=instant) for name, item in indicator.inputs.items()}
    inputs = {name: item.value for name, item in found.items()}
    unknown = sorted(name for name, value in inputs.items() if value is None)
    value: float | None = None
    missing = ""
    if unknown:
        missing = f"nothing is known of {', '.join(unknown)}"
    else:
        try:
            value = float(indicator.compute(**inputs))
        except (ValueError, ArithmeticError) as problem:
            missing = str(problem)
        else:
            if not math.isfinite(value):
                value, missing = None, "the inputs do not define it"
    return IndicatorResult(
        indicator=indicator,
        value=value,
        inputs=inputs,
        contributing=sum(item.contributing for item in found.values()),
        total=sum(item.total for item in found.values()),
        at=instant,
        missing=missing,
    )


def measure_totals(asked: Mapping[str, MeasureTotal], *, at: datetime) -> dict[str, float | None]:
    """Return measures brought together over the assets of their types; None where none counts."""
    return {name: _measure_total(item, at=as_utc(at)).value for name, item in asked.items()}


def _evaluate(item: IndicatorInput, *, at: datetime) -> _Evaluated:
    match item:
        case AssetCount():
            return _Evaluated(value=float(_asset_count(item)))
        case PropertySum():
            found = rows(_PROPERTY, {"type_key": item.asset_type, "property": item.property})
            return _Evaluated(value=found[0][0])
        case TerritoryFact():
            return _Evaluated(value=_territory_fact(item.fact))
        case MeasureShare():
            return _measure_share(item, at=at)
        case MeasureTotal():
            return _measure_total(item, at=at)


def _asset_count(item: AssetCount) -> int:
    where = None if item.where is None else json.dumps({item.where[0]: item.where[1]})
    return int(rows(_ASSETS, {"type_key": item.asset_type, "where": where})[0][0])


def _measure_share(item: MeasureShare, *, at: datetime) -> _Evaluated:
    values = _latest(item.asset_type, item.measure, since=_fresh(item.asset_type, at), until=at)
    total = _asset_count(AssetCount(asset_type=item.asset_type))
    if len(values) == 0:
        return _Evaluated(value=None, total=total)
    inside = np.count_nonzero((values >= item.low) & (values <= item.high))
    return _Evaluated(value=inside / len(values), contributing=len(values), total=total)


def _measure_total(item: MeasureTotal, *, at: datetime) -> _Evaluated:
    total = _asset_count(AssetCount(asset_type=item.asset_type))
    values = _over_time(item, at=at)
    if len(values) == 0:
        return _Evaluated(value=None, total=total)
    return _Evaluated(
        value=_over_assets(values, item.over_assets), contributing=len(values), total=total
    )


def _over_time(item: MeasureTotal, *, at: datetime) -> Floats:
    """Return one figure per asset that has one."""
    if item.window is None:
        since = _fresh(item.asset_type, at)
        return _latest(item.asset_type, item.measure, since=since, until=at)
    since = at - item.window
    if item.over_time is Statistic.LAST:
        return _latest(item.asset_type, item.measure, since=since, until=at)
    asked = window_parameters(item.asset_type, item.measure, since=since, until=at)
    if item.over_time is Statistic.INCREASE:
        return decoded(rows(_INCREASE, asked)[0][0], "float8")
    n_ok, figure = (
        decoded(octets, "float8") for octets in rows(window_sql(item.over_time), asked)[0]
    )
    with np.errstate(invalid="ignore"):
        if item.over_time is Statistic.MEAN:
            figure = figure / n_ok
        elif item.over_time is Statistic.MEAN_ENERGY_DB:
            figure = 10.0 * np.log10(figure / n_ok)
    return np.asarray(figure[np.isfinite(figure)], dtype=np.float64)


def window_parameters(
    type_key: str, measure: str, *, since: datetime, until: datetime
) -> dict[str, Any]:
    """Return the parameters of :func:`window_sql`; both ends of the window belong to it."""
    first, last = day_of(since), day_of(until)
    return {
        "type_key": type_key,
        "measure": measure,
        "since": since,
        "until": until,
        "first": first,
        "last": last,
        "first_ms": ceil_ms(since) - wall_ms(first),
        "last_ms": floor_ms(until) - wall_ms(last),
        "hot_since": hot_since(),
    }


def hot_since() -> datetime:
    """Return the start of the first day whose values are not packed yet."""
    found = rows("SELECT series_day_start(min(d)) FROM series_partition_days() d", {})[0][0]
    return cast("datetime", found) if found is not None else EARLIEST


def _over_assets(values: Floats, statistic: Statistic) -> float:
    match statistic:
        case Statistic.SUM:
            return float(values.sum())
        case Statistic.MEAN:
            return float(values.mean())
        case Statistic.MIN:
            return float(values.min())
        case Statistic.MAX:
            return float(values.max())
        case Statistic.MEAN_ENERGY_DB:
            return float(10.0 * np.log10(energy_of(values).mean()))
        case _:
            raise ValueError(f"{statistic} does not bring assets together")


def _latest(type_key: str, measure: str, *, since: datetime, until: datetime) -> Floats:
    asked: dict[str, Any] = {
        "type_key": type_key,
        "measure": measure,
        "since": since,
        "until": until,
    }
    return decoded(rows(LATEST, asked)[0][0], "float8")


def _fresh(type_key: str, at: datetime) -> datetime:
    known = asset_types().get(type_key)
    return at - (known.silent_after if known is not None else timedelta(hours=24))


def _territory_fact(fact: str) -> float | None:
    territory_id = required_territory_id()
    if fact == "population":
        population = territory_by_id(territory_id).population
        return None if population is None else float(population)
    if fact == "area_km2":
        boundary = territory_boundary(territory_id)
        return None if boundary is None else _area_km2(json.dumps(boundary, sort_keys=True))
    raise ValueError(f"no territory has the fact {fact!r}")


@lru_cache(maxsize=64)
def _area_km2(geojson: str) -> float:
    # On the ellipsoid of the French reference frame: no projection to choose per region.
    square_metres, _perimeter = Geod(ellps="GRS80").geometry_area_perimeter(
        shape(json.loads(geojson))
    )
    return abs(float(square_metres)) / 1_000_000
