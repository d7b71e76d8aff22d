"""Check geometries, project them to WGS 84, and guard GEOS against what makes it crash.

GEOS reads nested collections by recursion without a bound: 200,000 levels in a few megabytes end
the process with a segmentation fault. Every text or bytes that reaches it is measured first.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import shapely
from shapely.errors import ShapelyError
from shapely.geometry.base import BaseGeometry

from beffroi.foundation.files.reading.contracts import Limits, Problem, shown
from beffroi.foundation.files.reading.crs import Projection
from beffroi.foundation.files.reading.systems import Area, Numbers

Geometries: TypeAlias = npt.NDArray[np.object_]

_LINES = frozenset({2, 8})
"""WKB types made of points: line, arc."""
_RINGS = frozenset({3, 17})
"""WKB types made of rings: polygon, triangle."""
_FLAG_Z, _FLAG_M, _FLAG_SRID = 0x80000000, 0x40000000, 0x20000000


def geometry_array(items: Sequence[BaseGeometry | None]) -> Geometries:
    """Return an array of objects, which numpy does not try to look into."""
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def wkb_is_shallow(content: bytes, *, limits: Limits) -> bool:
    """Tell whether a WKB is complete and nests no deeper than allowed.

    Walks the headers as GEOS does: the type is the low 16 bits modulo 1000, the flags of EWKB and
    the thousands of ISO give the dimensions, every type with members may hold any other.
    """
    waiting = [1]
    offset = 0
    try:
        while waiting:
            if waiting[-1] == 0:
                waiting.pop()
                continue
            waiting[-1] -= 1
            order = "<" if content[offset] == 1 else ">"
            (kind,) = struct.unpack_from(f"{order}I", content, offset + 1)
            offset += 5 + (4 if kind & _FLAG_SRID else 0)
            thousands, plain = divmod(kind & 0xFFFF, 1000)
            size = 8 * (
                2
                + bool(kind & _FLAG_Z or thousands in {1, 3})
                + bool(kind & _FLAG_M or thousands in {2, 3})
            )
            if plain == 1:
                offset += size
                continue
            (count,) = struct.unpack_from(f"{order}I", content, offset)
            offset += 4
            if plain in _LINES:
                offset += count * size
            elif plain in _RINGS:
                for _ in range(count):
                    (points,) = struct.unpack_from(f"{order}I", content, offset)
                    offset += 4 + points * size
            else:
                waiting.append(count)
            if len(waiting) > limits.geometry_depth + 1:
                return False
    except (struct.error, IndexError):
        return False
    return offset <= len(content)


def wkt_is_shallow(text: str, *, limits: Limits) -> bool:
    """Tell whether a WKT nests no deeper than allowed."""
    depth = 0
    for letter in text:
        if letter == "(":
            depth += 1
            if depth > limits.geometry_depth:
                return False
        elif letter == ")":
            depth -= 1
    return True


def from_wkb(contents: Sequence[bytes | None], *, limits: Limits) -> Geometries:
    """Read WKB; what cannot be read becomes ``None``."""
    safe = [
        content if content and wkb_is_shallow(content, limits=limits) else None
        for content in contents
    ]
    return _quietly(shapely.from_wkb, safe)


def from_wkt(texts: Sequence[str | None], *, limits: Limits) -> Geometries:
    """Read WKT or EWKT; what cannot be read becomes ``None``."""
    safe = [text if text and wkt_is_shallow(text, limits=limits) else None for text in texts]
    return _quietly(shapely.from_wkt, safe)


def from_geojson(texts: Sequence[str | None]) -> Geometries:
    """Read GeoJSON geometries whose depth was checked; what cannot be read becomes ``None``."""
    return _quietly(shapely.from_geojson, texts)


def _quietly(read: Any, items: Sequence[object]) -> Geometries:
    array = np.empty(len(items), dtype=object)
    array[:] = items
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        result: Geometries = read(array, on_invalid="ignore")
    return result


def sample_coordinates(geometries: Geometries) -> tuple[Numbers, Numbers]:
    """Return the corners of each geometry's box: enough to recognise a coordinate system."""
    with np.errstate(all="ignore"):
        boxes = shapely.bounds(geometries)
    boxes = boxes[np.isfinite(boxes).all(axis=1)]
    return (
        np.concatenate([boxes[:, 0], boxes[:, 2]]),
        np.concatenate([boxes[:, 1], boxes[:, 3]]),
    )


def finish(
    geometries: Geometries,
    *,
    numbers: Sequence[int],
    projection: Projection,
    expected: Area | None,
    limits: Limits,
) -> tuple[Geometries, dict[int, list[Problem]]]:
    """Project a chunk to WGS 84 in two dimensions and check it.

    Args:
        geometries: in the system of the file; ``None`` where there is none.
        numbers: row numbers, for the problems.
        projection: from the file to degrees.
        expected: positions outside it are doubted.
        limits: bound of vertices.

    Returns:
        The geometries, ``None`` where refused, and the problems by place in the chunk.
    """
    problems: dict[int, list[Problem]] = {}

    def refuse(where: npt.NDArray[np.bool_], code: str, *, fatal: bool = True) -> None:
        for place in np.flatnonzero(where).tolist():
            problem = Problem(row=numbers[place], column="", value="", code=code, fatal=fatal)
            problems.setdefault(place, []).append(problem)
            if fatal:
                geometries[place] = None

    present = ~shapely.is_missing(geometries)
    if not present.any():
        return geometries, problems
    refuse(present & shapely.is_empty(geometries), "geometry_empty")
    with np.errstate(invalid="ignore"):
        refuse((shapely.bounds(geometries) == 0).all(axis=1), "position_zero")
    refuse(
        shapely.get_num_coordinates(geometries) > limits.geometry_vertices, "geometry_too_complex"
    )
    if not projection.known:
        for place in np.flatnonzero(~shapely.is_missing(geometries)).tolist():
            problems.setdefault(place, []).append(
                Problem(
                    row=numbers[place],
                    column="",
                    value=shown(_outline(geometries[place])),
                    code="position_no_system",
                    fatal=True,
                )
            )
        geometries[:] = None
        return geometries, problems
    raw = shapely.force_2d(geometries)
    geometries, boxes = _projected(raw, projection=projection)
    _try_second(raw, geometries, boxes, numbers=numbers, problems=problems, projection=projection)
    if expected is not None:
        _try_swapped(
            raw,
            geometries,
            boxes,
            numbers=numbers,
            problems=problems,
            projection=projection,
            expected=expected,
        )
    present = ~shapely.is_missing(geometries)
    possible = (
        ~_has_nan(geometries)
        & np.isfinite(boxes).all(axis=1)
        & (np.abs(boxes[:, [0, 2]]) <= 180).all(axis=1)
        & (np.abs(boxes[:, [1, 3]]) <= 90).all(axis=1)
    )
    for place in np.flatnonzero(present & ~possible).tolist():
        problems.setdefault(place, []).append(
            Problem(
                row=numbers[place],
                column="",
                value=shown(_outline(raw[place])),
                code="position_impossible",
                params={"crs": projection.code},
                fatal=True,
            )
        )
        geometries[place] = None
    _repair(geometries, numbers=numbers, problems=problems)
    if expected is not None:
        _doubt_far(geometries, boxes, numbers=numbers, problems=problems, expected=expected)
    return geometries, problems


def _try_second(
    raw: Geometries,
    geometries: Geometries,
    boxes: Numbers,
    *,
    numbers: Sequence[int],
    problems: dict[int, list[Problem]],
    projection: Projection,
) -> None:
    """Read in the second system what the first leaves outside, where a file mixes two."""
    if projection.second is None or projection.area is None:
        return
    apart = ~shapely.is_missing(raw) & ~_touches(boxes, projection.area)
    other, other_boxes = _projected(raw, projection=projection.second)
    better = apart & _touches(other_boxes, projection.area)
    geometries[better], boxes[better] = other[better], other_boxes[better]
    for place in np.flatnonzero(better).tolist():
        problems.setdefault(place, []).append(
            Problem(
                row=numbers[place],
                column="",
                value=shown(_outline(raw[place])),
                code="position_other_system",
                params={"crs": projection.second.code},
            )
        )


def _try_swapped(
    raw: Geometries,
    geometries: Geometries,
    boxes: Numbers,
    *,
    numbers: Sequence[int],
    problems: dict[int, list[Problem]],
    projection: Projection,
    expected: Area,
) -> None:
    """Exchange the two coordinates of the rows that only so lie where the town is."""
    apart = ~shapely.is_missing(geometries) & ~_touches(boxes, expected)
    if not apart.any():
        return
    turned: Geometries = geometry_array([None] * len(raw))
    turned[apart] = shapely.transform(raw[apart], lambda points: points[:, ::-1])
    other, other_boxes = _projected(turned, projection=projection)
    better = apart & _touches(other_boxes, expected)
    geometries[better], boxes[better] = other[better], other_boxes[better]
    for place in np.flatnonzero(better).tolist():
        problems.setdefault(place, []).append(
            Problem(
                row=numbers[place],
                column="",
                value=shown(_outline(raw[place])),
                code="position_swapped",
            )
        )


def _projected(raw: Geometries, *, projection: Projection) -> tuple[Geometries, Numbers]:
    """Return the geometries in WGS 84 and their boxes."""
    with np.errstate(all="ignore"):
        geometries: Geometries = shapely.transform(
            raw, lambda points: np.column_stack(projection.to_wgs84(points[:, 0], points[:, 1]))
        )
        boxes: Numbers = shapely.bounds(geometries)
    return geometries, boxes


def _has_nan(geometries: Geometries) -> npt.NDArray[np.bool_]:
    """Tell which geometries hold a coordinate that is no number; boxes pass over them."""
    points, owners = shapely.get_coordinates(geometries, return_index=True)
    wrong = np.zeros(len(geometries), dtype=bool)
    wrong[owners[~np.isfinite(points).all(axis=1)]] = True
    return wrong


def _touches(boxes: Numbers, area: Area) -> npt.NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        touches: npt.NDArray[np.bool_] = (
            (boxes[:, 2] >= area.west)
            & (boxes[:, 0] <= area.east)
            & (boxes[:, 3] >= area.south)
            & (boxes[:, 1] <= area.north)
        )
    return touches


def _outline(geometry: BaseGeometry) -> str:
    return ", ".join(f"{number:.9g}" for number in geometry.bounds[:2])


def _repair(
    geometries: Geometries, *, numbers: Sequence[int], problems: dict[int, list[Problem]]
) -> None:
    wrong = ~shapely.is_missing(geometries) & ~shapely.is_valid(geometries)
    for place in np.flatnonzero(wrong).tolist():
        before: BaseGeometry = geometries[place]
        reason = str(shapely.is_valid_reason(before)).split("[", 1)[0].strip()
        try:
            after = _main_parts(shapely.make_valid(before))
        except ShapelyError:
            after = None
        code = "geometry_repaired" if after is not None else "geometry_broken"
        geometries[place] = after
        problems.setdefault(place, []).append(
            Problem(
                row=numbers[place],
                column="",
                value="",
                code=code,
                params={"detail": reason},
                fatal=after is None,
            )
        )


def _dimension(geometry: BaseGeometry) -> int:
    return int(shapely.get_dimensions(geometry))


def _main_parts(geometry: BaseGeometry) -> BaseGeometry | None:
    """Keep the parts of the highest dimension: slivers beside a repaired surface are left out."""
    if geometry.is_empty:
        return None
    if geometry.geom_type != "GeometryCollection":
        return geometry
    dimension = max(_dimension(part) for part in shapely.get_parts(geometry))
    parts = [part for part in shapely.get_parts(geometry) if _dimension(part) == dimension]
    flat = [piece for part in parts for piece in shapely.get_parts(part)]
    if len(flat) == 1:
        found: BaseGeometry = flat[0]
        return found
    makers: dict[int, Any] = {
        0: shapely.multipoints,
        1: shapely.multilinestrings,
        2: shapely.multipolygons,
    }
    made: BaseGeometry = makers[dimension](flat)
    return made


def _doubt_far(
    geometries: Geometries,
    boxes: Numbers,
    *,
    numbers: Sequence[int],
    problems: dict[int, list[Problem]],
    expected: Area,
) -> None:
    apart = ~_touches(boxes, expected)
    for place in np.flatnonzero(apart & ~shapely.is_missing(geometries)).tolist():
        lon, lat = boxes[place, 0], boxes[place, 1]
        problems.setdefault(place, []).append(
            Problem(
                row=numbers[place],
                column="",
                value="",
                code="position_outside",
                params={"lon": f"{lon:.5f}", "lat": f"{lat:.5f}"},
            )
        )
