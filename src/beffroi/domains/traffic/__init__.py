"""Traffic: counters, crossroads with signals, pedestrian crossings."""

from __future__ import annotations

from beffroi.domains.traffic.demo import FLEETS
from beffroi.domains.traffic.indicators import INDICATORS, RANKINGS
from beffroi.domains.traffic.rules import RULES
from beffroi.domains.traffic.types import PEDESTRIAN_CROSSING, TRAFFIC_COUNTER, TRAFFIC_SIGNAL
from beffroi.sdk.declarations import Domain, Pillar
from beffroi.sdk.declarations import translatable as _

DOMAIN = Domain(
    key="traffic",
    label=_("Traffic"),
    description=_("Counters, crossroads with signals and crossings: how the streets flow."),
    pillar=Pillar.TRANSPORT,
    asset_types=(TRAFFIC_COUNTER, TRAFFIC_SIGNAL, PEDESTRIAN_CROSSING),
    rules=RULES,
    indicators=INDICATORS,
    rankings=RANKINGS,
    fleets=FLEETS,
    icon="traffic",
    order=25,
)
