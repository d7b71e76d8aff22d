"""Reading boundaries from GeoJSON (RFC 7946): WGS 84, polygons only."""

from __future__ import annotations

import json
from typing import Any

import shapely
from shapely.errors import ShapelyError
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry

from beffroi.foundation.territories.contracts import AreaDraft, GeoJson, InvalidBoundary
from beffroi.kernel.identifiers import slug_of

# What towns call the name and the code of a district in the files they publish.
_NAME_FIELDS = ("nom", "name", "libelle", "libquart", "quartier", "nom_quartier", "label")
_CODE_FIELDS = ("code", "id", "insee", "code_insee", "quartier", "numero", "num", "codquart")
_POLYGONS = frozenset({"Polygon", "MultiPolygon"})


def boundary_from_geojson(content: bytes | str) -> GeoJson:
    """Return the union of all the polygons of a GeoJSON document as one geometry.

    Raises:
        InvalidBoundary: not GeoJSON, no polygon, or coordinates outside WGS 84.
    """
    geometries = [polygon(geometry) for _properties, geometry in _features(content)]
    if not geometries:
        raise _invalid("The file holds no polygon.")
    return geojson_of(shapely.union_all(geometries))


def area_drafts_from_geojson(
    content: bytes | str, *, name_field: str = "", code_field: str = ""
) -> list[AreaDraft]:
    """Return one draft per feature; fields are guessed when they are not named.

    Without a code, the name in plain letters is the code.

    Raises:
        InvalidBoundary: not GeoJSON, a feature without polygon or without name.
    """
    drafts = []
    for properties, geometry in _features(content):
        lowered = {str(key).lower(): value for key, value in properties.items()}
        name = _first(lowered, (name_field.lower(),) if name_field else _NAME_FIELDS)
        if not name:
            raise _invalid("A feature has no name.", way_out="Say which field holds it.")
        code = _first(lowered, (code_field.lower(),) if code_field else _CODE_FIELDS)
        drafts.append(
            AreaDraft(name=name, code=code or slug_of(name), geometry=geojson_of(polygon(geometry)))
        )
    return drafts


def polygon(geometry: Any) -> BaseGeometry:
    """Return a valid polygon or multi-polygon in degrees.

    Raises:
        InvalidBoundary: another type, or coordinates that are not degrees.
    """
    # Collections are refused before GEOS reads them: one nested deep enough brings it down.
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if not isinstance(kind, str) or kind not in _POLYGONS:
        raise _invalid("A boundary is a polygon or several.")
    try:
        made = shape(geometry)
    except (ShapelyError, ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
        raise _invalid("A polygon cannot be read.") from error
    if made.is_empty:
        raise _invalid("A polygon is empty.")
    west, south, east, north = made.bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise _invalid(
            "The coordinates are not longitudes and latitudes.",
            way_out="Convert the file to WGS 84 (EPSG:4326).",
        )
    if not made.is_valid:
        # Published boundaries often cross themselves; what is kept has the same outline.
        made = shapely.make_valid(made, method="structure")
        if made.geom_type not in _POLYGONS:
            raise _invalid("A polygon crosses itself beyond repair.")
    return made


def geojson_of(geometry: BaseGeometry) -> GeoJson:
    """Return the geometry as GeoJSON, to seven decimals (about a centimetre)."""
    rounded = shapely.set_precision(geometry, 1e-7)
    plain: GeoJson = json.loads(json.dumps(mapping(rounded)))
    return plain


def _features(content: bytes | str) -> list[tuple[dict[str, Any], Any]]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _invalid("The file is not JSON.") from error
    if not isinstance(document, dict):
        raise _invalid("The file is not GeoJSON.")
    match document.get("type"):
        case "FeatureCollection":
            listed = document.get("features")
        case "Feature":
            listed = [document]
        case _:
            return [({}, document)]
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise _invalid("The file is not GeoJSON.")
    return [(one.get("properties") or {}, one.get("geometry")) for one in listed]


def _first(properties: dict[str, Any], names: tuple[str, ...]) -> str:
    for name in names:
        value = properties.get(name)
        if value not in (None, ""):
            return str(value).strip()
    return ""


def _invalid(message: str, *, way_out: str = "") -> InvalidBoundary:
    return InvalidBoundary(message, field="boundary", way_out=way_out)
