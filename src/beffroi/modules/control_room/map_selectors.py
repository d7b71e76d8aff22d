"""What the map of the city and its side panel show."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

import numpy as np
from django.core.cache import cache

from beffroi.city.assets.api import TypeCount, asset_get, assets_attributions, counts_by_type
from beffroi.city.basemap.api import basemap_attributions
from beffroi.city.series.api import Step, latest_of_assets, series_range, streams_of_asset
from beffroi.foundation.accounts.contracts import Scope
from beffroi.kernel.clock import now
from beffroi.modules.control_room.contracts import (
    DomainCount,
    MapCredits,
    Preview,
    ShownValue,
)
from beffroi.modules.control_room.readings import headline_of, shown_value
from beffroi.modules.control_room.scopes import scope_mark, seen_domains
from beffroi.modules.control_room.titles import called, streets_of
from beffroi.modules.control_room.words import (
    domain_label,
    origin_view,
    told,
    type_icon,
    type_label,
)
from beffroi.sdk.registry import domains

HUES = 8
CREDITS_KEPT_S = 300
PREVIEW_VALUES = 5
SPARK_STEP = Step.MINUTES_30
SPARK_PERIOD = timedelta(hours=24)


def domain_counts(*, scope: Scope) -> list[DomainCount]:
    """Return the urban services the person sees, with their counts by state."""
    counts: dict[str, list[TypeCount]] = {}
    for line in counts_by_type(scope=scope):
        counts.setdefault(line.domain_key, []).append(line)
    return [domain_count(item.key, counts.get(item.key, ())) for item in seen_domains(scope)]


def domain_count(domain_key: str, lines: Iterable[TypeCount] = ()) -> DomainCount:
    """Return one urban service with the counts of its types added up."""
    declared = domains()[domain_key]
    listed = list(lines)
    # By its place among all, so that a colour means the same to every colleague.
    place = list(domains()).index(domain_key)
    return DomainCount(
        key=declared.key,
        label=told(declared.label),
        description=told(declared.description),
        icon=declared.icon,
        hue=1 + place % HUES,
        count=sum(line.total for line in listed),
        alarms=sum(line.alarm for line in listed),
        attention=sum(line.attention for line in listed),
        silent=sum(line.silent for line in listed),
        never_reported=sum(line.never_reported for line in listed),
    )


def map_credits(*, territory_id: int, scope: Scope, raster: str = "") -> MapCredits:
    """Return whom everything on the map must be credited to, each once.

    ``raster`` is the credit of the images that an administrator has configured, if any.
    """
    key = f"control_room:credits:{territory_id}:{scope_mark(scope)}"
    found: MapCredits | None = cache.get(key)
    if found is None:
        town = tuple(basemap_attributions())
        others = (text for text in assets_attributions(scope=scope) if text not in town)
        found = MapCredits(town=town, assets=tuple(others))
        cache.set(key, found, CREDITS_KEPT_S)
    return MapCredits(town=(raster, *found.town), assets=found.assets) if raster else found


def asset_preview(uuid: UUID, *, scope: Scope) -> Preview:
    """Return what the side panel says of an asset.

    Raises:
        AssetNotFound: there is none, or it is outside the scope.
    """
    detail = asset_get(uuid, scope=scope)
    street = streets_of([detail.summary])[0]
    asset = called(detail.summary, street=street)
    streams = streams_of_asset(asset.id)
    latest = latest_of_assets([asset.id]).get(asset.id, {})
    headline = headline_of(asset.type_key)
    streams.sort(key=lambda item: item.stream.measure_key != headline)
    values: tuple[ShownValue, ...] = tuple(
        shown_value(
            latest[item.stream.measure_key],
            asset=asset,
            measure_key=item.stream.measure_key,
            unit=item.unit,
        )
        for item in streams
        if item.stream.measure_key in latest
    )
    spark: tuple[float | None, ...] = ()
    if streams and streams[0].stream.measure_key in latest:
        spark = _spark(streams[0].stream.id)
    return Preview(
        asset=asset,
        type_label=type_label(asset.type_key),
        icon=type_icon(asset.type_key),
        domain_label=domain_label(asset.domain_key),
        street=street,
        origin=origin_view(asset.origin, credit=detail.attribution),
        values=values[:PREVIEW_VALUES],
        more_values=max(0, len(values) - PREVIEW_VALUES),
        spark=spark,
        spark_label=told(streams[0].label) if spark else "",
    )


def _spark(stream_id: int) -> tuple[float | None, ...]:
    """Return the last day, a value per half hour; None where there is none."""
    end = now()
    curve = series_range(stream_id, start=end - SPARK_PERIOD, end=end, step=SPARK_STEP)
    if not np.isfinite(curve.mean).any():
        return ()
    half_hour = 1_800_000
    first = int(curve.t_ms[0])
    last = int(end.timestamp() * 1000)
    known = dict(zip(curve.t_ms.tolist(), curve.mean.tolist(), strict=True))
    found = (known.get(at) for at in range(first, last, half_hour))
    return tuple(None if value is None or value != value else value for value in found)  # noqa: PLR0124 - NaN
