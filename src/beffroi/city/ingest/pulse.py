"""What the pulse does for this room."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.utils import OperationalError

from beffroi.city.ingest.claims import claims_settle, held_settle
from beffroi.city.ingest.retention import messages_purge
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.jobs.api import Beat
from beffroi.foundation.territories.api import territories_all

log = logging.getLogger("beffroi.ingest")


def settle(_at: datetime) -> str:
    """Decode what claims, and scripts that were left aside, have left, in every territory."""
    messages = _in_every_territory(lambda: claims_settle().plus(held_settle()).messages)
    return f"{messages} kept messages decoded" if messages else ""


def purge(at: datetime) -> str:
    """Remove messages that are older than the installation keeps them."""
    removed = _in_every_territory(lambda: messages_purge(at=at), until_nothing=True)
    return f"{removed} old messages removed" if removed else ""


def _in_every_territory(work: Callable[[], int], *, until_nothing: bool = False) -> int:
    """Do a piece of work in each territory; one that fails is told at the end, after the others."""
    total = 0
    failure: Exception | None = None
    for territory in territories_all():
        try:
            count = 1
            while count:
                with acting_for(territory.id):
                    count = work()
                total += count
                if not until_nothing:
                    break
        except OperationalError:
            raise
        except Exception as problem:
            log.exception("%s is left as it was", territory.slug)
            failure = problem
    if failure is not None:
        raise failure
    return total


BEATS = (
    Beat(key="ingest.settle", every=timedelta(minutes=1), run=settle),
    Beat(key="ingest.purge", every=timedelta(hours=6), run=purge),
)
