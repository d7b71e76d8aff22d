"""Indicators of a territory, worked out from latest values and from summaries of days."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
from pyproj import Geod
from shapely.geometry import shape

from beffroi.city.series.contracts import Floats, IndicatorResult
from beffroi.city.series.summaries import energy_of
from beffroi.city.series.windows import STREAMS, over_window
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

LATEST = f"""
WITH {STREAMS}
SELECT array_send(array_agg(l.value))
FROM series_latest l JOIN streams ON streams.id = l.stream_id
WHERE l.observed_at >= %(since)s AND l.observed_at <= %(until)s AND l.quality NOT IN (4, 9)
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
    return over_window(
        item.asset_type, item.measure, statistic=item.over_time, since=since, until=at
    )


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
