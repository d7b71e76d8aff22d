"""A simulated fleet: lamps that follow the sun, a few out, a few burning by day."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from astral import Observer
from astral.sun import sunrise, sunset

from beffroi.kernel.clock import PARIS, as_utc
from beffroi.sdk.declarations import DemoAsset, Fleet
from beffroi.sdk.simulation import chosen, share_of, smooth_noise

FAILED_SHARE = 0.012
"""Lamps out: 1 to 2 % is usual between two rounds."""
DAY_BURNER_SHARE = 0.003
DIMMED_LEVEL = 0.5
DIMMING_FROM, DIMMING_TO = time(22), time(6)
METERED_SINCE = date(2025, 1, 1)

_NOMINAL_W = {
    "lanterne": 70.0,
    "luminaire ambiance": 45.0,
    "projecteur": 150.0,
    "encastre": 12.0,
    "borne colonne": 25.0,
    "luminaire en applique": 40.0,
}
_UNKNOWN_W = 60.0
_LAMPS_PER_CABINET = 45
_HOUR = timedelta(hours=1)


def nominal_w(asset: DemoAsset) -> float:
    """Return the power of a lamp at full output, from its register or its lantern type."""
    declared = asset.properties.get("power_nominal_w")
    if isinstance(declared, int | float) and declared > 0:
        return float(declared)
    lantern = str(asset.properties.get("lantern_type") or "")
    plain = unicodedata.normalize("NFKD", lantern).encode("ascii", "ignore").decode()
    return _NOMINAL_W.get(plain.strip().lower(), _UNKNOWN_W)


def is_failed(asset: DemoAsset) -> bool:
    """Tell whether the simulation has this lamp out."""
    return chosen("lamp failed", asset.key, share=FAILED_SHARE)


def is_day_burner(asset: DemoAsset) -> bool:
    """Tell whether the simulation has this lamp burn by day."""
    return not is_failed(asset) and chosen("day burner", asset.key, share=DAY_BURNER_SHARE)


def lamp_level(at: datetime, *, lon: float, lat: float) -> float:
    """Return the level told to a lamp: 0 by day, 1 by night, less from 22:00 to 06:00."""
    start, end = _night_around(at, lon=lon, lat=lat)
    if not start <= at < end:
        return 0.0
    hour = as_utc(at).astimezone(PARIS).time()
    dimmed = hour >= DIMMING_FROM or hour < DIMMING_TO
    return DIMMED_LEVEL if dimmed else 1.0


def lamp(asset: DemoAsset, at: datetime) -> Mapping[str, float]:
    """Report a light point: level, power, energy index and failure flag."""
    power = nominal_w(asset)
    level = lamp_level(at, lon=asset.lon, lat=asset.lat)
    failed, day_burner = is_failed(asset), is_day_burner(asset)
    drift = 1 + 0.02 * smooth_noise(f"lamp {asset.key}", at=at, every=6 * _HOUR)
    shining = 0.0 if failed else (level or float(day_burner))
    burnt, night = _hours(at, lon=asset.lon, lat=asset.lat)
    started = 40.0 * share_of("first index", asset.key)
    if failed:
        burnt = 0.0
    elif day_burner:
        elapsed = (as_utc(at) - _midnight(METERED_SINCE)) / _HOUR
        burnt += elapsed - night
    return {
        "lamp_switched_on": float(shining > 0),
        "dimming_pct": round(100 * level),
        "power_w": round(power * shining * drift, 1),
        "energy_kwh": round(started + power * burnt / 1_000, 3),
        "lamp_failure": float(failed),
    }


def cabinet(asset: DemoAsset, at: datetime) -> Mapping[str, float]:
    """Report a control cabinet that feeds some forty lamps."""
    level = lamp_level(at, lon=asset.lon, lat=asset.lat)
    lamps = _LAMPS_PER_CABINET * (0.6 + 0.8 * share_of("lamps", asset.key))
    full = lamps * _NOMINAL_W["lanterne"]
    drift = 1 + 0.015 * smooth_noise(f"cabinet {asset.key}", at=at, every=6 * _HOUR)
    power = full * level * drift
    voltage = 231 + 4 * smooth_noise(f"mains {asset.key}", at=at, every=3 * _HOUR)
    burnt, _night = _hours(at, lon=asset.lon, lat=asset.lat)
    factor = 0.94 if level else 1.0
    return {
        "power_w": round(power),
        "energy_kwh": round(full * burnt / 1_000, 1),
        "voltage_v": round(voltage, 1),
        "current_a": round(power / (voltage * factor), 2),
        "power_factor": factor,
        "supply_present": 1.0,
        "circuit_switched_on": float(level > 0),
        "door_open": 0.0,
    }


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), tzinfo=PARIS).astimezone(UTC)


def _night_around(at: datetime, *, lon: float, lat: float) -> tuple[datetime, datetime]:
    """Return sunset and sunrise of the night whose noon to noon holds the instant."""
    evening = (as_utc(at).astimezone(PARIS) - timedelta(hours=12)).date()
    return _night(evening, lon=round(lon, 1), lat=round(lat, 1))


@lru_cache(maxsize=20_000)
def _night(evening: date, *, lon: float, lat: float) -> tuple[datetime, datetime]:
    place = Observer(latitude=lat, longitude=lon)
    return (
        sunset(place, date=evening, tzinfo=UTC),
        sunrise(place, date=evening + timedelta(days=1), tzinfo=UTC),
    )


def _burnt(start: datetime, end: datetime, *, evening: date) -> float:
    """Return hours at full output that a stretch of a night is worth."""
    if end <= start:
        return 0.0
    dim_from = datetime.combine(evening, DIMMING_FROM, tzinfo=PARIS)
    dim_to = datetime.combine(evening + timedelta(days=1), DIMMING_TO, tzinfo=PARIS)
    dimmed = max(timedelta(0), min(end, dim_to) - max(start, dim_from))
    return ((end - start) - dimmed * (1 - DIMMED_LEVEL)) / _HOUR


@lru_cache(maxsize=20_000)
def _hours_before(evening: date, *, lon: float, lat: float) -> tuple[float, float]:
    """Return hours at full output, and hours of night, of all nights before this one."""
    burnt = night = 0.0
    # From the nearest evening already known, so that a long year is added up once.
    day = METERED_SINCE
    first_of_month = evening.replace(day=1)
    if evening > first_of_month > METERED_SINCE:
        burnt, night = _hours_before(first_of_month, lon=lon, lat=lat)
        day = first_of_month
    elif evening == first_of_month and evening > METERED_SINCE:
        day = max((evening - timedelta(days=1)).replace(day=1), METERED_SINCE)
        burnt, night = _hours_before(day, lon=lon, lat=lat)
    while day < evening:
        start, end = _night(day, lon=lon, lat=lat)
        burnt += _burnt(start, end, evening=day)
        night += (end - start) / _HOUR
        day += timedelta(days=1)
    return burnt, night


def _hours(at: datetime, *, lon: float, lat: float) -> tuple[float, float]:
    lon, lat = round(lon, 1), round(lat, 1)
    evening = (as_utc(at).astimezone(PARIS) - timedelta(hours=12)).date()
    if evening < METERED_SINCE:
        return 0.0, 0.0
    burnt, night = _hours_before(evening, lon=lon, lat=lat)
    start, end = _night(evening, lon=lon, lat=lat)
    until = min(as_utc(at), end)
    if until > start:
        burnt += _burnt(start, until, evening=evening)
        night += (until - start) / _HOUR
    return burnt, night


FLEETS = (
    Fleet(asset_type="light_point", every=_HOUR, report=lamp, history=timedelta(days=2)),
    Fleet(asset_type="lighting_cabinet", every=timedelta(minutes=10), report=cabinet),
)
