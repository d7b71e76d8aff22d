"""Features as ArcGIS servers give them (``f=json``), brought to the form of GeoJSON.

Format: ArcGIS REST API, geometry objects. Outer rings turn clockwise, holes the other way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import shapely

_CODES = {102100: 3857, 102113: 3857, 102110: 2154}
"""Numbers of Esri's own for systems that have one of EPSG."""


def esri_features(document: object) -> tuple[list[bytes], object] | None:
    """Return GeoJSON features and their ``crs`` member; None when it is no such document."""
    if not isinstance(document, dict):
        return None
    features = document.get("features")
    if not isinstance(features, list) or not features:
        return None
    if not all(
        isinstance(one, dict) and "attributes" in one and "properties" not in one
        for one in features[:20]
    ):
        return None
    found = [
        msgspec.json.encode(
            {
                "type": "Feature",
                "properties": one.get("attributes") or {},
                "geometry": _geometry(one.get("geometry")),
            }
        )
        for one in features
        if isinstance(one, dict)
    ]
    reference = document.get("spatialReference")
    code = None
    if isinstance(reference, dict):
        code = reference.get("latestWkid") or reference.get("wkid")
    if not isinstance(code, int):
        return found, None
    return found, {"type": "name", "properties": {"name": f"EPSG:{_CODES.get(code, code)}"}}


def _geometry(given: object) -> dict[str, Any] | None:
    """Return a GeoJSON geometry; one that makes no sense is left for the reader to refuse."""
    if not isinstance(given, dict) or _is_empty(given.get("x", 0)):
        return None  # the two ways in which these servers write an empty point
    if "x" in given:
        return {"type": "Point", "coordinates": [given["x"], given.get("y")]}
    for member, kind in (("points", "MultiPoint"), ("paths", "MultiLineString")):
        if member in given:
            return {"type": kind, "coordinates": given[member]}
    return {"type": "MultiPolygon", "coordinates": _polygons(given.get("rings"))}


def _is_empty(x: object) -> bool:
    return x is None or x == "NaN"


def _polygons(rings: object) -> list[list[object]]:
    """Put each hole into the outer ring that holds it."""
    if not isinstance(rings, list):
        return []
    outers: list[tuple[shapely.Polygon | None, list[object]]] = []
    holes: list[tuple[Sequence[Any], object]] = []
    for ring in rings:
        try:
            line = shapely.LinearRing([point[:2] for point in ring])
        except (TypeError, ValueError, IndexError, shapely.errors.ShapelyError):
            outers.append((None, [ring]))
            continue
        if line.is_ccw:
            holes.append((ring[0][:2], ring))
        else:
            outers.append((shapely.Polygon(line), [ring]))
    for first, ring in holes:
        point = shapely.Point(first)
        around = next((rows for shape, rows in outers if shape and shape.intersects(point)), None)
        if around is None:
            outers.append((None, [ring]))
        else:
            around.append(ring)
    return [rows for _, rows in outers]
