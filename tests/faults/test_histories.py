"""Acknowledged means stored once, and nothing else is stored: whatever breaks meanwhile."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from history import History
from installation import patiently
from pytest_django import DjangoDbBlocker
from scene import Scene, end, senders, wait_for

FAKETIME = "faketime/libfaketime.so.1"


@pytest.fixture(scope="module")
def scene(django_db_blocker: DjangoDbBlocker) -> Iterator[Scene]:
    folder = Path(tempfile.mkdtemp(prefix="beffroi-faults-"))
    folder.chmod(0o711)
    with django_db_blocker.unblock():  # a database of its own, which nothing else uses
        made = Scene(folder)
    yield made
    made.close()


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history.jsonl")


@pytest.fixture
def two(scene: Scene) -> Iterator[Scene]:
    """The scene with two processes and nothing stored."""
    scene.forget()
    for _ in range(2):
        scene.ingest()
    yield scene
    while scene.ingests:
        scene.ingests.pop().kill()


@pytest.fixture
def careless(scene: Scene, request: pytest.FixtureRequest) -> Iterator[Scene]:
    """The scene with one process in which a fault is planted."""
    scene.forget()
    scene.ingest(program="careless_ingest.py", environment={"CARELESS": request.param})
    yield scene
    while scene.ingests:
        scene.ingests.pop().kill()


def test_killed_ingest_processes_and_a_killed_database(two: Scene, history: History) -> None:
    started = senders(two, history)
    for round_ in range(3):
        wait_for(history, 200)
        two.ingests[round_ % 2].kill()
        two.ingests[round_ % 2].start_again()
        wait_for(history, 200)
        two.kill_database()
    wait_for(history, 200)
    end(started)
    assert two.judge(history).right


def test_a_database_that_is_restarted(two: Scene, history: History) -> None:
    started = senders(two, history)
    for _ in range(2):
        wait_for(history, 200)
        two.restart_database()
    wait_for(history, 200)
    end(started)
    assert two.judge(history).right


def test_connections_that_the_database_ends_one_by_one(two: Scene, history: History) -> None:
    started = senders(two, history)
    with psycopg.connect(two.administrator_url, autocommit=True) as admin:
        for _ in range(20):
            wait_for(history, 20)
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'beffroi ingest' ORDER BY random() LIMIT 1"
            )
    end(started)
    assert two.judge(history).right


def test_a_clock_that_jumps(scene: Scene, history: History, tmp_path: Path) -> None:
    scene.forget()
    offset = tmp_path / "offset"
    offset.write_text("+0\n")
    scene.ingest(
        environment={
            "LD_PRELOAD": str(next(Path("/usr/lib").glob(f"*/{FAKETIME}"))),
            "FAKETIME_TIMESTAMP_FILE": str(offset),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
    )
    try:
        started = senders(scene, history)
        for jump in ("+1h", "-1h", "-4h", "+0", "+400d", "+0"):
            wait_for(history, 100)
            offset.write_text(f"{jump}\n")
        wait_for(history, 100)
        end(started)
        found = scene.judge(history)
        assert found.right
        # The messages are three hours old: to a clock that is four hours late they are to come.
        assert found.quarantined
    finally:
        scene.ingests.pop().kill()


def test_a_disk_that_is_full(history: History, django_db_blocker: DjangoDbBlocker) -> None:
    if os.geteuid() != 0:
        pytest.skip("only the administrator can make a disk that is small")
    folder = Path(tempfile.mkdtemp(prefix="beffroi-small-"))
    subprocess.run(
        ["/usr/bin/mount", "-t", "tmpfs", "-o", "size=400m,mode=711", "none", folder], check=True
    )
    try:
        with django_db_blocker.unblock():
            scene = Scene(folder)
        try:
            scene.ingest()
            started = senders(scene, history)
            wait_for(history, 200)
            ballast = folder / "ballast"
            with ballast.open("wb") as stream, suppress(OSError):
                while True:
                    stream.write(bytes(64 * 1024))
                    stream.flush()
            refused = history.refused
            for _ in patiently("a full disk refuses nothing"):
                if history.refused > refused + 20:
                    break
            ballast.unlink()
            scene.server.start()  # it may have ended itself, unable to write its log
            wait_for(history, 200)
            end(started)
            assert scene.judge(history).right
        finally:
            scene.stop()
    finally:
        subprocess.run(["/usr/bin/umount", "--lazy", folder], check=True)
        folder.rmdir()


@pytest.mark.parametrize("careless", ["early"], indirect=True)
def test_an_acknowledgement_before_the_commit_is_caught(careless: Scene, history: History) -> None:
    started = senders(careless, history)
    wait_for(history, 100)
    careless.ingests[0].kill()
    end(started)
    found = careless.judge(history)
    assert found.lost
    assert not found.invented


@pytest.mark.parametrize("careless", ["asynchronous"], indirect=True)
def test_a_commit_that_does_not_wait_for_the_disk_is_caught(
    careless: Scene, history: History
) -> None:
    with psycopg.connect(careless.administrator_url, autocommit=True) as admin:
        # What is not waited for is written by and by; here it is given the time to be lost.
        admin.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
        admin.execute("ALTER SYSTEM SET wal_writer_flush_after = '1GB'")
        admin.execute("SELECT pg_reload_conf()")
    try:
        started = senders(careless, history)
        wait_for(history, 300)
        careless.kill_database()
        end(started)
        assert careless.judge(history).lost
    finally:
        with psycopg.connect(careless.administrator_url, autocommit=True) as admin:
            admin.execute("ALTER SYSTEM RESET ALL")
            admin.execute("SELECT pg_reload_conf()")


@pytest.mark.parametrize("careless", ["keyless"], indirect=True)
def test_a_door_without_the_key_is_caught(careless: Scene, history: History) -> None:
    with psycopg.connect(careless.administrator_url, autocommit=True) as admin:
        admin.execute("ALTER TABLE ingest_message DROP CONSTRAINT ingest_message_once")
    try:
        started = senders(careless, history)
        wait_for(history, 200)
        end(started)
        assert careless.judge(history).doubled
    finally:
        careless.forget()
        with psycopg.connect(careless.administrator_url, autocommit=True) as admin:
            admin.execute(
                "ALTER TABLE ingest_message ADD CONSTRAINT ingest_message_once"
                " UNIQUE (territory_id, source_id, key)"
            )
