"""What is worth an operator's attention in a waste container."""

from __future__ import annotations

from datetime import timedelta

from beffroi.sdk.declarations import AlarmRule, Priority, State
from beffroi.sdk.declarations import translatable as _

FULL_PCT = 90.0
BURNING_C = 60.0
"""Sun on a dark lid stays below; smouldering paper passes it within minutes."""
TIPPED_DEG = 45.0


def container_full(state: State) -> bool:
    """Tell whether a container is so full that bags are soon left beside it."""
    return state["fill_level_pct"] >= FULL_PCT


def container_burning(state: State) -> bool:
    """Tell whether the temperature inside can only come from a fire."""
    return state["temperature_c"] >= BURNING_C


def container_tipped(state: State) -> bool:
    """Tell whether a container lies on its side."""
    return state["tilt_deg"] >= TIPPED_DEG


RULES = (
    AlarmRule(
        key="container_burning",
        label=_("Fire in a container"),
        asset_type="waste_container",
        reads=("temperature_c",),
        when=container_burning,
        priority=Priority.CRITICAL,
        on_delay=timedelta(0),
        off_delay=timedelta(minutes=30),
        playbook="README.md#fire",
    ),
    AlarmRule(
        key="container_full",
        label=_("Container full"),
        asset_type="waste_container",
        reads=("fill_level_pct",),
        when=container_full,
        priority=Priority.LOW,
        on_delay=timedelta(hours=1),
        off_delay=timedelta(minutes=30),
        playbook="README.md#container-full",
    ),
    AlarmRule(
        key="container_tipped",
        label=_("Container tipped over"),
        asset_type="waste_container",
        reads=("tilt_deg",),
        when=container_tipped,
        priority=Priority.MEDIUM,
        on_delay=timedelta(minutes=15),
        off_delay=timedelta(minutes=5),
        playbook="README.md#container-tipped-over",
    ),
)
