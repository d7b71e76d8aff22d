"""Indicators of street lighting; totals come from the caller."""

from __future__ import annotations

from datetime import timedelta

from beffroi.kernel.units import Unit
from beffroi.sdk.declarations import (
    AssetCount,
    Indicator,
    MeasureShare,
    MeasureTotal,
    PropertySum,
    Ranking,
    Statistic,
    TerritoryFact,
)
from beffroi.sdk.declarations import translatable as _

_WEEK = timedelta(days=7)
_WEEKS_PER_YEAR = 365 / 7
_WEEKLY_ENERGY = MeasureTotal(
    asset_type="light_point",
    measure="energy_kwh",
    over_assets=Statistic.SUM,
    over_time=Statistic.INCREASE,
    window=_WEEK,
)


def energy_per_light_point(*, energy_kwh: float, light_points: float) -> float:
    """Electricity that a light point uses, at the rate of the last seven days.

    Unit: kWh/yr. Formula: energy of 7 days [kWh] × 365/7 / light points. Source: ISO 37120,
    street lighting, brought down to the light point.

    Raises:
        ValueError: there is no light point.
    """
    if light_points <= 0:
        raise ValueError("there is no light point")
    return energy_kwh * _WEEKS_PER_YEAR / light_points


def energy_per_inhabitant(*, energy_kwh: float, inhabitants: float) -> float:
    """Electricity of street lighting per inhabitant, at the rate of the last seven days.

    Unit: kWh/(inhabitant·yr). Formula: energy of 7 days [kWh] × 365/7 / inhabitants. Source:
    ADEME survey of the energy of municipalities, ratio per inhabitant.

    Raises:
        ValueError: the population is not known.
    """
    if inhabitants <= 0:
        raise ValueError("the population is not known")
    return energy_kwh * _WEEKS_PER_YEAR / inhabitants


def lamps_out(*, share: float) -> float:
    """Share of lamps that report a failure.

    Unit: %. Formula: 100 × lamps whose latest lampFailure is set / lamps that report it.
    Source: TALQ 2.7.1.
    """
    return 100 * share


def installed_power(*, power_w: float) -> float:
    """Power of all lamps at full output.

    Unit: kW. Formula: sum of nominal power [W] / 1000. Source: asset register, EN 13201-5.

    Raises:
        ValueError: no lamp has a nominal power.
    """
    if power_w <= 0:
        raise ValueError("no lamp has a nominal power")
    return power_w / 1_000


def power_now(*, power_w: float) -> float:
    """Power that all lamps draw now.

    Unit: kW. Formula: sum of latest active power [W] / 1000. Source: TALQ 2.7.1.
    """
    return power_w / 1_000


def light_points_per_thousand(*, light_points: float, inhabitants: float) -> float:
    """Light points for a thousand inhabitants.

    Formula: 1000 × light points / inhabitants. Source: Cerema, diagnosis of street lighting.

    Raises:
        ValueError: the population is not known.
    """
    if inhabitants <= 0:
        raise ValueError("the population is not known")
    return 1_000 * light_points / inhabitants


INDICATORS = (
    Indicator(
        key="lamps_out_share",
        label=_("Lamps out"),
        definition=_("Share of the lamps that report a failure."),
        unit=Unit.PERCENT,
        source=_("TALQ 2.7.1, lampFailure"),
        inputs={
            "share": MeasureShare(asset_type="light_point", measure="lamp_failure", low=1),
        },
        compute=lamps_out,
        decimals=2,
        better=-1,
    ),
    Indicator(
        key="lighting_power_now",
        label=_("Power drawn now"),
        definition=_("Sum of the latest power of all lamps."),
        unit=Unit.KILOWATT,
        source=_("TALQ 2.7.1, activePower"),
        inputs={
            "power_w": MeasureTotal(
                asset_type="light_point", measure="power_w", over_assets=Statistic.SUM
            ),
        },
        compute=power_now,
    ),
    Indicator(
        key="energy_per_light_point",
        label=_("Energy per light point"),
        definition=_(
            "Electricity of the last seven days, brought to a year, per light point. "
            "It follows the length of the nights."
        ),
        unit=Unit.KILOWATT_HOUR_PER_YEAR,
        source=_("ISO 37120, street lighting"),
        inputs={
            "energy_kwh": _WEEKLY_ENERGY,
            "light_points": AssetCount(asset_type="light_point"),
        },
        compute=energy_per_light_point,
        decimals=0,
        better=-1,
    ),
    Indicator(
        key="lighting_energy_per_inhabitant",
        label=_("Energy per inhabitant"),
        definition=_(
            "Electricity of the last seven days, brought to a year, per inhabitant. "
            "It follows the length of the nights."
        ),
        unit=Unit.KILOWATT_HOUR_PER_INHABITANT_YEAR,
        source=_("ADEME, survey of the energy of municipalities"),
        inputs={
            "energy_kwh": _WEEKLY_ENERGY,
            "inhabitants": TerritoryFact(fact="population"),
        },
        compute=energy_per_inhabitant,
        better=-1,
    ),
    Indicator(
        key="installed_lighting_power",
        label=_("Installed power"),
        definition=_("Sum of the nominal power of all lamps."),
        unit=Unit.KILOWATT,
        source=_("EN 13201-5, installed power"),
        inputs={"power_w": PropertySum(asset_type="light_point", property="power_nominal_w")},
        compute=installed_power,
        decimals=0,
    ),
    Indicator(
        key="light_points_per_thousand",
        label=_("Light points per thousand inhabitants"),
        definition=_("Number of light points for a thousand inhabitants."),
        unit=Unit.PER_THOUSAND_INHABITANTS,
        source=_("Cerema, diagnosis of street lighting"),
        inputs={
            "light_points": AssetCount(asset_type="light_point"),
            "inhabitants": TerritoryFact(fact="population"),
        },
        compute=light_points_per_thousand,
        decimals=0,
    ),
)

RANKINGS = (
    Ranking(
        asset_type="light_point",
        measure="lamp_failure",
        descending=True,
        label=_("Lamps that report a failure"),
    ),
    Ranking(
        asset_type="light_point",
        measure="energy_kwh",
        descending=True,
        label=_("Lamps that have used most"),
    ),
    Ranking(
        asset_type="lighting_cabinet",
        measure="power_w",
        descending=True,
        label=_("Cabinets with the highest load"),
    ),
)
