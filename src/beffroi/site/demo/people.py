"""The two people of the demo, and the links that sign them in once."""

from __future__ import annotations

from datetime import timedelta

from beffroi.foundation.accounts.api import (
    member_add,
    sign_in_link_create,
)
from beffroi.foundation.territories.api import TerritoryCard
from beffroi.site.links import absolute

PEOPLE = (
    ("operateur@demo.example", "Camille Martin", "operator", "Opératrice"),
    ("admin@demo.example", "Dominique Petit", "administrator", "Administrateur"),
)


def sign_in_links(town: TerritoryCard, *, lifetime: timedelta) -> list[tuple[str, str]]:
    """Return (who, address) for each person, who is made a member on the first run."""
    links: list[tuple[str, str]] = []
    for email, name, preset, label in PEOPLE:
        member_add(town.id, email=email, full_name=name, preset=preset)
        issued = sign_in_link_create(email, ttl=lifetime)
        links.append((label, absolute(issued.path)))
    return links
