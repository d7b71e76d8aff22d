"""A simulated station: seasons, days, passing weather; the same for all of a town."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta

from beffroi.kernel.clock import as_utc
from beffroi.sdk.declarations import DemoAsset, Fleet
from beffroi.sdk.simulation import share_of, smooth_noise

EVERY = timedelta(minutes=10)
_MEAN_C, _SEASON_C = 15.2, 8.6
"""Yearly mean and half range of a town near the Mediterranean (normals 1991-2020)."""
_WARMEST_DAY = 208


def _solar_hour(asset: DemoAsset, at: datetime) -> float:
    moment = as_utc(at)
    return (moment.hour + moment.minute / 60 + moment.second / 3_600 + asset.lon / 15) % 24


def _sun_height(asset: DemoAsset, at: datetime) -> float:
    """Return the sine of the sun's height (Cooper's declination), 0 at night."""
    day = as_utc(at).timetuple().tm_yday
    declination = math.radians(23.45) * math.sin(2 * math.pi * (284 + day) / 365)
    latitude = math.radians(asset.lat)
    angle = math.radians(15 * (_solar_hour(asset, at) - 12))
    return max(
        0.0,
        math.sin(latitude) * math.sin(declination)
        + math.cos(latitude) * math.cos(declination) * math.cos(angle),
    )


def _cloud(at: datetime) -> float:
    """Return cloud cover from 0 to 1, changing over half a day."""
    return min(
        1.0, max(0.0, 0.45 + 0.75 * smooth_noise("clouds", at=at, every=timedelta(hours=11)))
    )


def _rain_rate_mmh(at: datetime) -> float:
    """Return rain intensity: only under thick clouds, in showers."""
    thick = max(0.0, _cloud(at) - 0.88) / 0.12
    shower = max(0.0, smooth_noise("showers", at=at, every=timedelta(minutes=40)) + 0.2)
    return 1.9 * thick * shower


def station(asset: DemoAsset, at: datetime) -> Mapping[str, float]:
    """Report a weather station."""
    day = as_utc(at).timetuple().tm_yday
    season = math.cos(2 * math.pi * (day - _WARMEST_DAY) / 365.25)
    cloud = _cloud(at)
    daily = math.cos(2 * math.pi * (_solar_hour(asset, at) - 15) / 24)
    spell = smooth_noise("air mass", at=at, every=timedelta(days=3))
    temperature = (
        _MEAN_C
        + _SEASON_C * season
        + (3.2 + 1.8 * season) * (1 - 0.5 * cloud) * daily
        + 3.5 * spell
        + 0.6 * (2 * share_of("place", asset.key) - 1)
    )
    breeze = max(0.0, daily) * 1.8
    wind = max(
        0.1,
        3.0
        + 2.6 * smooth_noise("wind", at=at, every=timedelta(hours=9))
        + 0.6 * smooth_noise(f"eddies {asset.key}", at=at, every=timedelta(minutes=20))
        + breeze,
    )
    gust = wind * (1.35 + 0.15 * smooth_noise(f"gusts {asset.key}", at=at, every=EVERY))
    direction = (340 + 75 * smooth_noise("direction", at=at, every=timedelta(hours=14))) % 360
    humidity = 66 - 14 * daily + 16 * (cloud - 0.5) - 6 * spell
    rain = _rain_rate_mmh(at) * EVERY.total_seconds() / 3_600
    pressure = 1_014 + 11 * smooth_noise("pressure", at=at, every=timedelta(days=2)) - 4 * cloud
    return {
        "temperature_c": round(temperature, 1),
        "humidity_pct": round(min(99.0, max(18.0, humidity + (20 if rain else 0)))),
        "pressure_hpa": round(pressure, 1),
        "wind_speed_ms": round(wind, 1),
        "wind_gust_ms": round(gust, 1),
        "wind_direction_deg": round(direction) % 360,
        "rain_mm": round(rain, 1),
        "solar_radiation_wm2": round(1_050 * _sun_height(asset, at) * (1 - 0.7 * cloud)),
    }


FLEETS = (Fleet(asset_type="weather_station", every=EVERY, report=station),)
