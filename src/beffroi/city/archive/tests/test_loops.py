from __future__ import annotations

import threading
from pathlib import Path

import pytest

from beffroi.city.archive.api import Place
from beffroi.city.archive.loops import BEATS, LOOPS, VARIABLE, run_archive
from beffroi.city.archive.tests.conftest import LATER, MAY, month_of_values
from beffroi.city.series.models import Stream
from beffroi.foundation.jobs.api import beat_states, run_due
from beffroi.foundation.territories.api import TerritoryCard


def test_the_worker_archives_and_keeps_how_it_went(
    place: Place, town: TerritoryCard, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, place.name)
    month_of_values(stream)
    assert run_due(BEATS, at=LATER) == ["archive.export", "archive.refresh"]
    folder = Path(place.name) / f"territory={town.slug}" / f"month={MAY}"
    assert (folder / "_manifest.json").exists()
    assert {state.key: state.failures for state in beat_states()} == {
        "archive.export": 0,
        "archive.refresh": 0,
    }


def test_what_cannot_be_archived_is_told(
    stream: Stream, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    taken = tmp_path / "a file"
    taken.write_text("not a folder")
    monkeypatch.setenv(VARIABLE, str(taken))
    month_of_values(stream)
    run_due(BEATS, at=LATER)
    states = {state.key: state for state in beat_states()}
    assert states["archive.export"].failures == 1
    assert "2026-05" in states["archive.export"].last_error


def test_without_a_place_nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    run_archive(threading.Event())  # returns, and would wait for ever otherwise
    assert [loop.key for loop in LOOPS] == ["archive.export"]
