"""Weather: stations of the town, degree days and rain totals."""

from __future__ import annotations

from beffroi.domains.weather.demo import FLEETS
from beffroi.domains.weather.indicators import INDICATORS, RANKINGS
from beffroi.domains.weather.parameters import PARAMETERS
from beffroi.domains.weather.rules import RULES
from beffroi.domains.weather.types import WEATHER_STATION
from beffroi.sdk.declarations import Domain, Pillar
from beffroi.sdk.declarations import translatable as _

DOMAIN = Domain(
    key="weather",
    label=_("Weather"),
    description=_("The town’s own weather stations: heat, frost, wind and rain."),
    pillar=Pillar.SAFETY,
    asset_types=(WEATHER_STATION,),
    rules=RULES,
    indicators=INDICATORS,
    rankings=RANKINGS,
    fleets=FLEETS,
    parameters=PARAMETERS,
    icon="weather",
    order=40,
)
