"""What is worth attention in the air; bounds are those of the ATMO table in force."""

from __future__ import annotations

from datetime import timedelta

from beffroi.domains.air_quality.parameters import ATMO_BOUNDS
from beffroi.kernel import clock
from beffroi.sdk.declarations import AlarmRule, Priority, State
from beffroi.sdk.declarations import translatable as _

_POOR = 2
"""Rank of the bound above which the ATMO class is "poor" (mauvais)."""
LOWEST_BATTERY_V = 2.8
"""Lithium cells of 3.6 V fall quickly below it: the sensor has days left."""


def _above_poor(pollutant: str, value: float) -> bool:
    today = clock.now().astimezone(clock.PARIS).date()
    return value > float(ATMO_BOUNDS[pollutant].at(today)[_POOR])


def no2_poor(state: State) -> bool:
    """Tell whether hourly nitrogen dioxide is in the ATMO class "poor" or worse."""
    return _above_poor("no2", state["no2_ugm3"])


def o3_poor(state: State) -> bool:
    """Tell whether hourly ozone is in the ATMO class "poor" or worse."""
    return _above_poor("o3", state["o3_ugm3"])


def water_on_probe(state: State) -> bool:
    """Tell whether a leak probe is wet."""
    return state["water_leak_level"] > 0


def battery_low(state: State) -> bool:
    """Tell whether the battery of a sensor is nearly empty."""
    return state["battery_v"] < LOWEST_BATTERY_V


RULES = (
    AlarmRule(
        key="no2_poor",
        label=_("Nitrogen dioxide: poor air"),
        asset_type="air_station",
        reads=("no2_ugm3",),
        when=no2_poor,
        priority=Priority.MEDIUM,
        on_delay=timedelta(hours=1),
        off_delay=timedelta(hours=1),
        playbook="README.md#poor-air",
    ),
    AlarmRule(
        key="o3_poor",
        label=_("Ozone: poor air"),
        asset_type="air_station",
        reads=("o3_ugm3",),
        when=o3_poor,
        priority=Priority.MEDIUM,
        on_delay=timedelta(hours=1),
        off_delay=timedelta(hours=1),
        playbook="README.md#poor-air",
    ),
    AlarmRule(
        key="water_on_probe",
        label=_("Water on the leak probe"),
        asset_type="sensor_node",
        reads=("water_leak_level",),
        when=water_on_probe,
        priority=Priority.HIGH,
        on_delay=timedelta(0),
        off_delay=timedelta(minutes=30),
        playbook="README.md#water-leak",
    ),
    AlarmRule(
        key="sensor_battery_low",
        label=_("Sensor battery low"),
        asset_type="sensor_node",
        reads=("battery_v",),
        when=battery_low,
        priority=Priority.LOW,
        on_delay=timedelta(days=1),
        off_delay=timedelta(hours=6),
        playbook="README.md#sensor-battery-low",
    ),
)
