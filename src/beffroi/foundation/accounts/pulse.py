"""What the pulse does for this room."""

from __future__ import annotations

from datetime import datetime, timedelta

from beffroi.foundation.accounts.retention import (
    accounts_erase,
    links_purge,
    sessions_purge,
    territory_purge,
)
from beffroi.foundation.jobs.api import Beat
from beffroi.foundation.territories.api import territories_all


def purge(at: datetime) -> str:
    """Erase what has passed its time, in every territory and beside them."""
    sessions, rows = sessions_purge(at=at), links_purge(at=at)
    rows += sum(territory_purge(territory.id, at=at) for territory in territories_all())
    erased = accounts_erase()
    if not sessions + rows + erased:
        return ""
    return f"{sessions} sessions, {rows} links and places, {erased} accounts erased"


BEATS = (Beat(key="accounts.purge", every=timedelta(hours=6), run=purge),)
