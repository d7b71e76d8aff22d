from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from beffroi.kernel.errors import InvalidInput


class Layer(StrEnum):
    """What a base map is made of, in the order it is drawn, the lowest first."""

    BOUNDARY = "boundary"
    DISTRICT = "district"
    WATER = "water"
    PARK = "park"
    PEDESTRIAN = "pedestrian"
    BUILDING = "building"
    STREET = "street"


class UnknownLayer(InvalidInput):
    """The base map has no such layer."""

    code = "basemap.unknown_layer"


@dataclass(frozen=True, slots=True, kw_only=True)
class BasemapImport:
    """What the import of one file into the base map did."""

    layer: str
    source: str
    stored: int
    refused: int
    replaced: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BasemapBuild:
    """What building the tiles did."""

    tiles: int
    octets: int
    largest: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceView:
    """A file that feeds the base map, with the credit it must be given."""

    layer: str
    name: str
    attribution: str
    feature_count: int
    imported_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyTile:
    """A tile as stored: compressed with gzip."""

    content: bytes
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A position that words led to; ``kind`` is address, street, park, pedestrian or district."""

    kind: str
    label: str
    lon: float
    lat: float
