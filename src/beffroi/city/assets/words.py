"""How the words of an asset are written so that a search finds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from beffroi.city.basemap.api import plain

MAX_SEARCH_TEXT = 500
_ADDRESS_WORDS = frozenset({"address", "adresse", "street", "rue", "voie", "nomvoie"})


def search_text(*, name: str, external_key: str, properties: Mapping[str, Any]) -> str:
    """Return what a search of an asset looks into: its name, its key, its address.

    The parts are separated by a line feed, which nobody types.
    """
    parts = [plain(name), plain(external_key)]
    parts.extend(
        plain(str(value))
        for key, value in properties.items()
        if value and not _ADDRESS_WORDS.isdisjoint(key.split("_"))
    )
    return "\n".join(parts)[:MAX_SEARCH_TEXT]
