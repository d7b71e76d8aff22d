"""Public space: trees, fountains and defibrillators."""

from __future__ import annotations

from beffroi.domains.public_space.indicators import INDICATORS
from beffroi.domains.public_space.types import (
    DEFIBRILLATOR,
    DRINKING_FOUNTAIN,
    ORNAMENTAL_FOUNTAIN,
    STREET_TREE,
)
from beffroi.sdk.declarations import Domain, Pillar
from beffroi.sdk.declarations import translatable as _

DOMAIN = Domain(
    key="public_space",
    label=_("Public space"),
    description=_("Trees, fountains and defibrillators that the town looks after."),
    pillar=Pillar.WELL_BEING,
    asset_types=(STREET_TREE, DRINKING_FOUNTAIN, ORNAMENTAL_FOUNTAIN, DEFIBRILLATOR),
    indicators=INDICATORS,
    icon="tree",
    order=60,
)
