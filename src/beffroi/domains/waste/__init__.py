"""Waste: containers, how full they are and when they are emptied."""

from __future__ import annotations

from beffroi.domains.waste.demo import FLEETS
from beffroi.domains.waste.indicators import INDICATORS, RANKINGS
from beffroi.domains.waste.rules import RULES
from beffroi.domains.waste.types import WASTE_CONTAINER
from beffroi.sdk.declarations import Domain, Pillar
from beffroi.sdk.declarations import translatable as _

DOMAIN = Domain(
    key="waste",
    label=_("Waste"),
    description=_("Containers for waste and recycling: which are full, which can wait."),
    pillar=Pillar.RESOURCES,
    asset_types=(WASTE_CONTAINER,),
    rules=RULES,
    indicators=INDICATORS,
    rankings=RANKINGS,
    fleets=FLEETS,
    icon="bin",
    order=50,
)
