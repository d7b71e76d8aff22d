from __future__ import annotations

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from beffroi.city.assets.quads import (
    LEVEL,
    cover,
    deinterleave,
    interleave,
    quad_of,
    tile_range,
)
from beffroi.kernel.geometry import BoundingBox, Position, Tile, tile_of

NUMBERS = st.integers(0, (1 << LEVEL) - 1)
LONGITUDES = st.floats(-180, 180)
LATITUDES = st.floats(-90, 90)


@given(NUMBERS, NUMBERS)
def test_interleaving_loses_nothing(x: int, y: int) -> None:
    assert deinterleave(interleave(x, y)) == (x, y)


@given(LONGITUDES, LATITUDES, st.integers(0, LEVEL))
def test_a_position_lies_in_the_range_of_its_tile_at_every_zoom(
    lon: float, lat: float, zoom: int
) -> None:
    position = Position(lon, lat)
    tile = tile_of(position, zoom=zoom)
    if tile.y < 0:
        return
    first, last = tile_range(tile)
    assert first <= quad_of(position) <= last


@given(
    st.floats(-179, 178), st.floats(-84, 83), st.floats(0.0001, 1), st.floats(0.0001, 1), st.data()
)
def test_a_view_is_covered_whole_by_few_ranges(
    west: float, south: float, width: float, height: float, data: st.DataObject
) -> None:
    box = BoundingBox(west, south, west + width, south + height)
    inside = Position(
        data.draw(st.floats(box.west, box.east)), data.draw(st.floats(box.south, box.north))
    )
    ranges = cover(box)
    assert len(ranges) <= 6
    assert any(first <= quad_of(inside) <= last for first, last in ranges)


def test_the_order_is_that_of_quadkeys() -> None:
    # Bing Maps Tile System (Microsoft): tile (3, 5) of level 3 has the quadkey 213.
    assert interleave(3, 5) == int("213", base=4)
    assert tile_range(Tile(LEVEL, 3, 5)) == (39, 39)


@pytest.mark.django_db
def test_the_database_computes_the_same_integer() -> None:
    positions = [(3.8796, 43.6085), (-180.0, 90.0), (180.0, -90.0), (0.0, 0.0), (55.45, -20.88)]
    with connection.cursor() as cursor:
        for lon, lat in positions:
            cursor.execute("SELECT assets_quad(%s, %s)", [lon, lat])
            assert cursor.fetchone()[0] == quad_of(Position(lon, lat))
