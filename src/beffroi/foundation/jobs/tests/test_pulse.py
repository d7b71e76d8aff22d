from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections

from beffroi.foundation.jobs.api import Beat, beat_states, declared_beats, run_due, run_pulse
from beffroi.foundation.jobs.pulse import ADVISORY_LOCK

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Counter:
    """A beat that counts its runs, and fails when told to."""

    def __init__(self) -> None:
        self.runs: list[datetime] = []
        self.broken = False

    def __call__(self, at: datetime) -> str:
        self.runs.append(at)
        if self.broken:
            raise RuntimeError("the store is closed")
        return "done"

    def beat(self, *, minutes: int = 1) -> Beat:
        return Beat(key="test.count", every=timedelta(minutes=minutes), run=self)


@pytest.mark.django_db
def test_a_beat_runs_when_due_and_not_before() -> None:
    counter = Counter()
    beats = [counter.beat()]
    assert run_due(beats, at=NOON) == ["test.count"]
    assert run_due(beats, at=NOON + timedelta(seconds=1)) == []
    (state,) = beat_states()
    assert state.finished_at is not None
    assert run_due(beats, at=state.finished_at + timedelta(minutes=1)) == ["test.count"]
    assert len(counter.runs) == 2


@pytest.mark.django_db
def test_a_failing_beat_is_kept_with_its_error_and_tried_later_and_later() -> None:
    counter = Counter()
    counter.broken = True
    beats = [counter.beat()]
    run_due(beats, at=NOON)
    (state,) = beat_states()
    assert state.failures == 1
    assert state.last_error == "RuntimeError: the store is closed"
    assert run_due(beats, at=NOON + timedelta(seconds=90)) == []
    assert run_due(beats, at=NOON + timedelta(minutes=2)) == ["test.count"]
    counter.broken = False
    assert run_due(beats, at=NOON + timedelta(minutes=7)) == ["test.count"]
    (state,) = beat_states()
    assert (state.failures, state.last_error) == (0, "")


@pytest.mark.django_db
def test_an_ordinary_beat_is_not_told_under_the_terminal_and_a_failure_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    counter = Counter()
    with caplog.at_level(logging.DEBUG, logger="beffroi.pulse"):
        run_due([counter.beat()], at=NOON)
        counter.broken = True
        run_due([counter.beat()], at=NOON + timedelta(days=3_650))
    told = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert told == [("DEBUG", "test.count: done"), ("ERROR", "test.count failed")]


@pytest.mark.django_db
def test_beats_have_unique_keys_and_sensible_periods() -> None:
    beats = declared_beats()
    assert len(beats) > 3
    assert all(beat.every >= timedelta(seconds=1) for beat in beats)


@pytest.mark.django_db(transaction=True)
def test_a_second_pulse_waits_while_another_holds_the_lock() -> None:
    holder = connections.create_connection("default")
    with holder.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [ADVISORY_LOCK])
    stop = threading.Event()
    waiting = threading.Thread(
        target=run_pulse, args=(stop,), kwargs={"step": timedelta(milliseconds=20)}
    )
    waiting.start()
    try:
        stop.wait(0.3)
        assert beat_states() == []
    finally:
        stop.set()
        waiting.join()
        holder.close()
