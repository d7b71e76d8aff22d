"""A simulated fleet: car parks that fill by day, empty by night and never overflow."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta

from beffroi.kernel.clock import PARIS, as_utc
from beffroi.sdk.declarations import DemoAsset, Fleet
from beffroi.sdk.simulation import chosen, share_of, smooth_noise

_SATURDAY, _SUNDAY = 5, 6
OUT_OF_ORDER_SHARE = 0.02
_TICKETS_SINCE = 1_735_689_600
"""Seconds of 1 January 2025, from when the simulated machines count their tickets."""


def capacity_of(asset: DemoAsset) -> int:
    """Return the capacity in the register, or 0 when it says nothing."""
    declared = asset.properties.get("nominal_capacity_places")
    return int(declared) if isinstance(declared, int | float) else 0


def occupied_share(asset: DemoAsset, at: datetime) -> float:
    """Return the share of places that are taken, from 0 to 1.

    Two waves a day for a car park of the centre (late morning and late afternoon, stronger on
    Saturday), one long wave on working days for a park-and-ride.
    """
    local = as_utc(at).astimezone(PARIS)
    hour = local.hour + local.minute / 60 + local.second / 3_600
    day = local.weekday()
    outside = str(asset.properties.get("structure") or "").lower().startswith(("surface", "enclos"))
    if outside:
        strength = 0.25 if day in {_SATURDAY, _SUNDAY} else 0.80
        wave = _plateau(hour, start=8.0, end=18.0)
    else:
        strength = {_SATURDAY: 0.86, _SUNDAY: 0.30}.get(day, 0.68)
        wave = max(_bump(hour, centre=11.0, width=2.2), _bump(hour, centre=16.8, width=2.6))
    resident = 0.10 + 0.10 * share_of("residents", asset.key)
    liking = 0.80 + 0.35 * share_of("liking", asset.key)
    noise = 0.05 * smooth_noise(f"car park {asset.key}", at=at, every=timedelta(minutes=50))
    return min(1.0, max(0.02, resident + strength * liking * wave + noise))


def car_park(asset: DemoAsset, at: datetime) -> Mapping[str, float]:
    """Report a car park; one without a capacity in the register stays silent."""
    capacity = capacity_of(asset)
    if capacity <= 0:
        return {}
    occupied = round(capacity * occupied_share(asset, at))
    return {
        "capacity_places": float(capacity),
        "occupied_places": float(occupied),
        "free_places": float(capacity - occupied),
        "occupancy_pct": round(100 * occupied / capacity, 1),
    }


def space(asset: DemoAsset, at: datetime) -> Mapping[str, float]:
    """Report a single space: stays of half an hour to some hours, more by day."""
    local = as_utc(at).astimezone(PARIS)
    slot = int(as_utc(at).timestamp() // 2_700)
    busy = 0.35 + 0.45 * _plateau(local.hour + local.minute / 60, start=8.5, end=20.0)
    return {"occupied": float(chosen("space", asset.key, slot, share=busy))}


def meter(asset: DemoAsset, at: datetime) -> Mapping[str, float]:
    """Report a pay-and-display machine: a few are out of order for a day."""
    seconds = as_utc(at).timestamp() - _TICKETS_SINCE
    day = int(as_utc(at).timestamp() // 86_400)
    rate = 12 + 40 * share_of("tickets", asset.key)
    return {
        "out_of_order": float(chosen("machine", asset.key, day, share=OUT_OF_ORDER_SHARE)),
        "tickets_count": float(max(0, math.floor(rate * seconds / 86_400))),
    }


def _bump(hour: float, *, centre: float, width: float) -> float:
    return math.exp(-(((hour - centre) / width) ** 2))


def _plateau(hour: float, *, start: float, end: float) -> float:
    """Rise around ``start``, fall around ``end``, each over about an hour."""
    return 1 / (1 + math.exp(-2.5 * (hour - start))) - 1 / (1 + math.exp(-2.5 * (hour - end)))


FLEETS = (
    Fleet(asset_type="car_park", every=timedelta(minutes=5), report=car_park),
    Fleet(
        asset_type="parking_space",
        every=timedelta(minutes=15),
        report=space,
        history=timedelta(days=2),
    ),
    Fleet(
        asset_type="parking_meter",
        every=timedelta(hours=6),
        report=meter,
        history=timedelta(days=2),
    ),
)
