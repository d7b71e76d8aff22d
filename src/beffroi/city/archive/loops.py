"""What a worker does for archives beside its jobs, where ``BEFFROI_ARCHIVE`` names a place.

A month takes minutes: the pulse, which has devices to watch, does not wait for it. How it went is
kept where the pulse keeps how its own beats went.
"""

from __future__ import annotations

import logging
import os
import threading
from datetime import datetime, timedelta

from django.db import connection
from django.db.utils import DatabaseError

from beffroi.city.archive import api
from beffroi.foundation.jobs.api import Beat, Loop, run_due
from beffroi.kernel.clock import now

log = logging.getLogger("beffroi.archive")

VARIABLE = "BEFFROI_ARCHIVE"
ADVISORY_LOCK = 0x41524348
"""Key of the lock that the one worker which archives holds ("ARCH")."""

STEP_S = 60.0


_empty: set[tuple[str, api.Month]] = set()
"""Months without a value, as this process found them since the last refresh."""


def _export(at: datetime) -> str:
    done = api.month_export_next(_place(), at=at, empty=_empty)
    return "" if done is None else f"{done.territory} {done.month} archived, {done.rows} values"


def _refresh(at: datetime) -> str:
    _empty.clear()
    done = api.months_refresh(_place(), at=at)
    return ", ".join(f"{item.territory} {item.month} archived again" for item in done)


def _place() -> api.Place:
    return api.place_open(os.environ[VARIABLE].strip())


BEATS = (
    Beat(key="archive.export", every=timedelta(minutes=2), run=_export),
    Beat(key="archive.refresh", every=timedelta(days=1), run=_refresh),
)


def run_archive(stop: threading.Event) -> None:
    """Archive what is due, one month after another, until ``stop`` is set; one worker at a time."""
    if not os.environ.get(VARIABLE, "").strip():
        return
    holds_lock = False
    while not stop.is_set():
        try:
            if not holds_lock:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_try_advisory_lock(%s)", [ADVISORY_LOCK])
                    holds_lock = cursor.fetchone() == (True,)
            if holds_lock:
                run_due(BEATS, at=now())
        except DatabaseError as problem:
            log.warning("the database does not answer: %s", problem)
            holds_lock = False
            connection.close()
        stop.wait(STEP_S)
    connection.close()


LOOPS = (Loop(key="archive.export", run=run_archive),)
