"""Positions on the earth and in web map tiles."""

from __future__ import annotations

import math
from dataclasses import dataclass

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius of the earth in metres (IUGG)."""

MAX_MERCATOR_LATITUDE = 85.051_128_779_806_59


@dataclass(frozen=True, slots=True)
class Position:
    """A point in WGS 84, degrees.

    Raises:
        ValueError: a coordinate is outside its range or not finite.
    """

    lon: float
    lat: float

    def __post_init__(self) -> None:
        if not (-180 <= self.lon <= 180 and -90 <= self.lat <= 90):
            raise ValueError(f"({self.lon}, {self.lat}) is not a position in degrees")


@dataclass(frozen=True, slots=True)
class BoundingBox:
    """A rectangle in WGS 84, degrees; it does not cross the antimeridian."""

    west: float
    south: float
    east: float
    north: float

    def contains(self, position: Position) -> bool:
        """Tell whether the position lies inside or on the edge."""
        return self.west <= position.lon <= self.east and self.south <= position.lat <= self.north

    def expanded(self, *, margin: float) -> BoundingBox:
        """Return the box grown on each side by a share of its own size."""
        dx, dy = (self.east - self.west) * margin, (self.north - self.south) * margin
        return BoundingBox(self.west - dx, self.south - dy, self.east + dx, self.north + dy)


def distance_m(one: Position, other: Position) -> float:
    """Return the great-circle distance in metres.

    Formula: haversine on a sphere of :data:`EARTH_RADIUS_M`; error below 0.6 %.
    """
    lat1, lat2 = math.radians(one.lat), math.radians(other.lat)
    half_lat = (lat2 - lat1) / 2
    half_lon = math.radians(other.lon - one.lon) / 2
    chord = math.sin(half_lat) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(chord))


def world_xy(position: Position) -> tuple[float, float]:
    """Return Web Mercator coordinates from 0 to 1, y growing southwards (as tiles count)."""
    lat = max(-MAX_MERCATOR_LATITUDE, min(MAX_MERCATOR_LATITUDE, position.lat))
    x = (position.lon + 180) / 360
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2
    return x, y


def position_of(x: float, y: float) -> Position:
    """Return the position of Web Mercator coordinates from 0 to 1."""
    return Position(x * 360 - 180, math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * y)))))


@dataclass(frozen=True, slots=True)
class Tile:
    """A web map tile: zoom, column from the west, row from the north.

    Raises:
        ValueError: the column or row does not exist at this zoom.
    """

    z: int
    x: int
    y: int

    def __post_init__(self) -> None:
        if not 0 <= self.z <= 24:
            raise ValueError(f"zoom {self.z} is not between 0 and 24")
        side = 1 << self.z
        if not (0 <= self.x < side and 0 <= self.y < side):
            raise ValueError(f"tile {self.z}/{self.x}/{self.y} does not exist")

    def bounds(self) -> BoundingBox:
        """Return what the tile covers."""
        side = 1 << self.z
        north_west = position_of(self.x / side, self.y / side)
        south_east = position_of((self.x + 1) / side, (self.y + 1) / side)
        return BoundingBox(north_west.lon, south_east.lat, south_east.lon, north_west.lat)


def tile_of(position: Position, *, zoom: int) -> Tile:
    """Return the tile that holds the position at this zoom."""
    x, y = world_xy(position)
    side = 1 << zoom
    return Tile(zoom, min(side - 1, int(x * side)), min(side - 1, int(y * side)))
