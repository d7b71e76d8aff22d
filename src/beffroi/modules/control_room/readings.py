"""Latest values, brought together with what their type declares of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from beffroi.city.assets.contracts import AssetSummary
from beffroi.city.series.api import LatestValue, latest_of_assets
from beffroi.kernel.clock import now
from beffroi.modules.control_room.contracts import ListRow, ShownValue
from beffroi.modules.control_room.titles import called, streets_of
from beffroi.modules.control_room.words import (
    choices_of,
    quality_words,
    told,
    type_icon,
    type_label,
)
from beffroi.sdk.declarations import Measure
from beffroi.sdk.registry import asset_types, measures_of


def measures_by_key(type_key: str) -> Mapping[str, Measure]:
    """Return the measures of a type, its device's included; none once its package is removed."""
    return measures_of(type_key) if type_key in asset_types() else {}


def headline_of(type_key: str) -> str:
    """Return the key of the measure that a list shows first, or an empty text."""
    declared = asset_types().get(type_key)
    if declared is None:
        return ""
    return declared.headline or (declared.measures[0].key if declared.measures else "")


def shown_value(
    latest: LatestValue | None,
    *,
    asset: AssetSummary,
    measure_key: str,
    unit: str = "",
    stream_uuid: UUID | None = None,
) -> ShownValue:
    """Return a value ready to be written; without a value the page shows a dash."""
    measure = measures_by_key(asset.type_key).get(measure_key)
    declared = asset_types().get(asset.type_key)
    stale = (
        latest is not None
        and declared is not None
        and now() - latest.observed_at > declared.silent_after
    )
    return ShownValue(
        asset_uuid=asset.uuid,
        measure_key=measure_key,
        label=measure_key if measure is None else told(measure.label),
        unit=unit if measure is None else measure.unit.symbol,
        decimals=1 if measure is None else measure.decimals,
        choices=choices_of(measure),
        value=None if latest is None else latest.value,
        at=None if latest is None else latest.observed_at,
        quality=1 if latest is None else int(latest.quality),
        quality_words="" if latest is None else quality_words(latest.quality),
        stale=stale,
        stream_uuid=stream_uuid,
    )


def rows_of(assets: Sequence[AssetSummary]) -> tuple[ListRow, ...]:
    """Return the lines of a list, each with its headline value; one query for all of them."""
    headlines = {asset.type_key: headline_of(asset.type_key) for asset in assets}
    measures = sorted({key for key in headlines.values() if key})
    latest = latest_of_assets([asset.id for asset in assets], measures=measures) if measures else {}
    return tuple(
        _row(asset, latest.get(asset.id, {}), measure_key=headlines[asset.type_key], street=street)
        for asset, street in zip(assets, streets_of(assets), strict=True)
    )


def rows_with(
    assets: Mapping[int, AssetSummary], values: Iterable[LatestValue]
) -> tuple[ListRow, ...]:
    """Return lines in the order of the values, each with its own value."""
    known = [(assets[value.asset_id], value) for value in values if value.asset_id in assets]
    streets = streets_of([asset for asset, _value in known])
    return tuple(
        _row(asset, {value.measure_key: value}, measure_key=value.measure_key, street=street)
        for (asset, value), street in zip(known, streets, strict=True)
    )


def _row(
    asset: AssetSummary, latest: Mapping[str, LatestValue], *, measure_key: str, street: str
) -> ListRow:
    found = latest.get(measure_key)
    return ListRow(
        asset=called(asset, street=street),
        street=street,
        measurable=bool(measure_key),
        type_label=type_label(asset.type_key),
        icon=type_icon(asset.type_key),
        value=None if found is None else shown_value(found, asset=asset, measure_key=measure_key),
    )
