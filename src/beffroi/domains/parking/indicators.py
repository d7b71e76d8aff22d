"""Indicators of parking; totals come from the caller."""

from __future__ import annotations

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

_BNLS = _("national base of off-street parking (schema-stationnement)")


def _latest(measure: str) -> MeasureTotal:
    return MeasureTotal(asset_type="car_park", measure=measure, over_assets=Statistic.SUM)


def occupancy(*, occupied: float, capacity: float) -> float:
    """Occupancy of all car parks together, now.

    Unit: %. Formula: 100 × occupied places / places in service. Source: Smart Data Models
    OffStreetParking.

    Raises:
        ValueError: no car park reports a capacity.
    """
    if capacity <= 0:
        raise ValueError("no car park reports a capacity")
    return 100 * occupied / capacity


def full_share(*, share: float) -> float:
    """Share of car parks that are 95 % full or more.

    Unit: %. Formula: 100 × car parks at 95 % or more / car parks that report.
    """
    return 100 * share


def free_places(*, places: float) -> float:
    """Free places of all car parks together, now. Unit: places. Formula: their sum."""
    return places


def capacity_per_thousand(*, places: float, inhabitants: float) -> float:
    """Off-street places for a thousand inhabitants.

    Formula: 1000 × nominal capacity / inhabitants.

    Raises:
        ValueError: the population is not known.
    """
    if inhabitants <= 0:
        raise ValueError("the population is not known")
    return 1_000 * places / inhabitants


def places_per_meter(*, places: float, meters: float) -> float:
    """Places that a pay-and-display machine serves, on average.

    Raises:
        ValueError: there is no machine.
    """
    if meters <= 0:
        raise ValueError("there is no pay-and-display machine")
    return places / meters


INDICATORS = (
    Indicator(
        key="car_park_occupancy",
        label=_("Occupancy now"),
        definition=_("Occupied places among the places in service of all car parks."),
        unit=Unit.PERCENT,
        source=_("Smart Data Models OffStreetParking"),
        inputs={"occupied": _latest("occupied_places"), "capacity": _latest("capacity_places")},
        compute=occupancy,
        decimals=0,
    ),
    Indicator(
        key="free_places_total",
        label=_("Free places now"),
        definition=_("Free places of all car parks together."),
        unit=Unit.PLACES,
        source=_("Smart Data Models OffStreetParking"),
        inputs={"places": _latest("free_places")},
        compute=free_places,
        decimals=0,
        better=1,
    ),
    Indicator(
        key="full_car_parks_share",
        label=_("Full car parks"),
        definition=_("Share of the car parks that are 95 % full or more."),
        unit=Unit.PERCENT,
        source=_("Cerema, parking surveys: 95 % is taken as full"),
        inputs={
            "share": MeasureShare(asset_type="car_park", measure="occupancy_pct", low=95),
        },
        compute=full_share,
        decimals=0,
        better=-1,
    ),
    Indicator(
        key="off_street_places_per_thousand",
        label=_("Off-street places per thousand inhabitants"),
        definition=_("Nominal capacity of the car parks for a thousand inhabitants."),
        unit=Unit.PER_THOUSAND_INHABITANTS,
        source=_BNLS,
        inputs={
            "places": PropertySum(asset_type="car_park", property="nominal_capacity_places"),
            "inhabitants": TerritoryFact(fact="population"),
        },
        compute=capacity_per_thousand,
        decimals=0,
    ),
    Indicator(
        key="places_per_parking_meter",
        label=_("Places per pay-and-display machine"),
        definition=_("Paid places on the street divided by the number of machines."),
        unit=Unit.PLACES,
        source=_("asset register of the town"),
        inputs={
            "places": PropertySum(asset_type="parking_meter", property="places_count"),
            "meters": AssetCount(asset_type="parking_meter"),
        },
        compute=places_per_meter,
    ),
)

RANKINGS = (
    Ranking(
        asset_type="car_park",
        measure="occupancy_pct",
        descending=True,
        label=_("Fullest car parks"),
    ),
    Ranking(
        asset_type="car_park",
        measure="free_places",
        descending=True,
        label=_("Car parks with most free places"),
    ),
    Ranking(
        asset_type="parking_meter",
        measure="out_of_order",
        descending=True,
        label=_("Machines out of order"),
    ),
)
