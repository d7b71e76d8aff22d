"""Vector tiles of the assets: squares with counts below street zoom, the assets from there."""

from __future__ import annotations

import gzip
import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

from django.db.models import QuerySet
from mapbox_vector_tile.Mapbox import vector_tile_pb2

from beffroi.city.assets.cells import CELL_BITS, FIRST_ZOOM, LAST_ZOOM
from beffroi.city.assets.contracts import AssetState
from beffroi.city.assets.models import Asset, AssetCell, AssetVersion
from beffroi.city.assets.quads import LEVEL, tile_range
from beffroi.city.assets.scopes import scope_filter, scope_key
from beffroi.city.assets.selectors import seen_assets
from beffroi.foundation.accounts.contracts import Scope
from beffroi.foundation.database.api import required_territory_id
from beffroi.kernel.geometry import Position, Tile, world_xy

EXTENT = 4096
MAX_ZOOM = 22
FORM = 1
"""Part of the ETag: to be raised when the same rows are to be encoded in another way."""
CACHE_BYTES = 32 * 1024 * 1024
NAMES_FROM = 16
MAX_POINTS = 20_000
"""No tile carries more; the lists have them all."""

_MOVE_TO = 9
"""Command "move to", once (Vector Tile Specification 2.1, section 4.3)."""

_Key = tuple[int, int, Tile, tuple[str, ...] | None, tuple[tuple[str, int], ...] | None]


@dataclass(frozen=True, slots=True)
class EncodedTile:
    """A tile ready to be sent: compressed with gzip, None when nothing lies in it."""

    content: bytes | None
    etag: str


class _TileCache:
    """The tiles sent last, bounded by their size; keys hold the version, so none gets stale."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._lock = Lock()
        self._tiles: OrderedDict[_Key, EncodedTile] = OrderedDict()

    def get(self, key: _Key) -> EncodedTile | None:
        with self._lock:
            found = self._tiles.get(key)
            if found is not None:
                self._tiles.move_to_end(key)
            return found

    def put(self, key: _Key, tile: EncodedTile) -> None:
        with self._lock:
            if key in self._tiles:
                return
            self._tiles[key] = tile
            self._size += _weight(tile)
            while self._size > self._limit:
                _, old = self._tiles.popitem(last=False)
                self._size -= _weight(old)

    def clear(self) -> None:
        with self._lock:
            self._tiles.clear()
            self._size = 0


_cache = _TileCache(CACHE_BYTES)


def tiles_version() -> int:
    """Return the version of what the territory's map shows; 0 before the first asset."""
    return AssetVersion.objects.values_list("version", flat=True).first() or 0


def tile_etag(tile: Tile, *, version: int, domains: Sequence[str] | None, scope: Scope) -> str:
    """Return the ETag of a tile without computing the tile."""
    parts = (FORM, required_territory_id(), version, tile, _names(domains), scope_key(scope))
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:24]


def asset_tile(
    tile: Tile, *, domains: Sequence[str] | None, scope: Scope, version: int | None = None
) -> EncodedTile:
    """Return a tile of the acting territory.

    Up to zoom :data:`~beffroi.city.assets.cells.LAST_ZOOM`: layer ``cells``, one point per
    square, with ``n``, ``warn`` (attention or silent), ``alarm`` and ``domain`` (the one with
    most assets there). From the next zoom: layer ``assets``, with the asset's id as feature id,
    ``uuid``, ``type``, ``domain``, ``state`` and, from zoom :data:`NAMES_FROM`, its ``name``.

    Args:
        tile: which one.
        domains: keys of the domains shown; None for all.
        scope: what the person may see.
        version: of the map, where the caller has just read it.
    """
    version = tiles_version() if version is None else version
    key = (required_territory_id(), version, tile, _names(domains), scope_key(scope))
    known = _cache.get(key)
    if known is not None:
        return known
    layer = _cells(tile, domains, scope) if tile.z <= LAST_ZOOM else _assets(tile, domains, scope)
    encoded = EncodedTile(
        content=None if layer is None else gzip.compress(layer, compresslevel=6, mtime=0),
        etag=tile_etag(tile, version=version, domains=domains, scope=scope),
    )
    _cache.put(key, encoded)
    return encoded


def tile_cache_clear() -> None:
    """Forget the tiles kept in this process."""
    _cache.clear()


def _cells(tile: Tile, domains: Sequence[str] | None, scope: Scope) -> bytes | None:
    zoom = max(FIRST_ZOOM, tile.z)
    finest = 2 * (LEVEL - zoom - CELL_BITS)
    first, last = (limit >> finest for limit in tile_range(tile))
    rows: QuerySet[AssetCell] = AssetCell.objects.filter(
        scope_filter(scope), zoom=zoom, cell__range=(first, last)
    )
    if domains is not None:
        rows = rows.filter(domain_key__in=list(domains))
    coarser = 2 * (zoom - tile.z)
    squares: dict[int, _Square] = {}
    found = rows.values_list("cell", "domain_key", "n", "warn", "alarm", "lon", "lat")
    for cell, domain, n, warn, alarm, lon, lat in found:
        squares.setdefault(cell >> coarser, _Square()).add(domain, (n, warn, alarm), (lon, lat))
    if not squares:
        return None
    writer = _LayerWriter("cells", tile)
    for cell in sorted(squares):
        square = squares[cell]
        writer.point(
            cell + 1,
            square.lon / square.n,
            square.lat / square.n,
            {"n": square.n, "warn": square.warn, "alarm": square.alarm, "domain": square.domain},
        )
    return writer.encoded()


class _Square:
    """Counts of one square, brought together over domains and areas."""

    __slots__ = ("alarm", "lat", "lon", "n", "of_domain", "warn")

    def __init__(self) -> None:
        self.n = self.warn = self.alarm = 0
        self.lon = self.lat = 0.0
        self.of_domain: dict[str, int] = {}

    def add(self, domain: str, counts: tuple[int, int, int], mean: tuple[float, float]) -> None:
        n, warn, alarm = counts
        self.n += n
        self.warn += warn
        self.alarm += alarm
        self.lon += mean[0] * n
        self.lat += mean[1] * n
        self.of_domain[domain] = self.of_domain.get(domain, 0) + n

    @property
    def domain(self) -> str:
        return min(self.of_domain, key=lambda key: (-self.of_domain[key], key))


def _assets(tile: Tile, domains: Sequence[str] | None, scope: Scope) -> bytes | None:
    rows: QuerySet[Asset] = seen_assets(scope).filter(quad__range=tile_range(tile))
    if domains is not None:
        rows = rows.filter(domain_key__in=list(domains))
    found = list(
        rows.order_by("urgency", "id").values_list(
            "id", "uuid", "type_key", "domain_key", "name", "state", "lon", "lat"
        )[:MAX_POINTS]
    )
    if not found:
        return None
    writer = _LayerWriter("assets", tile)
    for asset_id, uuid, type_key, domain_key, name, state, lon, lat in found:
        properties: dict[str, Any] = {
            "uuid": str(uuid),
            "type": type_key,
            "domain": domain_key,
            # A map shows what is wrong; never reported is said on the list and the page.
            "state": 0 if state == AssetState.NEVER_REPORTED else state,
        }
        if name and tile.z >= NAMES_FROM:
            properties["name"] = name
        writer.point(asset_id, lon, lat, properties)
    return writer.encoded()


class _LayerWriter:
    """Writes points straight into the messages of mapbox-vector-tile.

    Its own encoder makes a shapely geometry of each point and takes twenty times as long.
    """

    def __init__(self, name: str, tile: Tile) -> None:
        self._tile = vector_tile_pb2.tile()
        self._layer = self._tile.layers.add()
        self._layer.name = name
        self._layer.version = 2
        self._layer.extent = EXTENT
        self._keys: dict[str, int] = {}
        self._values: dict[tuple[type, Any], int] = {}
        self._side = (1 << tile.z) * EXTENT
        self._left, self._top = tile.x * EXTENT, tile.y * EXTENT

    def point(self, number: int, lon: float, lat: float, properties: dict[str, Any]) -> None:
        """Add a point; ``number`` is the feature's id."""
        x, y = world_xy(Position(lon, lat))
        feature = self._layer.features.add()
        feature.id = number
        feature.type = vector_tile_pb2.tile.Point
        feature.geometry.extend(
            (
                _MOVE_TO,
                _zigzag(round(x * self._side) - self._left),
                _zigzag(round(y * self._side) - self._top),
            )
        )
        for key, value in properties.items():
            feature.tags.append(self._key(key))
            feature.tags.append(self._value(value))

    def encoded(self) -> bytes:
        """Return the tile."""
        return bytes(self._tile.SerializeToString())

    def _key(self, key: str) -> int:
        found = self._keys.get(key)
        if found is None:
            found = self._keys[key] = len(self._keys)
            self._layer.keys.append(key)
        return found

    def _value(self, value: Any) -> int:
        found = self._values.get((type(value), value))
        if found is None:
            found = self._values[type(value), value] = len(self._values)
            message = self._layer.values.add()
            if isinstance(value, int):
                message.int_value = value
            else:
                message.string_value = value
        return found


def _zigzag(value: int) -> int:
    return (value << 1) ^ (value >> 31)


def _names(domains: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if domains is None else tuple(sorted(set(domains)))


def _weight(tile: EncodedTile) -> int:
    return 200 + len(tile.content or b"")
