"""What is worth an operator's attention in parking."""

from __future__ import annotations

from datetime import timedelta

from beffroi.sdk.declarations import AlarmRule, Priority, State
from beffroi.sdk.declarations import translatable as _

FULL_PCT = 98.0
"""Above it a driver finds no place in practice: the last ones are blocked or reserved."""
LARGEST_GAP = 0.05
"""Share of the capacity by which free and occupied places may miss it before a count is off."""


def car_park_full(state: State) -> bool:
    """Tell whether a car park has no place left in practice."""
    return state["occupancy_pct"] >= FULL_PCT


def count_drift(state: State) -> bool:
    """Tell whether free and occupied places no longer add up to the capacity."""
    capacity = state["capacity_places"]
    gap = abs(state["free_places"] + state["occupied_places"] - capacity)
    return gap > max(1.0, LARGEST_GAP * capacity)


def meter_out_of_order(state: State) -> bool:
    """Tell whether a pay-and-display machine says that it is out of order."""
    return state["out_of_order"] > 0


RULES = (
    AlarmRule(
        key="car_park_full",
        label=_("Car park full"),
        asset_type="car_park",
        reads=("occupancy_pct",),
        when=car_park_full,
        priority=Priority.LOW,
        on_delay=timedelta(minutes=10),
        off_delay=timedelta(minutes=10),
        playbook="README.md#car-park-full",
    ),
    AlarmRule(
        key="count_drift",
        label=_("Counts do not add up"),
        asset_type="car_park",
        reads=("capacity_places", "free_places", "occupied_places"),
        when=count_drift,
        priority=Priority.LOW,
        on_delay=timedelta(hours=1),
        off_delay=timedelta(minutes=30),
        playbook="README.md#counts-do-not-add-up",
    ),
    AlarmRule(
        key="meter_out_of_order",
        label=_("Pay-and-display machine out of order"),
        asset_type="parking_meter",
        reads=("out_of_order",),
        when=meter_out_of_order,
        priority=Priority.MEDIUM,
        on_delay=timedelta(minutes=30),
        off_delay=timedelta(minutes=5),
        playbook="README.md#machine-out-of-order",
    ),
)
