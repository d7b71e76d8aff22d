"""From the town's features to vector tiles: pure functions on shapely arrays.

Coordinates are Web Mercator from 0 to 1, y growing southwards, until a tile is written.
"""

from __future__ import annotations

import gzip
import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import mapbox_vector_tile
import numpy as np
import shapely
from mapbox_vector_tile.encoder import on_invalid_geometry_make_valid
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from beffroi.city.basemap.contracts import Layer, ReadyTile
from beffroi.city.basemap.street_classes import MAJOR
from beffroi.kernel.geometry import Tile

EXTENT = 4096
BUFFER = 64
"""What a tile holds around itself, in units of :data:`EXTENT`, so that lines meet."""
FIRST_ZOOM = 10
LAST_ZOOM = 15
"""Streets seen closer are drawn from this zoom: one unit of it is 25 centimetres."""
SCREEN = 512
"""Pixels on the side of a tile, as the map draws it."""

SIMPLIFY_PX = 0.75
MIN_AREA_PX = {Layer.WATER: 9.0, Layer.PARK: 16.0, Layer.BUILDING: 4.0, Layer.PEDESTRIAN: 9.0}
MIN_STREET_PX = {10: 96.0, 11: 80.0, 12: 56.0, 13: 20.0}
"""Coarse zooms show only streets whose whole length, by name, is at least this on the screen."""
MAJOR_SHARE = 0.3
"""What is asked of a major street, as a share of that."""
FIRST_ZOOM_OF = {Layer.BUILDING: 14, Layer.PEDESTRIAN: 13}
NAMES_FROM = {Layer.STREET: 13, Layer.WATER: 14}
_NAMES_FROM_OTHERS = 15
_LABELLED = {Layer.DISTRICT: 10, Layer.PARK: 14}
"""Areas whose name stands on a point of the same layer, and from which zoom: written on the
area itself, it would be drawn in each tile that the area crosses."""

Geometries = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Drawn:
    """The features of one layer; the three have the same length."""

    layer: Layer
    geometries: Geometries
    names: list[str]
    classes: list[str]


@dataclass(frozen=True, slots=True)
class _AtZoom:
    drawn: Drawn
    geometries: Geometries
    names: list[str]
    classes: list[str]
    tree: shapely.STRtree


def to_world(geometries: Geometries) -> Geometries:
    """Return geometries in degrees as geometries in Web Mercator from 0 to 1."""
    return np.asarray(shapely.transform(geometries, _mercator), dtype=object)


def tiles_of(layers: Sequence[Drawn], *, zoom: int) -> Iterator[tuple[Tile, ReadyTile]]:
    """Give every tile of a zoom that holds something."""
    prepared = [_at_zoom(drawn, zoom=zoom) for drawn in layers if _is_shown(drawn.layer, zoom)]
    prepared = [item for item in prepared if len(item.geometries)]
    if not prepared:
        return
    side = 1 << zoom
    boxes = np.array([shapely.total_bounds(item.geometries) for item in prepared])
    west, north = np.floor(boxes[:, :2].min(axis=0) * side).astype(int)
    east, south = np.floor(boxes[:, 2:].max(axis=0) * side).astype(int)
    for x in range(max(0, west), min(side - 1, east) + 1):
        for y in range(max(0, north), min(side - 1, south) + 1):
            tile = Tile(zoom, x, y)
            content = _encoded(prepared, tile)
            if content is not None:
                packed = gzip.compress(content, compresslevel=9, mtime=0)
                etag = hashlib.sha256(content).hexdigest()[:24]
                yield tile, ReadyTile(content=packed, etag=etag)


def _is_shown(layer: Layer, zoom: int) -> bool:
    return zoom >= FIRST_ZOOM_OF.get(layer, FIRST_ZOOM)


def _at_zoom(drawn: Drawn, *, zoom: int) -> _AtZoom:
    """Choose what a zoom shows of a layer, and simplify it to what a pixel can tell."""
    pixel = 1 / (SCREEN << zoom)
    geometries, names, classes = drawn.geometries, drawn.names, drawn.classes
    if drawn.layer is Layer.STREET and zoom in MIN_STREET_PX:
        geometries, names, classes = _long_streets(drawn, shortest=MIN_STREET_PX[zoom] * pixel)
    tolerance = SIMPLIFY_PX * pixel
    simple = shapely.simplify(geometries, tolerance, preserve_topology=True)
    keep = ~(shapely.is_missing(simple) | shapely.is_empty(simple))
    smallest = MIN_AREA_PX.get(drawn.layer)
    if smallest is not None:
        keep &= (shapely.area(simple) >= smallest * pixel * pixel) | (
            shapely.get_dimensions(simple) < 2
        )
    kept = np.flatnonzero(keep)
    chosen = np.asarray(simple, dtype=object)[kept]
    return _AtZoom(
        drawn=drawn,
        geometries=chosen,
        names=[names[place] for place in kept],
        classes=[classes[place] for place in kept],
        tree=shapely.STRtree(chosen),
    )


def _long_streets(drawn: Drawn, *, shortest: float) -> tuple[Geometries, list[str], list[str]]:
    """Join the sections of each street and leave the short ones out."""
    sections: dict[tuple[str, str], list[int]] = {}
    for place, key in enumerate(zip(drawn.names, drawn.classes, strict=True)):
        sections.setdefault(key, []).append(place)
    joined: list[BaseGeometry] = []
    names: list[str] = []
    classes: list[str] = []
    for (name, class_key), places in sections.items():
        parts = drawn.geometries[places]
        if not name:
            # Sections without a name are not one street: each counts alone.
            long = parts[shapely.length(parts) >= shortest * _share(class_key)]
            joined.extend(long)
            names.extend([""] * len(long))
            classes.extend([class_key] * len(long))
        elif float(shapely.length(parts).sum()) >= shortest * _share(class_key):
            joined.append(shapely.line_merge(shapely.union_all(parts)))
            names.append(name)
            classes.append(class_key)
    array = np.empty(len(joined), dtype=object)
    array[:] = joined
    return array, names, classes


def _share(class_key: str) -> float:
    return MAJOR_SHARE if class_key in MAJOR else 1.0


def _encoded(prepared: Sequence[_AtZoom], tile: Tile) -> bytes | None:
    side = 1 << tile.z
    margin = BUFFER / EXTENT
    left, top = (tile.x - margin) / side, (tile.y - margin) / side
    right, bottom = (tile.x + 1 + margin) / side, (tile.y + 1 + margin) / side
    frame = shapely.box(left, top, right, bottom)
    layers: list[dict[str, Any]] = []
    for item in prepared:
        found = np.sort(item.tree.query(frame, predicate="intersects"))
        if not len(found):
            continue
        clipped = shapely.clip_by_rect(item.geometries[found], left, top, right, bottom)
        on_grid = shapely.transform(
            clipped,
            lambda points: np.round((points * side - (tile.x, tile.y)) * EXTENT),
        )
        features = [
            {"geometry": shape, "properties": _properties(item, int(place), tile.z)}
            for place, whole in zip(found, on_grid, strict=True)
            if (shape := _drawable(whole, item.drawn.layer)) is not None
        ]
        features.extend(_labels(item, found, tile))
        if features:
            layers.append({"name": item.drawn.layer.value, "features": features})
    if not layers:
        return None
    return bytes(
        mapbox_vector_tile.encode(
            layers,
            default_options={
                "y_coord_down": True,
                "extents": EXTENT,
                "on_invalid_geometry": on_invalid_geometry_make_valid,
            },
        )
    )


def _drawable(shape: BaseGeometry, layer: Layer) -> BaseGeometry | None:
    """Return the part of a clipped shape that has the dimension of its layer, or None."""
    wanted = 1 if layer is Layer.STREET else 2
    if shape.is_empty:
        return None
    if shape.geom_type == "GeometryCollection":
        parts = [
            part for part in shapely.get_parts(shape) if shapely.get_dimensions(part) == wanted
        ]
        if not parts:
            return None
        shape = shapely.union_all(parts)
    if shapely.get_dimensions(shape) > wanted:
        return shape.boundary
    if shapely.get_dimensions(shape) == 0:
        return None
    if shapely.get_dimensions(shape) == 1:
        return shape if shape.length > 0 else None
    return shape if shape.area > 0 else None


def _properties(item: _AtZoom, place: int, zoom: int) -> dict[str, str]:
    layer = item.drawn.layer
    properties: dict[str, str] = {}
    if item.classes[place]:
        properties["class"] = item.classes[place]
    named = layer not in _LABELLED and zoom >= NAMES_FROM.get(layer, _NAMES_FROM_OTHERS)
    if item.names[place] and named:
        properties["name"] = item.names[place]
    return properties


def _labels(item: _AtZoom, found: NDArray[Any], tile: Tile) -> Iterator[dict[str, Any]]:
    """Give a point for each name whose point lies in the tile itself, so that none comes twice."""
    layer = item.drawn.layer
    if layer not in _LABELLED or tile.z < _LABELLED[layer]:
        return
    side = 1 << tile.z
    for place in found:
        if not item.names[place]:
            continue
        point = shapely.point_on_surface(item.geometries[place])
        x, y = point.x * side - tile.x, point.y * side - tile.y
        if 0 <= x < 1 and 0 <= y < 1:
            yield {
                "geometry": shapely.Point(round(x * EXTENT), round(y * EXTENT)),
                "properties": {"name": item.names[place]},
            }


def _mercator(points: NDArray[Any]) -> NDArray[Any]:
    latitudes = np.radians(np.clip(points[:, 1], -85.0511287798066, 85.0511287798066))
    return np.column_stack(
        (
            (points[:, 0] + 180) / 360,
            (1 - np.arcsinh(np.tan(latitudes)) / math.pi) / 2,
        )
    )
