from __future__ import annotations

from beffroi.foundation.territories.reference.reader import (
    EDITION,
    CommuneFacts,
    DepartementFacts,
    EpciFacts,
    RegionFacts,
    commune,
    communes,
    departement,
    departements,
    epci,
    epcis,
    fingerprint,
    members,
    region,
    regions,
    search,
)

__all__ = [
    "EDITION",
    "CommuneFacts",
    "DepartementFacts",
    "EpciFacts",
    "RegionFacts",
    "commune",
    "communes",
    "departement",
    "departements",
    "epci",
    "epcis",
    "fingerprint",
    "members",
    "region",
    "regions",
    "search",
]
