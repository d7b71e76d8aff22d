"""Parking: car parks, spaces and pay-and-display machines."""

from __future__ import annotations

from beffroi.domains.parking.demo import FLEETS
from beffroi.domains.parking.indicators import INDICATORS, RANKINGS
from beffroi.domains.parking.rules import RULES
from beffroi.domains.parking.types import CAR_PARK, PARKING_METER, PARKING_SPACE
from beffroi.sdk.declarations import Domain, Pillar
from beffroi.sdk.declarations import translatable as _

DOMAIN = Domain(
    key="parking",
    label=_("Parking"),
    description=_("Car parks, spaces and pay-and-display machines: where there is room."),
    pillar=Pillar.TRANSPORT,
    asset_types=(CAR_PARK, PARKING_SPACE, PARKING_METER),
    rules=RULES,
    indicators=INDICATORS,
    rankings=RANKINGS,
    fleets=FLEETS,
    icon="parking",
    order=20,
)
