"""Simulated stations and rooms: traffic, sun and wind outdoors, people indoors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta

from beffroi.kernel.clock import PARIS, as_utc
from beffroi.sdk.declarations import DemoAsset, Fleet
from beffroi.sdk.simulation import share_of, smooth_noise

_TRAFFIC_SHARE = {"trafic": 1.0, "urbain": 0.45, "industrielle": 0.35, "périurbain": 0.2}
_RURAL_SHARE = 0.08
_OUTDOOR_CO2_PPM = 425.0
_FULL_ROOM_PPM_PER_HOUR = 520.0
_AIR_CHANGES_PER_HOUR = 0.9
_STEP = timedelta(minutes=30)


def _local_hour(at: datetime) -> float:
    local = as_utc(at).astimezone(PARIS)
    return local.hour + local.minute / 60 + local.second / 3_600


def _bump(hour: float, *, centre: float, width: float) -> float:
    distance = min(abs(hour - centre), 24 - abs(hour - centre))
    return math.exp(-((distance / width) ** 2))


def _traffic(at: datetime) -> float:
    """Return traffic from 0 to 1: two peaks on working days, one flat wave at weekends."""
    hour = _local_hour(at)
    day = as_utc(at).astimezone(PARIS).weekday()
    peaks = _bump(hour, centre=8.3, width=1.6) + 0.9 * _bump(hour, centre=18.0, width=2.2)
    floor = 0.35 * _bump(hour, centre=13.5, width=6)
    return min(1.0, (peaks + floor) * (1.0 if day < 5 else 0.45))


def _season(at: datetime) -> float:
    """Return -1 in mid-January to 1 in mid-July."""
    day = as_utc(at).timetuple().tm_yday
    return math.cos(2 * math.pi * (day - 197) / 365.25)


def air_station(asset: DemoAsset, at: datetime) -> Mapping[str, float]:
    """Report an outdoor station: hourly means of five pollutants."""
    near = str(asset.properties.get("surroundings") or "").strip().lower()
    exposed = _TRAFFIC_SHARE.get(near, _RURAL_SHARE)
    # Stagnant air keeps what is emitted; the same weather for all stations of a town.
    stagnation = 1 + 0.55 * smooth_noise("stagnation", at=at, every=timedelta(hours=30))
    local = 1 + 0.15 * smooth_noise(f"air {asset.key}", at=at, every=timedelta(hours=4))
    winter = 1 - 0.35 * _season(at)
    no2 = (5 + 62 * exposed * (0.25 + 0.75 * _traffic(at))) * stagnation * winter * local
    sun = max(0.0, math.sin(math.pi * (_local_hour(at) - 7) / 13)) if _sunny(at) else 0.0
    o3 = 42 + 22 * _season(at) + (38 + 26 * _season(at)) * sun - 0.35 * no2
    dust = max(0.0, smooth_noise("dust", at=at, every=timedelta(days=4)) - 0.5) * 60
    pm25 = (6 + 7 * (1 - _season(at)) / 2 + 5 * exposed * _traffic(at)) * stagnation * local
    pm10 = pm25 * 1.45 + 4 + dust
    so2 = 1.6 + 0.8 * smooth_noise(f"so2 {asset.key}", at=at, every=timedelta(hours=8))
    return {
        "no2_ugm3": round(max(1.0, no2), 1),
        "no_ugm3": round(max(0.3, 0.45 * no2 * _traffic(at)), 1),
        "o3_ugm3": round(max(3.0, o3), 1),
        "pm10_ugm3": round(pm10, 1),
        "pm25_ugm3": round(pm25, 1),
        "so2_ugm3": round(max(0.2, so2), 1),
    }


def _sunny(at: datetime) -> bool:
    return 7 < _local_hour(at) < 20


def _people(asset: DemoAsset, at: datetime) -> float:
    """Return how full a classroom is, from 0 to 1."""
    local = as_utc(at).astimezone(PARIS)
    if local.weekday() >= 5:
        return 0.0
    hour = _local_hour(at)
    lessons = 8.5 <= hour < 11.75 or (13.5 <= hour < 16.5 and local.weekday() != 2)
    return (0.6 + 0.4 * share_of("class", asset.key)) if lessons else 0.0


def _co2_ppm(asset: DemoAsset, at: datetime) -> float:
    """Return CO2 by a mass balance over the last half day, in steps of half an hour."""
    airing = _AIR_CHANGES_PER_HOUR * (0.6 + 0.9 * share_of("windows", asset.key))
    hours = _STEP.total_seconds() / 3_600
    kept = math.exp(-airing * hours)
    excess = 0.0
    for back in range(24, 0, -1):
        source = _FULL_ROOM_PPM_PER_HOUR * _people(asset, as_utc(at) - back * _STEP)
        excess = excess * kept + source / airing * (1 - kept)
    return _OUTDOOR_CO2_PPM + excess


def indoor_sensor(asset: DemoAsset, at: datetime) -> Mapping[str, float]:
    """Report a room: heat, moisture, CO2, light, movement, battery."""
    people = _people(asset, at)
    hour = _local_hour(at)
    heated = 1.0 if 6.5 <= hour < 18 else 0.0
    temperature = 19.0 + 1.6 * heated * people + 4.5 * max(0.0, _season(at))
    temperature += 0.6 * smooth_noise(f"room {asset.key}", at=at, every=timedelta(hours=3))
    humidity = 44 + 8 * people + 6 * smooth_noise("moist air", at=at, every=timedelta(days=2))
    daylight = max(0.0, math.sin(math.pi * (hour - 7) / 12)) if 7 < hour < 19 else 0.0
    return {
        "temperature_c": round(temperature, 1),
        "humidity_pct": round(humidity),
        "co2_ppm": round(_co2_ppm(asset, at)),
        "light_lux": round(220 * daylight + 320 * (people > 0)),
        "motion_count": float(round(40 * people)),
        "battery_v": round(3.62 - 0.2 * share_of("battery", asset.key), 3),
    }


FLEETS = (
    Fleet(asset_type="air_station", every=timedelta(hours=1), report=air_station),
    Fleet(asset_type="indoor_sensor", every=timedelta(minutes=15), report=indoor_sensor),
)
