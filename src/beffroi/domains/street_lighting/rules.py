"""What is worth an operator's attention; names follow the failures of TALQ 2.7.1."""

from __future__ import annotations

from datetime import timedelta

from beffroi.sdk.declarations import AlarmRule, Priority, State
from beffroi.sdk.declarations import translatable as _

STANDBY_W = 2.0
"""A driver in standby draws less (DALI D4i allows 0.5 W); the smallest lamp shines with more."""
LOWEST_POWER_FACTOR = 0.8
"""Below it the supplier may bill reactive energy; drivers give 0.9 and more above 20 W."""
METERED_W = 20.0
CABINET_IDLE_W = 10.0


def lamp_out(state: State) -> bool:
    """Tell whether a lamp told to shine draws no power (TALQ lampFailure)."""
    return state["dimming_pct"] > 0 and state["power_w"] < STANDBY_W


def day_burner(state: State) -> bool:
    """Tell whether a lamp told to be off draws power (TALQ lampUnexpectedOn)."""
    return state["dimming_pct"] == 0 and state["power_w"] >= STANDBY_W


def low_power_factor(state: State) -> bool:
    """Tell whether a lamp that shines has a poor power factor (TALQ powerFactorTooLow)."""
    return state["power_w"] >= METERED_W and abs(state["power_factor"]) < LOWEST_POWER_FACTOR


def cabinet_power_loss(state: State) -> bool:
    """Tell whether a cabinet has lost the mains (TALQ supplyLoss)."""
    return state["supply_present"] == 0


def cabinet_dark(state: State) -> bool:
    """Tell whether a circuit told to be on draws nothing (TALQ switchingErrorOn)."""
    return state["circuit_switched_on"] > 0 and state["power_w"] < CABINET_IDLE_W


def cabinet_door_open(state: State) -> bool:
    """Tell whether the door of a cabinet is open (TALQ cabinetDoorOpen)."""
    return state["door_open"] > 0


RULES = (
    AlarmRule(
        key="lamp_out",
        label=_("Lamp out"),
        asset_type="light_point",
        reads=("dimming_pct", "power_w"),
        when=lamp_out,
        priority=Priority.LOW,
        on_delay=timedelta(minutes=15),
        off_delay=timedelta(minutes=5),
        playbook="README.md#lamp-out",
    ),
    AlarmRule(
        key="day_burner",
        label=_("Lamp burning by day"),
        asset_type="light_point",
        reads=("dimming_pct", "power_w"),
        when=day_burner,
        priority=Priority.LOW,
        on_delay=timedelta(minutes=30),
        off_delay=timedelta(minutes=5),
        playbook="README.md#lamp-burning-by-day",
    ),
    AlarmRule(
        key="low_power_factor",
        label=_("Low power factor"),
        asset_type="light_point",
        reads=("power_w", "power_factor"),
        when=low_power_factor,
        priority=Priority.LOW,
        on_delay=timedelta(hours=1),
        off_delay=timedelta(minutes=30),
        playbook="README.md#low-power-factor",
    ),
    AlarmRule(
        key="cabinet_power_loss",
        label=_("Cabinet without mains supply"),
        asset_type="lighting_cabinet",
        reads=("supply_present",),
        when=cabinet_power_loss,
        priority=Priority.HIGH,
        on_delay=timedelta(minutes=2),
        off_delay=timedelta(minutes=5),
        playbook="README.md#cabinet-without-power",
    ),
    AlarmRule(
        key="cabinet_dark",
        label=_("Circuit on without load"),
        asset_type="lighting_cabinet",
        reads=("circuit_switched_on", "power_w"),
        when=cabinet_dark,
        priority=Priority.HIGH,
        on_delay=timedelta(minutes=10),
        off_delay=timedelta(minutes=5),
        playbook="README.md#cabinet-without-power",
    ),
    AlarmRule(
        key="cabinet_door_open",
        label=_("Cabinet door open"),
        asset_type="lighting_cabinet",
        reads=("door_open",),
        when=cabinet_door_open,
        priority=Priority.MEDIUM,
        on_delay=timedelta(minutes=10),
        off_delay=timedelta(minutes=1),
        playbook="README.md#cabinet-door-open",
    ),
)
