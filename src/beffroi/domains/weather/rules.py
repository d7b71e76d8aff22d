"""What is worth an operator's attention in the weather of the town."""

from __future__ import annotations

from datetime import timedelta

from beffroi.sdk.declarations import AlarmRule, Priority, State
from beffroi.sdk.declarations import translatable as _

STORM_GUST_MS = 24.5
"""Beaufort 10 (WMO-No. 8, annex): trees are uprooted; parks and stalls are closed before."""
HEAVY_RAIN_MM = 20.0
"""So much within one report overruns street gullies; the threshold is the operator's own."""


def frost(state: State) -> bool:
    """Tell whether the air is at or below freezing."""
    return state["temperature_c"] <= 0


def storm_gust(state: State) -> bool:
    """Tell whether gusts reach Beaufort 10."""
    return state["wind_gust_ms"] >= STORM_GUST_MS


def heavy_rain(state: State) -> bool:
    """Tell whether one report brings as much rain as the gullies can hardly take."""
    return state["rain_mm"] >= HEAVY_RAIN_MM


RULES = (
    AlarmRule(
        key="storm_gust",
        label=_("Storm gusts"),
        asset_type="weather_station",
        reads=("wind_gust_ms",),
        when=storm_gust,
        priority=Priority.HIGH,
        on_delay=timedelta(0),
        off_delay=timedelta(hours=1),
        playbook="README.md#storm-gusts",
    ),
    AlarmRule(
        key="heavy_rain",
        label=_("Heavy rain"),
        asset_type="weather_station",
        reads=("rain_mm",),
        when=heavy_rain,
        priority=Priority.HIGH,
        on_delay=timedelta(0),
        off_delay=timedelta(hours=1),
        playbook="README.md#heavy-rain",
    ),
    AlarmRule(
        key="frost",
        label=_("Frost"),
        asset_type="weather_station",
        reads=("temperature_c",),
        when=frost,
        priority=Priority.MEDIUM,
        on_delay=timedelta(minutes=30),
        off_delay=timedelta(hours=1),
        playbook="README.md#frost",
    ),
)
