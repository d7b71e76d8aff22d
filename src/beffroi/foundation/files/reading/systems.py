"""The coordinate reference systems that French files use, and where.

Definitions: EPSG registry; decree 2006-272 for RGF93, its conic conformal zones and overseas.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from beffroi.foundation.files.reading.contracts import Near

Numbers: TypeAlias = npt.NDArray[np.float64]

WGS84 = "EPSG:4326"


@dataclass(frozen=True, slots=True)
class Area:
    """A part of the French territory, as a box in degrees."""

    name: str
    west: float
    south: float
    east: float
    north: float

    def share(self, lon: Numbers, lat: Numbers) -> float:
        """Return which share of the points lies inside."""
        inside = (lon >= self.west) & (lon <= self.east) & (lat >= self.south) & (lat <= self.north)
        return float(np.mean(inside)) if len(inside) else 0.0


METROPOLE = Area("metropolitan France", -5.3, 41.2, 9.7, 51.3)
_GUADELOUPE = Area("Guadeloupe", -61.9, 15.8, -60.9, 16.6)
_MARTINIQUE = Area("Martinique", -61.3, 14.3, -60.7, 15.0)
_SAINT_MARTIN = Area("Saint-Martin and Saint-Barthélemy", -63.2, 17.8, -62.7, 18.2)
_GUYANE = Area("French Guiana", -54.7, 2.0, -51.5, 5.9)
_REUNION = Area("Réunion", 55.1, -21.5, 55.9, -20.8)
_MAYOTTE = Area("Mayotte", 44.9, -13.1, 45.4, -12.5)
_MIQUELON = Area("Saint-Pierre-et-Miquelon", -56.6, 46.7, -56.0, 47.2)
_CALEDONIA = Area("New Caledonia", 163.5, -22.8, 168.2, -19.5)
_POLYNESIA = Area("French Polynesia", -155.0, -28.0, -134.0, -7.5)
_WALLIS = Area("Wallis and Futuna", -178.3, -14.5, -176.0, -13.1)
AREAS = (
    METROPOLE,
    _GUADELOUPE,
    _MARTINIQUE,
    _SAINT_MARTIN,
    _GUYANE,
    _REUNION,
    _MAYOTTE,
    _MIQUELON,
    _CALEDONIA,
    _POLYNESIA,
    _WALLIS,
)
WORLD = Area("the world", -180, -90, 180, 90)


@dataclass(frozen=True, slots=True)
class System:
    """A system that a French file may use.

    Attributes:
        code: EPSG.
        name: as people say it.
        areas: where it is used.
        rank: how often it is met, 0 most often; decides between systems that fit equally.
        swapped: latitude stands first.
        ntf: based on the old datum NTF, which is good to about two metres without a grid.
    """

    code: str
    name: str
    areas: tuple[Area, ...]
    rank: int
    swapped: bool = False
    ntf: bool = False


def _zone(parallel: int) -> Area:
    # A conic conformal zone reaches one degree on each side of its parallel, and a little more.
    return Area("metropolitan France", -5.3, parallel - 1.2, 9.7, parallel + 1.2)


def _between(west: float, east: float) -> Area:
    return Area("metropolitan France", west, 41.2, east, 51.3)


_ZONE_NAMES = {zone: f"RGF93 / CC{zone}" for zone in range(42, 51)}
SYSTEMS: tuple[System, ...] = (
    System(WGS84, "WGS 84", AREAS, 0),
    System(WGS84, "WGS 84 (latitude first)", AREAS, 1, swapped=True),
    System("EPSG:2154", "RGF93 / Lambert-93", (METROPOLE,), 0),
    *(System(f"EPSG:{3900 + zone}", name, (_zone(zone),), 1) for zone, name in _ZONE_NAMES.items()),
    System("EPSG:27572", "NTF / Lambert II étendu", (METROPOLE,), 2, ntf=True),
    System("EPSG:32631", "WGS 84 / UTM 31N", (_between(-0.3, 6.3),), 3),
    System("EPSG:32630", "WGS 84 / UTM 30N", (_between(-5.3, 0.3),), 4),
    System("EPSG:32632", "WGS 84 / UTM 32N", (_between(5.7, 9.7),), 4),
    System("EPSG:5490", "RGAF09 / UTM 20N", (_GUADELOUPE, _MARTINIQUE, _SAINT_MARTIN), 3),
    System("EPSG:2972", "RGFG95 / UTM 22N", (_GUYANE,), 3),
    System("EPSG:2975", "RGR92 / UTM 40S", (_REUNION,), 3),
    System("EPSG:4471", "RGM04 / UTM 38S", (_MAYOTTE,), 3),
    System("EPSG:4467", "RGSPM06 / UTM 21N", (_MIQUELON,), 4),
    System("EPSG:3163", "RGNC91-93 / Lambert", (_CALEDONIA,), 4),
    System("EPSG:3297", "RGPF / UTM 6S", (_POLYNESIA,), 5),
    System("EPSG:3857", "WGS 84 / Web Mercator", AREAS, 6),
    System("EPSG:27571", "NTF / Lambert zone I", (METROPOLE,), 7, ntf=True),
    System("EPSG:27573", "NTF / Lambert zone III", (METROPOLE,), 7, ntf=True),
    System("EPSG:27574", "NTF / Lambert zone IV", (METROPOLE,), 7, ntf=True),
    System("EPSG:27561", "NTF / Lambert Nord", (_zone(49),), 8, ntf=True),
    System("EPSG:27562", "NTF / Lambert Centre", (_zone(47),), 8, ntf=True),
    System("EPSG:27563", "NTF / Lambert Sud", (_zone(44),), 8, ntf=True),
    System("EPSG:27564", "NTF / Lambert Corse", (_zone(42),), 8, ntf=True),
)


def around(near: Near) -> Area:
    """Return the box around a town; 1 degree of latitude is 111.2 km."""
    lon, lat, radius_km = near
    tall = radius_km / 111.2
    wide = tall / max(0.05, math.cos(math.radians(lat)))
    return Area("the expected area", lon - wide, lat - tall, lon + wide, lat + tall)
