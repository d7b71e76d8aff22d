from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import numpy as np
import shapely
from django.db import connection, transaction
from shapely.geometry.base import BaseGeometry

from beffroi.city.basemap.contracts import (
    BasemapBuild,
    BasemapImport,
    Layer,
    ReadyTile,
    UnknownLayer,
)
from beffroi.city.basemap.drawing import FIRST_ZOOM, LAST_ZOOM, Drawn, tiles_of, to_world
from beffroi.city.basemap.models import BasemapFeature, BasemapSource, BasemapTile
from beffroi.city.basemap.street_classes import street_class
from beffroi.city.basemap.words import plain
from beffroi.foundation.database.api import required_territory_id
from beffroi.kernel.clock import now
from beffroi.kernel.geometry import Tile
from beffroi.kernel.identifiers import slug_of

_Item = TypeVar("_Item")
BATCH = 5_000
TILE_BATCH = 200
ADDRESS_LAYER = "address"
_MAX_CLASS = 63
_DIMENSION = {Layer.STREET: 1}
"""Dimension of what a layer holds; two where it is not said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFeature:
    """A line or an area in degrees, as a file gives it."""

    geometry: BaseGeometry
    name: str = ""
    class_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAddress:
    """An address point as a file gives it."""

    number: str
    street: str
    lon: float
    lat: float


@transaction.atomic
def basemap_features_replace(
    features: Iterable[NewFeature | None],
    *,
    layer: str,
    source: str,
    attribution: str = "",
) -> BasemapImport:
    """Store the features of one source in a layer, in the place of what it gave before.

    A feature that is None, or whose geometry has not the layer's dimension, is counted as
    refused. Tiles are not touched: :func:`basemap_build` makes them.

    Raises:
        UnknownLayer: the base map has no such layer.
    """
    started = time.monotonic()
    if layer not in set(Layer):
        raise UnknownLayer(
            "The base map has no layer {value}.",
            field="layer",
            value=layer,
            way_out="Its layers are: {known}.",
            params={"value": layer, "known": ", ".join(Layer)},
        )
    row, replaced = _source(layer, source, attribution)
    stored = refused = 0
    for group in _groups(features):
        good = [item for item in group if item is not None and _fits(item.geometry, Layer(layer))]
        refused += len(group) - len(good)
        stored += len(good)
        _store(good, layer=layer, source_id=row.id)
    return _finished(row, replaced=replaced, stored=stored, refused=refused, started=started)


@transaction.atomic
def basemap_addresses_replace(
    addresses: Iterable[NewAddress | None], *, source: str, attribution: str = ""
) -> BasemapImport:
    """Store the address points of one source in the place of what it gave before."""
    started = time.monotonic()
    row, replaced = _source(ADDRESS_LAYER, source, attribution)
    stored = refused = 0
    for group in _groups(addresses):
        good = [item for item in group if item is not None and item.street]
        refused += len(group) - len(good)
        stored += len(good)
        if not good:
            continue
        with connection.cursor() as cursor:
            cursor.execute(
                _STORE_ADDRESSES,
                {
                    "territory": required_territory_id(),
                    "source": row.id,
                    "numbers": [plain(item.number).replace(" ", "")[:20] for item in good],
                    "streets": [item.street[:200] for item in good],
                    "searches": [plain(item.street)[:200] for item in good],
                    "lons": [item.lon for item in good],
                    "lats": [item.lat for item in good],
                },
            )
    return _finished(row, replaced=replaced, stored=stored, refused=refused, started=started)


def basemap_build(*, progress: Callable[[int, int], None] | None = None) -> BasemapBuild:
    """Make every tile of the acting territory again, in one transaction.

    ``progress`` is called with the number of zooms done and their total.
    """
    started = time.monotonic()
    layers = [drawn for layer in Layer if (drawn := _drawn(layer)) is not None]
    count = octets = largest = 0
    zooms = range(FIRST_ZOOM, LAST_ZOOM + 1)
    with transaction.atomic():
        BasemapTile.objects.all().delete()
        for done, zoom in enumerate(zooms, start=1):
            for group in _groups(tiles_of(layers, zoom=zoom), size=TILE_BATCH):
                _store_tiles(group)
                count += len(group)
                octets += sum(len(ready.content) for _, ready in group)
                largest = max(largest, *(len(ready.content) for _, ready in group))
            if progress is not None:
                progress(done, len(zooms))
    return BasemapBuild(
        tiles=count, octets=octets, largest=largest, seconds=time.monotonic() - started
    )


def _source(layer: str, name: str, attribution: str) -> tuple[BasemapSource, int]:
    row, _ = BasemapSource.objects.get_or_create(
        territory_id=required_territory_id(), layer=layer, name=name[:200]
    )
    row.attribution = attribution[:300]
    row.imported_at = now()
    table = "basemap_address" if layer == ADDRESS_LAYER else "basemap_feature"
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table} WHERE source_id = %s", [row.id])  # noqa: S608 - ours
        return row, cursor.rowcount


def _finished(
    row: BasemapSource, *, replaced: int, stored: int, refused: int, started: float
) -> BasemapImport:
    row.feature_count, row.refused_count = stored, refused
    row.save()
    return BasemapImport(
        layer=row.layer,
        source=row.name,
        stored=stored,
        refused=refused,
        replaced=replaced,
        seconds=time.monotonic() - started,
    )


def _fits(geometry: BaseGeometry, layer: Layer) -> bool:
    return not geometry.is_empty and int(shapely.get_dimensions(geometry)) == _DIMENSION.get(
        layer, 2
    )


def _store(features: Sequence[NewFeature], *, layer: str, source_id: int) -> None:
    if not features:
        return
    geometries = np.empty(len(features), dtype=object)
    geometries[:] = [shapely.force_2d(item.geometry) for item in features]
    bounds = shapely.bounds(geometries)
    with connection.cursor() as cursor:
        cursor.execute(
            _STORE_FEATURES,
            {
                "territory": required_territory_id(),
                "source": source_id,
                "layer": layer,
                "names": [item.name[:200] for item in features],
                "searches": [plain(item.name)[:200] for item in features],
                "classes": [_class_key(item.class_name, layer) for item in features],
                "geometries": [bytes(content) for content in shapely.to_wkb(geometries)],
                "wests": bounds[:, 0].tolist(),
                "souths": bounds[:, 1].tolist(),
                "easts": bounds[:, 2].tolist(),
                "norths": bounds[:, 3].tolist(),
            },
        )


def _class_key(name: str, layer: str) -> str:
    if layer == Layer.STREET:
        return street_class(name)
    return slug_of(name)[:_MAX_CLASS]


def _drawn(layer: Layer) -> Drawn | None:
    rows = list(
        BasemapFeature.objects.filter(layer=layer.value)
        .order_by("id")
        .values_list("geometry", "name", "class_key")
    )
    if not rows:
        return None
    shapes = shapely.from_wkb([bytes(row[0]) for row in rows])
    return Drawn(
        layer=layer,
        geometries=to_world(np.asarray(shapes, dtype=object)),
        names=[row[1] for row in rows],
        classes=[row[2] for row in rows],
    )


def _store_tiles(tiles: Sequence[tuple[Tile, ReadyTile]]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            _STORE_TILES,
            {
                "territory": required_territory_id(),
                "zooms": [tile.z for tile, _ in tiles],
                "xs": [tile.x for tile, _ in tiles],
                "ys": [tile.y for tile, _ in tiles],
                "contents": [ready.content for _, ready in tiles],
                "etags": [ready.etag for _, ready in tiles],
            },
        )


def _groups(items: Iterable[_Item], *, size: int = BATCH) -> Iterator[list[_Item]]:
    iterator = iter(items)
    while group := list(islice(iterator, size)):
        yield group


_STORE_FEATURES = """
INSERT INTO basemap_feature (territory_id, source_id, layer, name, search_text, class_key,
    geometry, west, south, east, north)
SELECT %(territory)s, %(source)s, %(layer)s, given.*
FROM unnest(%(names)s::text[], %(searches)s::text[], %(classes)s::text[],
    %(geometries)s::bytea[], %(wests)s::float8[], %(souths)s::float8[], %(easts)s::float8[],
    %(norths)s::float8[]) AS given
"""
_STORE_ADDRESSES = """
INSERT INTO basemap_address (territory_id, source_id, number, street, search_text, lon, lat)
SELECT %(territory)s, %(source)s, given.*
FROM unnest(%(numbers)s::text[], %(streets)s::text[], %(searches)s::text[],
    %(lons)s::float8[], %(lats)s::float8[]) AS given
"""
_STORE_TILES = """
INSERT INTO basemap_tile (territory_id, z, x, y, content, etag)
SELECT %(territory)s, given.*
FROM unnest(%(zooms)s::smallint[], %(xs)s::int[], %(ys)s::int[], %(contents)s::bytea[],
    %(etags)s::text[]) AS given
"""
