from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest

from beffroi.city.ingest.asgi import IngestApplication
from beffroi.city.ingest.intake import Intake
from beffroi.city.ingest.models import Message
from beffroi.city.ingest.testing import (
    LIMIT_S,
    MadeSource,
    make_application,
    post,
    serving,
    tiny_message,
)
from beffroi.city.ingest.tests.test_door import station, values
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.database.testing import TestDatabase
from beffroi.foundation.territories.models import Territory
from beffroi.kernel.clock import now

DEVICE = "a81758fffe000001"
CUT = (OSError, http.client.HTTPException, ValueError)


@contextmanager
def killable(database: TestDatabase) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Run an ingest process of its own; yields its port and the process."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
        descriptor = listening.fileno()
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "beffroi.city.ingest.tests.tiny_server", str(descriptor)],
            pass_fds=[descriptor],
            env={
                **os.environ,
                "DATABASE_URL": database.urls.application,
                "DJANGO_SETTINGS_MODULE": "beffroi.site.settings",
            },
        )
        port = listening.getsockname()[1]
        listening.close()
        try:
            yield port, process
        finally:
            process.kill()
            process.wait()


def blocked_writers(admin: psycopg.Connection[tuple[object, ...]]) -> None:
    """Wait until somebody waits for the lock that this connection holds."""
    with psycopg.connect(admin.info.dsn, password=admin.info.password, autocommit=True) as watch:
        for _ in range(2_000):
            row = watch.execute(
                "SELECT count(*) FROM pg_locks WHERE NOT granted"
                " AND relation = 'series_latest'::regclass"
            ).fetchone()
            if row is not None and row[0]:
                return
            watch.execute("SELECT pg_sleep(0.005)")
    raise AssertionError("nobody waits")


def test_a_process_killed_before_its_commit_has_acknowledged_nothing(
    town: Territory, source: MadeSource, test_database: TestDatabase
) -> None:
    asset = station(town)
    message = tiny_message(DEVICE, now(), hex="00d7")
    outcome: list[str] = []

    def send(port: int) -> None:
        try:
            post(port, source.path, message, headers=source.headers)
            outcome.append("acknowledged")
        except CUT:
            outcome.append("cut")

    with killable(test_database) as (port, process):
        # Held here, the flush has inserted the message and cannot write the latest value.
        with psycopg.connect(test_database.administrator) as admin:
            admin.execute("LOCK TABLE series_latest IN ACCESS EXCLUSIVE MODE")
            sender = threading.Thread(target=send, args=(port,))
            sender.start()
            blocked_writers(admin)
            process.kill()
            process.wait()
            sender.join(LIMIT_S)
        assert outcome == ["cut"]
    with acting_for(town.id):
        # The server's side of the connection ends once it notices; until then nothing is seen.
        assert not Message.objects.exists()
    with serving(make_application()) as (port, _server):
        answer = post(port, source.path, message, headers=source.headers)[1]
    assert answer["accepted"] == 1
    assert values(town, asset)["temperature"] == [21.5]


def test_every_acknowledged_message_survives_a_kill_and_is_stored_once(
    town: Territory, source: MadeSource, test_database: TestDatabase
) -> None:
    station(town)
    start = now()
    messages = [
        tiny_message(DEVICE, start - timedelta(seconds=n), hex="00d7") for n in range(4_000)
    ]
    acknowledged: list[str] = []
    enough = threading.Event()

    def send(port: int, part: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
        for message in messages[part::4]:
            try:
                connection.request(
                    "POST", source.path, body=json.dumps(message), headers=source.headers
                )
                response = connection.getresponse()
                response.read()
            except CUT:
                break
            if response.status == 200:
                acknowledged.append(message["key"])
            if len(acknowledged) >= 200:
                enough.set()
        connection.close()
        enough.set()

    with killable(test_database) as (port, process):
        senders = [threading.Thread(target=send, args=(port, part)) for part in range(4)]
        for sender in senders:
            sender.start()
        assert enough.wait(LIMIT_S * 2)
        process.kill()
        process.wait()
        for sender in senders:
            sender.join(LIMIT_S)
    assert 200 <= len(acknowledged) < len(messages)
    with acting_for(town.id):
        stored = list(Message.objects.values_list("key", flat=True))
    assert len(stored) == len(set(stored))
    assert set(acknowledged) <= set(stored)


def test_without_a_database_the_sender_is_told_to_come_back() -> None:
    intake = Intake(url=lambda: "host=/nowhere dbname=none", unseal=lambda _sealed, _source: "")
    with serving(IngestApplication(intake)) as (port, _server):
        status, answer, headers = post(port, "/ingest/tiny/" + "x" * 20, {}, headers={})
    assert (status, answer["code"], headers["retry-after"]) == (503, "database.away", "5")


@pytest.mark.parametrize("most", [1])
def test_beyond_what_a_process_holds_the_sender_is_told_to_come_back(
    town: Territory, source: MadeSource, test_database: TestDatabase, most: int
) -> None:
    station(town)
    first: list[int] = []
    with serving(make_application(max_deliveries=most)) as (port, _server):

        def send() -> None:
            message = tiny_message(DEVICE, now(), hex="00d7")
            first.append(post(port, source.path, message, headers=source.headers)[0])

        with psycopg.connect(test_database.administrator) as admin:
            admin.execute("LOCK TABLE series_latest IN ACCESS EXCLUSIVE MODE")
            sender = threading.Thread(target=send)
            sender.start()
            blocked_writers(admin)
            message = tiny_message(DEVICE, now(), hex="00d8")
            status, answer, headers = post(port, source.path, message, headers=source.headers)
        sender.join(LIMIT_S)
    assert (status, answer["code"], headers["retry-after"]) == (503, "busy", "1")
    assert first == [200]
