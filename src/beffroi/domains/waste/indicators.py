"""Indicators of waste collection; totals come from the caller."""

from __future__ import annotations

from datetime import timedelta

from beffroi.kernel.units import Unit
from beffroi.sdk.declarations import (
    AssetCount,
    Indicator,
    MeasureShare,
    MeasureTotal,
    Ranking,
    Statistic,
    TerritoryFact,
)
from beffroi.sdk.declarations import translatable as _

_FILL_SOURCE = _("Smart Data Models WasteContainer, fillingLevel")


def over_eighty(*, share: float) -> float:
    """Share of containers filled to 80 % or more. Unit: %. Formula: 100 × share."""
    return 100 * share


def mean_fill(*, level_pct: float) -> float:
    """Mean fill level of the containers, now. Unit: %. Formula: mean of the latest levels."""
    return level_pct


def mean_peak(*, level_pct: float) -> float:
    """Mean over containers of their highest level in seven days.

    Unit: %. A low value says that containers are emptied too early, a high one too late.
    """
    return level_pct


def containers_per_thousand(*, containers: float, inhabitants: float) -> float:
    """Containers for a thousand inhabitants.

    Formula: 1000 × containers / inhabitants. Source: ADEME, bring-bank network.

    Raises:
        ValueError: the population is not known.
    """
    if inhabitants <= 0:
        raise ValueError("the population is not known")
    return 1_000 * containers / inhabitants


INDICATORS = (
    Indicator(
        key="containers_over_80_share",
        label=_("Containers over 80 %"),
        definition=_("Share of the containers filled to 80 % or more."),
        unit=Unit.PERCENT,
        source=_FILL_SOURCE,
        inputs={
            "share": MeasureShare(asset_type="waste_container", measure="fill_level_pct", low=80),
        },
        compute=over_eighty,
        decimals=0,
        better=-1,
    ),
    Indicator(
        key="mean_fill_level",
        label=_("Mean fill level"),
        definition=_("Mean of the latest fill levels of all containers."),
        unit=Unit.PERCENT,
        source=_FILL_SOURCE,
        inputs={
            "level_pct": MeasureTotal(
                asset_type="waste_container",
                measure="fill_level_pct",
                over_assets=Statistic.MEAN,
            ),
        },
        compute=mean_fill,
        decimals=0,
    ),
    Indicator(
        key="mean_peak_fill_level",
        label=_("Mean peak level of the week"),
        definition=_(
            "Mean over the containers of their highest fill level in seven days: low when they "
            "are emptied too early, high when too late."
        ),
        unit=Unit.PERCENT,
        source=_FILL_SOURCE,
        inputs={
            "level_pct": MeasureTotal(
                asset_type="waste_container",
                measure="fill_level_pct",
                over_assets=Statistic.MEAN,
                over_time=Statistic.MAX,
                window=timedelta(days=7),
            ),
        },
        compute=mean_peak,
        decimals=0,
    ),
    Indicator(
        key="containers_per_thousand",
        label=_("Containers per thousand inhabitants"),
        definition=_("Number of containers for a thousand inhabitants."),
        unit=Unit.PER_THOUSAND_INHABITANTS,
        source=_("ADEME, network of bring banks"),
        inputs={
            "containers": AssetCount(asset_type="waste_container"),
            "inhabitants": TerritoryFact(fact="population"),
        },
        compute=containers_per_thousand,
        decimals=2,
    ),
)

RANKINGS = (
    Ranking(
        asset_type="waste_container",
        measure="fill_level_pct",
        descending=True,
        label=_("Fullest containers"),
    ),
    Ranking(
        asset_type="waste_container",
        measure="temperature_c",
        descending=True,
        label=_("Hottest containers"),
    ),
)
