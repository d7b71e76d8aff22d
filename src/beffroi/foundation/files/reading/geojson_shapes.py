"""Make GeoJSON geometries safe for GEOS."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from beffroi.foundation.files.reading.contracts import Limits

_LEVEL_BYTES = 30
"""A level of a GeometryCollection takes at least this many characters."""


def geometry_texts(texts: Sequence[str | None], *, limits: Limits) -> list[str | None]:
    """Return the geometry of each GeoJSON text (geometry or feature), or ``None``."""
    return [None if text is None else safe_geometry(text, limits=limits) for text in texts]


def safe_geometry(text: str, *, limits: Limits) -> str | None:
    """Return a geometry as GEOS reads it: not nested too deep, its rings closed.

    Small texts cannot nest deep and, if nothing needs mending, are given as they are.
    """
    try:
        decoded = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    if isinstance(decoded, dict) and decoded.get("type") == "Feature":
        decoded = decoded.get("geometry")
    if not isinstance(decoded, dict) or _depth(decoded, limit=limits.geometry_depth) is None:
        return None
    return msgspec.json.encode(close_rings(decoded)).decode()


def is_shallow(raw: bytes, *, limits: Limits) -> bool:
    """Tell whether an encoded geometry nests no deeper than allowed."""
    if len(raw) < _LEVEL_BYTES * limits.geometry_depth or b"ollection" not in raw.replace(
        b"\\u", b"ollection"
    ):
        return True
    try:
        decoded = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return False
    return isinstance(decoded, dict) and _depth(decoded, limit=limits.geometry_depth) is not None


def _depth(geometry: dict[str, object], *, limit: int) -> int | None:
    """Return the levels of collections, or ``None`` beyond the limit."""
    level = [geometry]
    for depth in range(limit + 1):
        inner: list[dict[str, object]] = []
        for one in level:
            members = one.get("geometries")
            if isinstance(members, list):
                inner += [member for member in members if isinstance(member, dict)]
        if not inner:
            return depth
        level = inner
    return None


def close_rings(geometry: dict[str, object]) -> dict[str, object]:
    """Close the rings of polygons that were left open, as many exports do."""
    coordinates = geometry.get("coordinates")
    kind = geometry.get("type")
    if kind == "Polygon" and isinstance(coordinates, list):
        return {**geometry, "coordinates": [_closed(ring) for ring in coordinates]}
    if kind == "MultiPolygon" and isinstance(coordinates, list):
        polygons = [
            [_closed(ring) for ring in polygon] if isinstance(polygon, list) else polygon
            for polygon in coordinates
        ]
        return {**geometry, "coordinates": polygons}
    return geometry


def _closed(ring: object) -> object:
    if isinstance(ring, list) and len(ring) > 2 and ring[0] != ring[-1]:
        return [*ring, ring[0]]
    return ring
