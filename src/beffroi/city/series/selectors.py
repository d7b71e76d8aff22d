from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from beffroi.city.assets.api import cover
from beffroi.city.series.contracts import LatestValue, StreamNotFound, StreamView
from beffroi.city.series.models import Stream
from beffroi.city.series.wire import rows
from beffroi.foundation.accounts.contracts import Scope
from beffroi.kernel.geometry import BoundingBox
from beffroi.kernel.quality import Quality
from beffroi.sdk.declarations import Measure, Statistic
from beffroi.sdk.registry import asset_types, measures_of

LATEST = """
SELECT stream_id, asset_id, measure_key, value, quality, observed_at, received_at
FROM series_latest
WHERE asset_id = ANY (%(asset_ids)s::bigint[])
  AND (%(measures)s::text[] IS NULL OR measure_key = ANY (%(measures)s::text[]))
"""

IN_VIEW = """
WITH seen AS MATERIALIZED (
    SELECT a.id
    FROM unnest(%(first)s::bigint[], %(last)s::bigint[]) AS r (first, last)
    JOIN assets_asset a ON a.quad BETWEEN r.first AND r.last
    WHERE a.removed_at IS NULL
      AND a.lon BETWEEN %(west)s AND %(east)s AND a.lat BETWEEN %(south)s AND %(north)s
      AND (%(domains)s::text[] IS NULL OR a.domain_key = ANY (%(domains)s::text[]))
      AND EXISTS (SELECT FROM unnest(%(seen_domains)s::text[], %(seen_areas)s::bigint[])
                      AS p (domain_key, area_id)
                  WHERE (p.domain_key IS NULL OR p.domain_key = a.domain_key)
                    AND (p.area_id IS NULL OR p.area_id = a.area_id))
    ORDER BY a.state DESC, a.id LIMIT %(limit)s)
SELECT l.stream_id, l.asset_id, l.measure_key, l.value, l.quality, l.observed_at, l.received_at
FROM seen JOIN series_latest l ON l.asset_id = seen.id
WHERE %(measures)s::text[] IS NULL OR l.measure_key = ANY (%(measures)s::text[])
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredStream:
    """A stream with what a page, a chart or a file must know of it."""

    stream: StreamView
    asset_uuid: UUID
    asset_title: str
    type_key: str
    domain_key: str
    area_id: int | None
    measure: Measure | None

    @property
    def statistic(self) -> Statistic:
        """Return how its values are brought together; the mean when nothing declares it."""
        return Statistic.MEAN if self.measure is None else self.measure.aggregate

    @property
    def label(self) -> str:
        """Return the declared label in English (the msgid), or the key."""
        return self.stream.measure_key if self.measure is None else self.measure.label

    @property
    def unit(self) -> str:
        """Return the symbol of the unit."""
        return self.stream.unit if self.measure is None else self.measure.unit.symbol


def latest_of_assets(
    asset_ids: Iterable[int], *, measures: Sequence[str] = ()
) -> dict[int, dict[str, LatestValue]]:
    """Return the latest value of every stream of the assets: asset to measure to value.

    Assets without a value are absent. ``measures`` narrows to some measures.
    """
    return _latest(LATEST, {"asset_ids": list(asset_ids), "measures": list(measures) or None})


def streams_of_asset(asset_id: int) -> list[DeclaredStream]:
    """Return the streams of one asset, in the order that its type declares its measures."""
    found = _declared(Stream.objects.filter(asset_id=asset_id))
    if not found:
        return []
    order = {key: rank for rank, key in enumerate(_measures(found[0].type_key))}
    return sorted(
        found,
        key=lambda item: (
            order.get(item.stream.measure_key, len(order)),
            item.stream.measure_key,
        ),
    )


def streams_of_assets(
    asset_ids: Iterable[int], *, measures: Sequence[str] = ()
) -> list[DeclaredStream]:
    """Return the streams of several assets, by asset then measure."""
    found = Stream.objects.filter(asset_id__in=list(asset_ids))
    if measures:
        found = found.filter(measure_key__in=list(measures))
    return _declared(found)


def stream_get(uuid: UUID) -> DeclaredStream:
    """Return one stream by its public identifier.

    Raises:
        StreamNotFound: the territory has none.
    """
    found = _declared(Stream.objects.filter(uuid=uuid))
    if not found:
        raise StreamNotFound("There is no such series here.")
    return found[0]


def streams_by_uuid(uuids: Iterable[UUID]) -> dict[UUID, DeclaredStream]:
    """Return those of the streams that the territory has."""
    return {item.stream.uuid: item for item in _declared(Stream.objects.filter(uuid__in=uuids))}


def _declared(streams: Any) -> list[DeclaredStream]:
    fields = streams.order_by("asset_id", "measure_key").values_list(
        "id",
        "uuid",
        "territory_id",
        "asset_id",
        "measure_key",
        "unit",
        "created_at",
        "asset__uuid",
        "asset__name",
        "asset__external_key",
        "asset__type_key",
        "asset__domain_key",
        "asset__area_id",
    )
    return [
        DeclaredStream(
            stream=StreamView(
                id=row[0],
                uuid=row[1],
                territory_id=row[2],
                asset_id=row[3],
                measure_key=row[4],
                unit=row[5],
                created_at=row[6],
            ),
            asset_uuid=row[7],
            asset_title=row[8] or row[9],
            type_key=row[10],
            domain_key=row[11],
            area_id=row[12],
            measure=_measures(row[10]).get(row[4]),
        )
        for row in fields
    ]


def _measures(type_key: str) -> dict[str, Measure]:
    # A town may have removed the package that declared the type; its series remain readable.
    return dict(measures_of(type_key)) if type_key in asset_types() else {}


def latest_in_view(
    bbox: BoundingBox,
    *,
    scope: Scope,
    domains: Sequence[str] | None = None,
    measures: Sequence[str] = (),
    limit: int = 500,
) -> dict[int, dict[str, LatestValue]]:
    """Return the latest values of the assets inside a rectangle, those with trouble first.

    Assets without any value are absent. One statement: a screen asks this at each move.
    """
    return _latest(
        IN_VIEW,
        view_parameters(bbox, scope=scope, domains=domains, measures=measures, limit=limit),
    )


def view_parameters(
    bbox: BoundingBox,
    *,
    scope: Scope,
    domains: Sequence[str] | None = None,
    measures: Sequence[str] = (),
    limit: int = 500,
) -> dict[str, Any]:
    """Return the parameters of :data:`IN_VIEW`."""
    ranges = cover(bbox)
    pairs = [(None, None)] if scope.everything else sorted(scope.allowed, key=str)
    return {
        "first": [low for low, _high in ranges],
        "last": [high for _low, high in ranges],
        "west": bbox.west,
        "east": bbox.east,
        "south": bbox.south,
        "north": bbox.north,
        "domains": None if domains is None else list(domains),
        "seen_domains": [domain for domain, _area in pairs],
        "seen_areas": [area for _domain, area in pairs],
        "measures": list(measures) or None,
        "limit": limit,
    }


def _latest(statement: str, parameters: dict[str, Any]) -> dict[int, dict[str, LatestValue]]:
    found: dict[int, dict[str, LatestValue]] = {}
    for stream_id, asset_id, measure_key, value, quality, observed_at, received_at in rows(
        statement, parameters
    ):
        found.setdefault(asset_id, {})[measure_key] = LatestValue(
            stream_id=stream_id,
            asset_id=asset_id,
            measure_key=measure_key,
            value=value,
            quality=Quality(quality),
            observed_at=observed_at,
            received_at=received_at,
        )
    return found
