"""Street lighting: control cabinets and light points."""

from __future__ import annotations

from beffroi.domains.street_lighting.demo import FLEETS
from beffroi.domains.street_lighting.indicators import INDICATORS, RANKINGS
from beffroi.domains.street_lighting.parameters import PARAMETERS
from beffroi.domains.street_lighting.rules import RULES
from beffroi.domains.street_lighting.types import LIGHT_POINT, LIGHTING_CABINET
from beffroi.sdk.declarations import Domain, Pillar
from beffroi.sdk.declarations import translatable as _

DOMAIN = Domain(
    key="street_lighting",
    label=_("Street lighting"),
    description=_("Lamps and control cabinets: what burns, what has failed, what it uses."),
    pillar=Pillar.RESOURCES,
    asset_types=(LIGHTING_CABINET, LIGHT_POINT),
    rules=RULES,
    indicators=INDICATORS,
    rankings=RANKINGS,
    parameters=PARAMETERS,
    fleets=FLEETS,
    icon="lamp",
    order=10,
)
