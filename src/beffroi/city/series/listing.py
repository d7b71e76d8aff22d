"""Streams and latest values as a program reads them: by page, with what names them outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from beffroi.city.assets.api import cover
from beffroi.city.series.wire import rows
from beffroi.foundation.accounts.contracts import Scope
from beffroi.kernel.geometry import BoundingBox

_SEEN = """
      AND EXISTS (SELECT FROM unnest(%(seen_domains)s::text[], %(seen_areas)s::bigint[])
                      AS p (domain_key, area_id)
                  WHERE (p.domain_key IS NULL OR p.domain_key = a.domain_key)
                    AND (p.area_id IS NULL OR p.area_id = a.area_id))
"""
_NARROWED = """
      AND (%(assets)s::uuid[] IS NULL OR a.uuid = ANY (%(assets)s::uuid[]))
      AND (%(types)s::text[] IS NULL OR a.type_key = ANY (%(types)s::text[]))
      AND (%(domains)s::text[] IS NULL OR a.domain_key = ANY (%(domains)s::text[]))
"""
_MEASURED = "(%(measures)s::text[] IS NULL OR {}.measure_key = ANY (%(measures)s::text[]))"

STREAMS = f"""
SELECT s.id, s.uuid, a.uuid, a.name, a.external_key, a.type_key, a.domain_key, a.area_id,
       s.measure_key, s.unit, s.created_at, l.value, l.quality, l.observed_at, l.received_at
FROM series_stream s
JOIN assets_asset a ON a.id = s.asset_id
LEFT JOIN series_latest l ON l.stream_id = s.id
WHERE a.removed_at IS NULL {_SEEN} {_NARROWED}
  AND {_MEASURED.format("s")}
  AND (%(streams)s::uuid[] IS NULL OR s.uuid = ANY (%(streams)s::uuid[]))
  AND (%(after)s::uuid IS NULL OR s.uuid > %(after)s)
ORDER BY s.uuid LIMIT %(limit)s
"""  # noqa: S608 - constants of this module only

# The page is cut over assets before values are joined: an asset keeps all its values together.
LATEST_PAGE = f"""
WITH seen AS MATERIALIZED (
    SELECT a.id, a.uuid, a.name, a.type_key, a.domain_key, a.lon, a.lat
    FROM {{source}}
    WHERE a.removed_at IS NULL {_SEEN} {_NARROWED} {{inside}}
      AND (%(after)s::uuid IS NULL OR a.uuid > %(after)s)
    ORDER BY a.uuid LIMIT %(limit)s)
SELECT seen.uuid, seen.name, seen.type_key, seen.domain_key, s.uuid, l.measure_key, s.unit,
       l.value, l.quality, l.observed_at, l.received_at, seen.lon, seen.lat
FROM seen
LEFT JOIN series_latest l ON l.asset_id = seen.id AND {_MEASURED.format("l")}
LEFT JOIN series_stream s ON s.id = l.stream_id
ORDER BY seen.uuid, l.measure_key
"""  # noqa: S608 - constants of this module only
_EVERYWHERE = "assets_asset a"
_BY_PLACE = """unnest(%(first)s::bigint[], %(last)s::bigint[]) AS r (first, last)
    JOIN assets_asset a ON a.quad BETWEEN r.first AND r.last"""
_INSIDE = """
      AND a.lon BETWEEN %(west)s AND %(east)s AND a.lat BETWEEN %(south)s AND %(north)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesQuery:
    """What a program asks for; empty fields do not narrow. ``bbox`` is for latest values."""

    assets: tuple[UUID, ...] = ()
    streams: tuple[UUID, ...] = ()
    types: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()
    bbox: BoundingBox | None = None


class StreamRecord(NamedTuple):
    """One stream, whose asset it is of, and its latest value if it ever had one."""

    id: int
    uuid: UUID
    asset_uuid: UUID
    asset_name: str
    external_key: str
    type_key: str
    domain_key: str
    area_id: int | None
    measure_key: str
    unit: str
    created_at: datetime
    value: float | None
    quality: int | None
    observed_at: datetime | None
    received_at: datetime | None


class LatestRecord(NamedTuple):
    """A latest value with its place; an asset without any has one row whose stream is None."""

    asset_uuid: UUID
    asset_name: str
    type_key: str
    domain_key: str
    stream_uuid: UUID | None
    measure_key: str | None
    unit: str | None
    value: float | None
    quality: int | None
    observed_at: datetime | None
    received_at: datetime | None
    lon: float
    lat: float


def streams_listed(
    wanted: SeriesQuery, *, scope: Scope, after: UUID | None = None, limit: int = 1_000
) -> list[StreamRecord]:
    """Return streams in the order of their identifiers; ``after`` ends the former page."""
    parameters = _parameters(wanted, scope=scope, after=after, limit=limit)
    return [StreamRecord(*row) for row in rows(STREAMS, parameters)]


def latest_listed(
    wanted: SeriesQuery, *, scope: Scope, after: UUID | None = None, limit: int = 1_000
) -> list[LatestRecord]:
    """Return the latest values of a page of assets, in the order of the assets' identifiers.

    ``limit`` counts assets; ``after`` is the last asset of the former page. One statement.
    """
    parameters = _parameters(wanted, scope=scope, after=after, limit=limit)
    return [LatestRecord(*row) for row in rows(latest_sql(wanted), parameters)]


def latest_sql(wanted: SeriesQuery) -> str:
    """Return the statement of :func:`latest_listed`: by place when there is a rectangle."""
    if wanted.bbox is None:
        return LATEST_PAGE.format(source=_EVERYWHERE, inside="")
    return LATEST_PAGE.format(source=_BY_PLACE, inside=_INSIDE)


def _parameters(
    wanted: SeriesQuery, *, scope: Scope, after: UUID | None, limit: int
) -> dict[str, Any]:
    pairs = [(None, None)] if scope.everything else sorted(scope.allowed, key=str)
    parameters: dict[str, Any] = {
        "seen_domains": [domain for domain, _area in pairs],
        "seen_areas": [area for _domain, area in pairs],
        "assets": _listed(wanted.assets),
        "streams": _listed(wanted.streams),
        "types": _listed(wanted.types),
        "domains": _listed(wanted.domains),
        "measures": _listed(wanted.measures),
        "after": after,
        "limit": limit,
    }
    if wanted.bbox is not None:
        ranges = cover(wanted.bbox)
        parameters |= {
            "first": [low for low, _high in ranges],
            "last": [high for _low, high in ranges],
            "west": wanted.bbox.west,
            "east": wanted.bbox.east,
            "south": wanted.bbox.south,
            "north": wanted.bbox.north,
        }
    return parameters


def _listed(values: Sequence[Any]) -> list[Any] | None:
    return list(values) or None
