"""Air quality outdoors and indoors, and the codecs of two families of radio sensors."""

from __future__ import annotations

from beffroi.domains.air_quality.codecs import CODECS
from beffroi.domains.air_quality.demo import FLEETS
from beffroi.domains.air_quality.indicators import INDICATORS, RANKINGS
from beffroi.domains.air_quality.parameters import PARAMETERS
from beffroi.domains.air_quality.rules import RULES
from beffroi.domains.air_quality.types import AIR_STATION, INDOOR_SENSOR, SENSOR_NODE
from beffroi.sdk.declarations import Domain, Pillar
from beffroi.sdk.declarations import translatable as _

DOMAIN = Domain(
    key="air_quality",
    label=_("Air quality"),
    description=_("Outdoor stations and indoor sensors: what people breathe."),
    pillar=Pillar.HEALTH,
    asset_types=(AIR_STATION, INDOOR_SENSOR, SENSOR_NODE),
    codecs=CODECS,
    rules=RULES,
    indicators=INDICATORS,
    rankings=RANKINGS,
    parameters=PARAMETERS,
    fleets=FLEETS,
    icon="air",
    order=30,
)
