"""Search by name, identifier or address."""

from __future__ import annotations

from beffroi.city.assets.api import assets_search
from beffroi.city.basemap.api import address_search
from beffroi.foundation.accounts.contracts import Scope
from beffroi.modules.control_room.contracts import Found
from beffroi.modules.control_room.readings import rows_of

LONGEST = 200


def find(text: str, *, scope: Scope, assets: int = 8, places: int = 5) -> Found:
    """Return assets the person may see and places of the town that the words give."""
    asked = " ".join(text.replace("\x00", "").split())[:LONGEST]
    if not asked:
        return Found(text="", assets=(), places=())
    return Found(
        text=asked,
        assets=rows_of(assets_search(asked, scope=scope, limit=assets)),
        places=tuple(address_search(asked, limit=places)),
    )
