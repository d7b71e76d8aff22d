"""What the pulse does for this room."""

from __future__ import annotations

from datetime import datetime, timedelta

from beffroi.foundation.database.api import acting_for
from beffroi.foundation.jobs.api import Beat
from beffroi.foundation.messaging.retention import CHUNK, deliveries_purge
from beffroi.foundation.territories.api import territories_all


def purge(at: datetime) -> str:
    """Remove old deliveries in every territory."""
    total = 0
    for territory in territories_all():
        count = CHUNK
        while count >= CHUNK:
            with acting_for(territory.id):
                count = deliveries_purge(at=at)
            total += count
    return f"{total} old deliveries removed" if total else ""


BEATS = (Beat(key="messaging.purge", every=timedelta(hours=1), run=purge),)
