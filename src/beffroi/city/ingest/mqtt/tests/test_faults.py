"""Killed and cut: what the broker has taken is stored once; a hasty acknowledgement is caught."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest

from beffroi.city.ingest.models import Message
from beffroi.city.ingest.mqtt.testing import Mosquitto, patiently, subscribing, wired
from beffroi.city.ingest.mqtt.tests.test_subscriber import (
    DEVICE,
    connected,
    count,
    publish,
    stored,
    subscribe,
)
from beffroi.city.ingest.testing import MadeSource, make_source, tiny_message
from beffroi.city.ingest.tests.test_door import station, values
from beffroi.city.ingest.tests.test_faults import blocked_writers
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.database.testing import TestDatabase
from beffroi.foundation.territories.models import Territory
from beffroi.kernel.clock import now


@contextmanager
def process(database: TestDatabase, *, hasty: bool = False) -> Iterator[subprocess.Popen[bytes]]:
    """Run a subscriber of its own."""
    running = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [
            sys.executable,
            "-m",
            "beffroi.city.ingest.mqtt.tests.killable_subscriber",
            "hasty" if hasty else "in order",
        ],
        env={
            **os.environ,
            "DATABASE_URL": database.urls.application,
            "DJANGO_SETTINGS_MODULE": "beffroi.site.settings",
        },
    )
    try:
        yield running
    finally:
        running.kill()
        running.wait()


@pytest.mark.parametrize(("hasty", "kept"), [(False, 40), (True, 0)])
def test_killed_before_its_commit_a_subscriber_has_acknowledged_nothing(
    town: Territory,
    source: MadeSource,
    mosquitto: Mosquitto,
    test_database: TestDatabase,
    *,
    hasty: bool,
    kept: int,
) -> None:
    station(town, DEVICE)
    broker = subscribe(source, mosquitto, "net/#")
    sent = [
        ("net/a", tiny_message(DEVICE, now() - timedelta(seconds=back), hex="00d7"))
        for back in range(40)
    ]
    with process(test_database, hasty=hasty) as running:
        connected(town, broker)
        with psycopg.connect(test_database.administrator) as admin:
            admin.execute("LOCK TABLE series_latest IN ACCESS EXCLUSIVE MODE")
            assert len(publish(mosquitto, sent)) == 40
            blocked_writers(admin)
            patiently(lambda: _waiting(test_database) == 40, complaint="not all received")
            running.kill()
            running.wait()
    # The server's side of the connection ends once it notices; until then it may hold the rows.
    patiently(lambda: _sessions(test_database) == 0, complaint="still connected")
    with subscribing():
        connected(town, broker)
        stored(town, kept)
        publish(mosquitto, [("net/a", tiny_message(DEVICE, now(), hex="00d7"))])
        stored(town, kept + 1)
    assert count(town) == kept + 1


def _waiting(database: TestDatabase) -> int:
    with psycopg.connect(database.administrator) as admin:
        row = admin.execute("SELECT coalesce(sum(waiting), 0) FROM ingest_broker_state").fetchone()
    return int(row[0]) if row is not None else 0


def _sessions(database: TestDatabase) -> int:
    with psycopg.connect(database.administrator) as admin:
        row = admin.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name LIKE 'beffroi mqtt%'"
        ).fetchone()
    return int(row[0]) if row is not None else 0


def test_killed_under_load_every_message_taken_by_the_broker_is_stored_once(
    town: Territory, source: MadeSource, mosquitto: Mosquitto, test_database: TestDatabase
) -> None:
    asset = station(town, DEVICE)
    broker = subscribe(source, mosquitto, "net/#")
    start = now()
    sent = [
        ("net/a", tiny_message(DEVICE, start - timedelta(seconds=back), hex="00d7"))
        for back in range(6_000)
    ]
    taken: list[int] = []
    publishing = threading.Thread(target=lambda: taken.extend(publish(mosquitto, sent)))
    with process(test_database) as running:
        connected(town, broker)
        publishing.start()
        patiently(lambda: count(town) >= 300, complaint="nothing is stored")
        running.kill()
        running.wait()
    after = count(town)
    with process(test_database):
        publishing.join()
        stored(town, 6_000)
    assert len(taken) == 6_000
    assert 300 <= after < 6_000
    assert count(town) == 6_000
    assert len(values(town, asset)["temperature"]) == 6_000


def test_a_value_without_time_given_again_after_a_kill_is_stored_once(
    town: Territory, mosquitto: Mosquitto, test_database: TestDatabase
) -> None:
    source = make_source(town, connector="plain_json")
    broker = subscribe(source, mosquitto, "m/{device}/{measure}")
    sent = [(f"m/capteur-{rank % 7}/level", str(rank).encode()) for rank in range(3_000)]
    with process(test_database) as running:
        connected(town, broker)
        publishing = threading.Thread(target=publish, args=(mosquitto, sent))
        publishing.start()
        patiently(lambda: count(town) >= 300, complaint="nothing is stored")
        running.kill()
        running.wait()
        publishing.join()
    patiently(lambda: _sessions(test_database) == 0, complaint="still connected")
    with subscribing() as subscriber:
        connected(town, broker)
        stored(town, 3_000)
        patiently(lambda: subscriber.waiting == 0, complaint="some wait")
    assert count(town) == 3_000


def test_a_wire_that_is_cut_loses_and_doubles_nothing(
    town: Territory, source: MadeSource, mosquitto: Mosquitto
) -> None:
    start = now()
    sent = [
        ("net/a", tiny_message(DEVICE, start - timedelta(seconds=back), hex="00d7"))
        for back in range(4_000)
    ]
    with wired(mosquitto.port) as wire, subscribing() as subscriber:
        broker = subscribe(source, wire, "net/#")
        connected(town, broker)
        publishing = threading.Thread(target=publish, args=(mosquitto, sent))
        publishing.start()
        for enough in (200, 1_500):
            stored(town, enough)
            wire.cut()
            wire.mend()
        publishing.join()
        stored(town, 4_000)
        patiently(lambda: subscriber.waiting == 0, complaint="some wait")
        assert subscriber.received >= 4_000
    with acting_for(town.id):
        keys = list(Message.objects.values_list("key", flat=True))
    assert len(keys) == len(set(keys)) == 4_000
