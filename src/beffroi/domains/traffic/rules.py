"""What is worth an operator's attention in traffic."""

from __future__ import annotations

from datetime import timedelta

from beffroi.sdk.declarations import AlarmRule, Priority, State
from beffroi.sdk.declarations import translatable as _

CONGESTED_PCT = 30.0
SLOW_KMH = 15.0
"""Occupancy above 30 % with speed below 15 km/h is a standing queue on a town street."""


def no_traffic(state: State) -> bool:
    """Tell whether a counter sees nobody: it has failed, or the street is closed."""
    return state["vehicles_per_hour"] <= 0


def queue(state: State) -> bool:
    """Tell whether vehicles stand over the detector: high occupancy and low speed together."""
    return state["road_occupancy_pct"] >= CONGESTED_PCT and state["mean_speed_kmh"] <= SLOW_KMH


RULES = (
    AlarmRule(
        key="counter_sees_nobody",
        label=_("Counter sees nobody"),
        asset_type="traffic_counter",
        reads=("vehicles_per_hour",),
        when=no_traffic,
        priority=Priority.LOW,
        on_delay=timedelta(hours=6),
        off_delay=timedelta(minutes=30),
        playbook="README.md#counter-sees-nobody",
    ),
    AlarmRule(
        key="standing_queue",
        label=_("Standing queue"),
        asset_type="traffic_counter",
        reads=("road_occupancy_pct", "mean_speed_kmh"),
        when=queue,
        priority=Priority.MEDIUM,
        on_delay=timedelta(minutes=15),
        off_delay=timedelta(minutes=10),
        playbook="README.md#standing-queue",
    ),
)
