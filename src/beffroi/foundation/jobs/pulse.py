"""The pulse: one process that does what time asks for.

Any number may run against one database; an advisory lock lets one beat and the others wait,
ready to take over when its connection ends.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from datetime import datetime, timedelta
from importlib import import_module
from importlib.util import find_spec

from django.apps import apps
from django.db import connection, transaction
from django.db.utils import DatabaseError

from beffroi.foundation.jobs.contracts import Beat, BeatState
from beffroi.foundation.jobs.models import BeatRun
from beffroi.kernel import clock

log = logging.getLogger("beffroi.pulse")

ADVISORY_LOCK = 0x42454646
"""Key of the lock that the beating pulse holds ("BEFF")."""

LONGEST_BACK_OFF = timedelta(minutes=15)


def declared_beats() -> list[Beat]:
    """Return the beats of every installed app, by key.

    Raises:
        ValueError: two apps declare the same key.
    """
    beats: dict[str, Beat] = {}
    for config in apps.get_app_configs():
        name = f"{config.name}.pulse"
        if not config.name.startswith("beffroi.") or find_spec(name) is None:
            continue
        for beat in getattr(import_module(name), "BEATS", ()):
            if beat.key in beats:
                raise ValueError(f"the beat {beat.key} is declared twice")
            beats[beat.key] = beat
    return [beats[key] for key in sorted(beats)]


def beat_states() -> list[BeatState]:
    """Return how each beat last went."""
    return [
        BeatState(
            key=run.key,
            started_at=run.started_at,
            finished_at=run.finished_at,
            failures=run.failures,
            last_error=run.last_error,
        )
        for run in BeatRun.objects.order_by("key")
    ]


def run_due(beats: Iterable[Beat], *, at: datetime) -> list[str]:
    """Run every beat that is due and return the keys of those that ran.

    A beat that fails is logged, kept with its error, and tried again later and later.
    """
    known = {state.key: state for state in beat_states()}
    done: list[str] = []
    for beat in beats:
        last = known.get(beat.key)
        due_at = _due_at(beat, last) if last is not None else None
        if due_at is not None and at < due_at:
            continue
        _run_one(beat, at=at, failures=last.failures if last else 0)
        done.append(beat.key)
    return done


def _due_at(beat: Beat, last: BeatState) -> datetime | None:
    """Return when a beat is due, or None for at once."""
    if last.started_at is None:
        return None
    if last.failures:
        wait = min(beat.every * (1 << min(last.failures, 10)), max(LONGEST_BACK_OFF, beat.every))
        return last.started_at + wait
    return (last.finished_at or last.started_at) + beat.every


def _run_one(beat: Beat, *, at: datetime, failures: int) -> None:
    with transaction.atomic():
        BeatRun.objects.update_or_create(key=beat.key, defaults={"started_at": at})
    try:
        sentence = beat.run(at)
    except Exception as problem:
        log.exception("%s failed", beat.key)
        BeatRun.objects.filter(key=beat.key).update(
            failures=failures + 1, last_error=f"{type(problem).__name__}: {problem}"[:2000]
        )
        return
    BeatRun.objects.filter(key=beat.key).update(finished_at=clock.now(), failures=0, last_error="")
    if sentence:
        # Every minute, under whatever the terminal shows: only for who asks for it.
        log.debug("%s: %s", beat.key, sentence)


def run_pulse(stop: threading.Event, *, step: timedelta = timedelta(seconds=1)) -> None:
    """Beat until ``stop`` is set; survive the database's absences."""
    beats = declared_beats()
    holds_lock = False
    while not stop.is_set():
        try:
            if not holds_lock:
                holds_lock = _try_lock()
            if holds_lock:
                run_due(beats, at=clock.now())
        except DatabaseError as problem:
            log.warning("the database does not answer: %s", problem)
            holds_lock = False
            connection.close()
        stop.wait(step.total_seconds())
    connection.close()


def _try_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [ADVISORY_LOCK])
        row = cursor.fetchone()
    return bool(row and row[0])
