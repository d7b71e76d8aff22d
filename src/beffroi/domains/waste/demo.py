"""A simulated fleet: containers that fill at their own pace and are emptied on their days."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, time, timedelta

from beffroi.kernel.clock import PARIS, as_utc
from beffroi.sdk.declarations import DemoAsset, Fleet
from beffroi.sdk.simulation import chosen, share_of, smooth_noise

_EVERY = timedelta(hours=1)
_TIPPED_SHARE = 0.004
_DEFAULT_DEPTH_MM = 1_800
_SLOWER_GLASS = 1.6
"""Glass comes more slowly than paper or household waste."""


def collection_days(asset: DemoAsset) -> tuple[int, ...]:
    """Return the weekdays (0 is Monday) on which a container is emptied."""
    first = int(7 * share_of("collection day", asset.key))
    if share_of("collections", asset.key) < 0.6:
        return (first, (first + 3) % 7)
    return (first,)


def last_emptying(asset: DemoAsset, at: datetime) -> datetime:
    """Return when the container was last emptied: between 6:00 and 10:00 on its days."""
    local = as_utc(at).astimezone(PARIS)
    hour = 6 + 4 * share_of("round", asset.key)
    moment = time(int(hour), int(60 * (hour % 1)))
    for back in range(15):
        day = (local - timedelta(days=back)).date()
        # A round is missed now and then: what makes some containers overflow.
        missed = chosen("missed round", asset.key, day.isoformat(), share=0.06)
        emptied = datetime.combine(day, moment, tzinfo=PARIS)
        if day.weekday() in collection_days(asset) and emptied <= local and not missed:
            return emptied
    return datetime.combine((local - timedelta(days=14)).date(), moment, tzinfo=PARIS)


def fill_level_pct(asset: DemoAsset, at: datetime) -> float:
    """Return the fill level: it rises since the last emptying, hardly at night."""
    emptied = as_utc(last_emptying(asset, at))
    days_to_full = 3.5 + 6 * share_of("pace", asset.key)
    if asset.properties.get("accepts_glass") is True:
        days_to_full *= _SLOWER_GLASS
    start = _use(emptied)
    days = max(0.0, _use(as_utc(at)) - start)
    pace = 1 + 0.25 * (2 * share_of("week", asset.key, emptied.toordinal()) - 1)
    return min(100.0, 3 + 97 * days * pace / days_to_full)


def container(asset: DemoAsset, at: datetime) -> Mapping[str, float]:
    """Report a container: level, distance below the lid, temperature, tilt, battery."""
    local = as_utc(at).astimezone(PARIS)
    level = fill_level_pct(asset, at)
    depth = asset.properties.get("depth_mm")
    depth_mm = depth if isinstance(depth, int | float) and depth > 0 else _DEFAULT_DEPTH_MM
    season = math.cos(2 * math.pi * (local.timetuple().tm_yday - 200) / 365.25)
    daily = math.cos(2 * math.pi * (local.hour + local.minute / 60 - 15) / 24)
    warmth = 15 + 9 * season + (4 + 2 * season) * daily
    warmth += 2 * smooth_noise("weather", at=at, every=timedelta(hours=18))
    tipped = chosen("tipped", asset.key, local.date().isoformat(), share=_TIPPED_SHARE)
    since = as_utc(at) - as_utc(last_emptying(asset, at))
    age_years = share_of("battery", asset.key) * 5
    return {
        "fill_level_pct": round(level, 1),
        "distance_mm": float(round(200 + depth_mm * (1 - level / 100))),
        "temperature_c": round(warmth + 1.5 * share_of("sun", asset.key), 1),
        "tilt_deg": 85.0 if tipped else round(3 * share_of("ground", asset.key), 1),
        "emptied": float(since < _EVERY),
        "battery_v": round(3.65 - 0.06 * age_years, 2),
    }


def _use(at: datetime) -> float:
    """Return days of use since 1970: the hours from 7:00 to 22:00 count, the others hardly.

    Formula: t + 0.9 sin(2π (t - 14:30)) / 2π, in local days, whose slope is 0.1 at 2:30 and
    1.9 at 14:30.
    """
    local = at.astimezone(PARIS)
    days = (
        local.date().toordinal() + (local.hour * 3_600 + local.minute * 60 + local.second) / 86_400
    )
    return days + 0.9 * math.sin(2 * math.pi * (days - 14.5 / 24)) / (2 * math.pi)


FLEETS = (Fleet(asset_type="waste_container", every=_EVERY, report=container),)
