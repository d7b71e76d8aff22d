"""Indicators of public space: how much of it there is for whom."""

from __future__ import annotations

from beffroi.kernel.units import Unit
from beffroi.sdk.declarations import AssetCount, Indicator, PropertySum, TerritoryFact
from beffroi.sdk.declarations import translatable as _

_INHABITANTS = TerritoryFact(fact="population")


def per_thousand(*, count: float, inhabitants: float) -> float:
    """Things for a thousand inhabitants.

    Formula: 1000 × count / inhabitants. Source: ISO 37120, ratios to the population.

    Raises:
        ValueError: the population is not known.
    """
    if inhabitants <= 0:
        raise ValueError("the population is not known")
    return 1_000 * count / inhabitants


def working_share(*, working: float, fountains: float) -> float:
    """Share of ornamental fountains in working order.

    Unit: %. Formula: 100 × fountains "en fonction" / fountains. Source: asset register.

    Raises:
        ValueError: there is no fountain.
    """
    if fountains <= 0:
        raise ValueError("there is no fountain")
    return 100 * working / fountains


INDICATORS = (
    Indicator(
        key="street_trees_per_thousand",
        label=_("Street trees per thousand inhabitants"),
        definition=_("Number of street trees for a thousand inhabitants."),
        unit=Unit.PER_THOUSAND_INHABITANTS,
        source=_("ISO 37120, urban planning"),
        inputs={"count": AssetCount(asset_type="street_tree"), "inhabitants": _INHABITANTS},
        compute=per_thousand,
        decimals=0,
        better=1,
    ),
    Indicator(
        key="drinking_fountains_per_thousand",
        label=_("Drinking fountains per thousand inhabitants"),
        definition=_("Number of drinking fountains for a thousand inhabitants."),
        unit=Unit.PER_THOUSAND_INHABITANTS,
        source=_("Directive (EU) 2020/2184, article 16, access to water"),
        inputs={
            "count": PropertySum(asset_type="drinking_fountain", property="fountains_count"),
            "inhabitants": _INHABITANTS,
        },
        compute=per_thousand,
        decimals=2,
        better=1,
    ),
    Indicator(
        key="defibrillators_per_thousand",
        label=_("Defibrillators per thousand inhabitants"),
        definition=_("Number of defibrillators for a thousand inhabitants."),
        unit=Unit.PER_THOUSAND_INHABITANTS,
        source=_("ISO 37120, health"),
        inputs={"count": AssetCount(asset_type="defibrillator"), "inhabitants": _INHABITANTS},
        compute=per_thousand,
        decimals=2,
        better=1,
    ),
    Indicator(
        key="working_fountains_share",
        label=_("Ornamental fountains in working order"),
        definition=_("Share of the ornamental fountains whose state is in working order."),
        unit=Unit.PERCENT,
        source=_("asset register of the town"),
        inputs={
            "working": AssetCount(asset_type="ornamental_fountain", where=("state", "en fonction")),
            "fountains": AssetCount(asset_type="ornamental_fountain"),
        },
        compute=working_share,
        decimals=0,
        better=1,
    ),
)
