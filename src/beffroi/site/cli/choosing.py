"""Which territory a command is about."""

from __future__ import annotations

from beffroi.foundation.territories.api import (
    TerritoryCard,
    territories_all,
    territory_by_slug,
)
from beffroi.kernel.errors import InvalidInput


def chosen_territory(slug: str | None) -> TerritoryCard:
    """Return the territory a person names, or the only one there is.

    Raises:
        TerritoryNotFound: the name is unknown.
        InvalidInput: none is named and there are several, or none.
    """
    if slug:
        return territory_by_slug(slug)
    everything = list(territories_all())
    if len(everything) == 1:
        return everything[0]
    raise InvalidInput(
        "This installation has {count} territories; say which one.",
        field="--territory",
        way_out="Choose among: {names}.",
        params={
            "count": len(everything),
            "names": ", ".join(card.slug for card in everything) or "beffroi init",
        },
    )
