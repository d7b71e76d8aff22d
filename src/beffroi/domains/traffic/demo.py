"""A simulated fleet: counters with two peaks on working days, calmer at weekends."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta

from beffroi.kernel.clock import PARIS, as_utc
from beffroi.sdk.declarations import DemoAsset, Fleet
from beffroi.sdk.simulation import share_of, smooth_noise

EVERY = timedelta(minutes=15)
_LONGEST_VEHICLE_GAP = 7.0
"""Metres that a vehicle and the detector take together: turns flow and speed into occupancy."""
_UNKNOWN_LIMIT_KMH = 50.0

# Share of a day's traffic in each hour; they add up to 1.
_WORKING_DAY = (
    0.006, 0.004, 0.003, 0.003, 0.005, 0.012, 0.032, 0.068, 0.078, 0.058, 0.050, 0.053,
    0.057, 0.056, 0.056, 0.060, 0.072, 0.085, 0.078, 0.058, 0.040, 0.030, 0.022, 0.014,
)  # fmt: skip
_WEEKEND = (
    0.016, 0.011, 0.008, 0.006, 0.006, 0.008, 0.015, 0.024, 0.036, 0.052, 0.064, 0.070,
    0.066, 0.060, 0.064, 0.068, 0.072, 0.074, 0.068, 0.058, 0.046, 0.040, 0.038, 0.030,
)  # fmt: skip
_DAY_STRENGTH = (1.0, 1.02, 1.03, 1.04, 1.06, 0.82, 0.62)


def _number(asset: DemoAsset, key: str) -> float:
    value = asset.properties.get(key)
    return float(value) if isinstance(value, int | float) and value > 0 else 0.0


def flow(asset: DemoAsset, at: datetime) -> float:
    """Return vehicles an hour: the day's known traffic spread over the hours of its kind."""
    local = as_utc(at).astimezone(PARIS)
    day = local.weekday()
    table = _WORKING_DAY if day < 5 else _WEEKEND
    place = local.hour + local.minute / 60 + local.second / 3_600 - 0.5
    before = math.floor(place)
    part = place - before
    share = table[before % 24] * (1 - part) + table[(before + 1) % 24] * part
    daily = _number(asset, "average_day_vehicles") or 800 + 12_000 * share_of("day", asset.key) ** 2
    noise = 1 + 0.12 * smooth_noise(f"flow {asset.key}", at=at, every=timedelta(minutes=35))
    return max(1.0, daily * _DAY_STRENGTH[day] * share * noise)


def counter(asset: DemoAsset, at: datetime) -> Mapping[str, float]:
    """Report a counter: flow, count of the last quarter of an hour, speed, occupancy."""
    vehicles_per_hour = min(flow(asset, at), 4_000.0)
    limit = _number(asset, "speed_limit_kmh") or _UNKNOWN_LIMIT_KMH
    capacity = 900 + 900 * share_of("lanes", asset.key)
    load = min(1.0, vehicles_per_hour / capacity)
    # Bureau of Public Roads: travel time grows with the fourth power of the load.
    speed = 0.92 * limit / (1 + 0.6 * load**4)
    speed += 2 * smooth_noise(f"speed {asset.key}", at=at, every=timedelta(minutes=50))
    speed = max(8.0, speed)
    occupancy = 100 * vehicles_per_hour * _LONGEST_VEHICLE_GAP / (1_000 * speed)
    return {
        "vehicles_per_hour": float(round(vehicles_per_hour)),
        "vehicles_count": float(round(vehicles_per_hour * EVERY.total_seconds() / 3_600)),
        "mean_speed_kmh": round(speed, 1),
        "road_occupancy_pct": round(min(100.0, occupancy), 1),
    }


FLEETS = (
    Fleet(asset_type="traffic_counter", every=EVERY, report=counter, history=timedelta(days=3)),
)
