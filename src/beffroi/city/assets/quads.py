"""Positions as one integer, so that a tile, a grid square or a view is a range of integers.

The bits of the tile column and row at :data:`LEVEL` are interleaved (a Z-order curve), exactly
as the SQL function ``assets_quad`` does. Dropping the last two bits gives the square of the next
coarser zoom, which is why squares of all zooms nest.
"""

from __future__ import annotations

from collections.abc import Sequence

from beffroi.kernel.geometry import BoundingBox, Position, Tile, world_xy

LEVEL = 24
"""Zoom of the finest square: 2.4 m wide at the equator."""

_COVER_TILES = 6
_SPREAD = (
    (16, 0x0000FFFF0000FFFF),
    (8, 0x00FF00FF00FF00FF),
    (4, 0x0F0F0F0F0F0F0F0F),
    (2, 0x3333333333333333),
    (1, 0x5555555555555555),
)


def interleave(x: int, y: int) -> int:
    """Return the bits of ``x`` on even ranks and those of ``y`` on odd ranks."""
    return _spread(x) | (_spread(y) << 1)


def deinterleave(code: int) -> tuple[int, int]:
    """Return the two numbers that :func:`interleave` was given."""
    return _gather(code), _gather(code >> 1)


def quad_of(position: Position) -> int:
    """Return the integer of a position, equal to the database's ``quad``."""
    x, y = world_xy(position)
    side = 1 << LEVEL
    return interleave(min(side - 1, int(x * side)), max(0, min(side - 1, int(y * side))))


def tile_range(tile: Tile) -> tuple[int, int]:
    """Return the first and last quad of a tile, both included."""
    shift = 2 * (LEVEL - tile.z)
    first = interleave(tile.x, tile.y) << shift
    return first, first + (1 << shift) - 1


def cover(bbox: BoundingBox) -> Sequence[tuple[int, int]]:
    """Return a few ranges of quads that hold every position of the box, and some around it.

    The tiles of the finest zoom at which at most :data:`_COVER_TILES` of them cover the box,
    neighbours on the curve being joined.
    """
    west, north = world_xy(Position(bbox.west, bbox.north))
    east, south = world_xy(Position(bbox.east, bbox.south))
    chosen: list[Tile] = [Tile(0, 0, 0)]
    for zoom in range(1, LEVEL + 1):
        side = 1 << zoom
        columns = range(min(side - 1, int(west * side)), min(side - 1, int(east * side)) + 1)
        rows = range(
            max(0, min(side - 1, int(north * side))), max(0, min(side - 1, int(south * side))) + 1
        )
        if len(columns) * len(rows) > _COVER_TILES:
            break
        chosen = [Tile(zoom, column, row) for column in columns for row in rows]
    return _joined(sorted(tile_range(tile) for tile in chosen))


def _joined(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for first, last in ranges:
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return joined


def _spread(value: int) -> int:
    for shift, mask in _SPREAD:
        value = (value | (value << shift)) & mask
    return value


def _gather(code: int) -> int:
    value = code & _SPREAD[-1][1]
    for (shift, _), (_, mask) in zip(
        reversed(_SPREAD), [*reversed(_SPREAD[:-1]), (0, 0x00000000FFFFFFFF)], strict=True
    ):
        value = (value | (value >> shift)) & mask
    return value
