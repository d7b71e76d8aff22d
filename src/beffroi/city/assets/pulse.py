"""What the pulse does for assets."""

from __future__ import annotations

from datetime import datetime, timedelta

from beffroi.city.assets.states import assets_state_refresh
from beffroi.city.assets.uploads import uploads_purge
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.jobs.api import Beat
from beffroi.foundation.territories.api import territories_all


def _states(at: datetime) -> str:
    del at
    changed = 0
    for territory in territories_all():
        with acting_for(territory.id):
            changed += assets_state_refresh()
    return f"{changed} assets changed state" if changed else ""


def _uploads(at: datetime) -> str:
    gone = 0
    for territory in territories_all():
        with acting_for(territory.id):
            gone += uploads_purge(at=at)
    return f"{gone} uploaded files purged" if gone else ""


BEATS = (
    Beat(key="assets.states", every=timedelta(minutes=1), run=_states),
    Beat(key="assets.uploads", every=timedelta(hours=1), run=_uploads),
)
