"""What the pulse does for this room."""

from __future__ import annotations

from datetime import datetime, timedelta

from beffroi.city.ingest.claims import claims_settle
from beffroi.city.ingest.retention import messages_purge
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.jobs.api import Beat
from beffroi.foundation.territories.api import territories_all


def settle(_at: datetime) -> str:
    """Decode what claims have left, in every territory."""
    messages = 0
    for territory in territories_all():
        with acting_for(territory.id):
            messages += claims_settle().messages
    return f"{messages} kept messages decoded" if messages else ""


def purge(at: datetime) -> str:
    """Remove messages that are older than the installation keeps them."""
    removed = 0
    for territory in territories_all():
        count = 1
        while count:
            with acting_for(territory.id):
                count = messages_purge(at=at)
            removed += count
    return f"{removed} old messages removed" if removed else ""


BEATS = (
    Beat(key="ingest.settle", every=timedelta(minutes=1), run=settle),
    Beat(key="ingest.purge", every=timedelta(hours=6), run=purge),
)
