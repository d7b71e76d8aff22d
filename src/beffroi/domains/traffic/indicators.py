"""Indicators of traffic; totals come from the caller."""

from __future__ import annotations

from datetime import timedelta

from beffroi.kernel.units import Unit
from beffroi.sdk.declarations import (
    AssetCount,
    Indicator,
    MeasureTotal,
    Ranking,
    Statistic,
)
from beffroi.sdk.declarations import translatable as _


def flow_now(*, vehicles_per_hour: float) -> float:
    """Mean flow of the counters, now. Unit: vehicles/h."""
    return vehicles_per_hour


def vehicles_of_day(*, vehicles: float, counters: float) -> float:
    """Vehicles that a counter sees in 24 hours, on average.

    Unit: vehicles/d. Formula: vehicles of all counters in 24 h / counters. Source: Cerema,
    traffic counts.

    Raises:
        ValueError: there is no counter.
    """
    if counters <= 0:
        raise ValueError("there is no counter")
    return vehicles / counters


def sound_equipped(*, equipped: float, crossroads: float) -> float:
    """Share of crossroads with signals whose every crossing speaks to blind people.

    Unit: %. Formula: 100 × crossroads equipped throughout / crossroads with signals. Source:
    law of 11 February 2005 on equal rights, accessibility of streets.

    Raises:
        ValueError: there is no crossroads with signals.
    """
    if crossroads <= 0:
        raise ValueError("there is no crossroads with signals")
    return 100 * equipped / crossroads


def step_free(*, accessible: float, crossings: float) -> float:
    """Share of pedestrian crossings without a step.

    Unit: %. Formula: 100 × crossings without a step / crossings. Source: law of 11 February
    2005 on equal rights, accessibility of streets.

    Raises:
        ValueError: there is no crossing.
    """
    if crossings <= 0:
        raise ValueError("there is no crossing")
    return 100 * accessible / crossings


INDICATORS = (
    Indicator(
        key="traffic_flow_now",
        label=_("Flow now"),
        definition=_("Mean of the latest flows of the counters."),
        unit=Unit.VEHICLES_PER_HOUR,
        source=_("Smart Data Models TrafficFlowObserved"),
        inputs={
            "vehicles_per_hour": MeasureTotal(
                asset_type="traffic_counter",
                measure="vehicles_per_hour",
                over_assets=Statistic.MEAN,
            ),
        },
        compute=flow_now,
        decimals=0,
    ),
    Indicator(
        key="vehicles_per_counter_day",
        label=_("Vehicles per counter in 24 hours"),
        definition=_("Vehicles of the last 24 hours divided by the number of counters."),
        unit=Unit.VEHICLES_PER_DAY,
        source=_("Cerema, traffic counts"),
        inputs={
            "vehicles": MeasureTotal(
                asset_type="traffic_counter",
                measure="vehicles_count",
                over_assets=Statistic.SUM,
                over_time=Statistic.SUM,
                window=timedelta(days=1),
            ),
            "counters": AssetCount(asset_type="traffic_counter"),
        },
        compute=vehicles_of_day,
        decimals=0,
    ),
    Indicator(
        key="sound_signals_share",
        label=_("Crossroads equipped with sound"),
        definition=_(
            "Share of the crossroads with signals whose every crossing has sound for blind people."
        ),
        unit=Unit.PERCENT,
        source=_("Loi n° 2005-102 du 11 février 2005, accessibility of streets"),
        inputs={
            "equipped": AssetCount(asset_type="traffic_signal", where=("sound_level", "Tout")),
            "crossroads": AssetCount(asset_type="traffic_signal"),
        },
        compute=sound_equipped,
        decimals=0,
        better=1,
    ),
    Indicator(
        key="step_free_crossings_share",
        label=_("Step-free crossings"),
        definition=_("Share of the pedestrian crossings without a step."),
        unit=Unit.PERCENT,
        source=_("Loi n° 2005-102 du 11 février 2005, accessibility of streets"),
        inputs={
            "accessible": AssetCount(asset_type="pedestrian_crossing", where=("step_free", True)),
            "crossings": AssetCount(asset_type="pedestrian_crossing"),
        },
        compute=step_free,
        decimals=0,
        better=1,
    ),
)

RANKINGS = (
    Ranking(
        asset_type="traffic_counter",
        measure="vehicles_per_hour",
        descending=True,
        label=_("Busiest counters"),
    ),
    Ranking(
        asset_type="traffic_counter",
        measure="mean_speed_kmh",
        descending=False,
        label=_("Slowest counters"),
    ),
)
