"""In which street a thing stands."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from beffroi.city.basemap.contracts import Layer
from beffroi.city.basemap.models import BasemapFeature, BasemapSource
from beffroi.foundation.database.api import required_territory_id

REACH_M = 40.0
"""Farther than this from its middle line, a thing is not said to be in a street."""
TOWNS_KEPT = 8
_METRES_PER_DEGREE = 111_195.0
_STREETS = (Layer.STREET.value, Layer.PEDESTRIAN.value)


@dataclass(frozen=True, slots=True)
class _Streets:
    """The named streets of a town in metres, on a plane that touches it in its middle."""

    version: tuple[Any, ...]
    names: tuple[str, ...]
    tree: shapely.STRtree | None
    scale: tuple[float, float]


_kept: OrderedDict[int, _Streets] = OrderedDict()


def streets_near(points: Sequence[tuple[float, float]], *, reach_m: float = REACH_M) -> list[str]:
    """Return for each ``(lon, lat)``, in degrees, the name of the nearest street, or nothing.

    One query, and one more the first time and after each import of streets: the lines stay in
    the memory of the process (some 7,000 sections of a city of 300,000 inhabitants: 10 MB).
    """
    if not points:
        return []
    streets = _streets()
    found = [""] * len(points)
    if streets.tree is None:
        return found
    places = shapely.points(np.asarray(points, dtype=np.float64) * np.asarray(streets.scale))
    pairs = streets.tree.query_nearest(places, max_distance=reach_m, all_matches=False)
    for point, street in pairs.T.tolist():
        found[point] = streets.names[street]
    return found


def _streets() -> _Streets:
    territory = required_territory_id()
    version = tuple(
        BasemapSource.objects.filter(layer__in=_STREETS)
        .order_by("id")
        .values_list("id", "imported_at", "feature_count")
    )
    known = _kept.get(territory)
    if known is None or known.version != version:
        known = _kept[territory] = _read(version)
        while len(_kept) > TOWNS_KEPT:
            _kept.popitem(last=False)
    _kept.move_to_end(territory)
    return known


def _read(version: tuple[Any, ...]) -> _Streets:
    rows = list(
        BasemapFeature.objects.filter(layer__in=_STREETS)
        .exclude(name="")
        .order_by("id")
        .values_list("name", "geometry")
        if version
        else ()
    )
    if not rows:
        return _Streets(version, (), None, (1.0, 1.0))
    lines = shapely.from_wkb([bytes(geometry) for _name, geometry in rows])
    south, north = (float(shapely.total_bounds(lines)[place]) for place in (1, 3))
    east_scale = _METRES_PER_DEGREE * math.cos(math.radians((south + north) / 2))
    scale = (east_scale, _METRES_PER_DEGREE)
    plane = shapely.transform(lines, lambda places: places * np.asarray(scale))
    return _Streets(version, tuple(name for name, _geometry in rows), shapely.STRtree(plane), scale)
