"""Many viewers, slow ones, and a database that goes away under all of them."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from beffroi.city.ingest.testing import LIMIT_S, make_source, post, tiny_message
from beffroi.city.live import hub as hub_module
from beffroi.city.live.hub import Hub
from beffroi.city.live.tests.conftest import City
from beffroi.city.live.tests.test_stream import opened, send, station
from beffroi.foundation.accounts.models import Grant
from beffroi.foundation.accounts.testing import make_agent, make_session
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.database.testing import TestDatabase
from beffroi.kernel.clock import frozen_at, now

VIEWERS = 200


@contextmanager
def viewer(city: City, session: str, *, buffer: int = 0) -> Iterator[socket.socket]:
    with socket.socket() as opened_socket:
        if buffer:
            opened_socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        opened_socket.settimeout(LIMIT_S)
        opened_socket.connect(("127.0.0.1", city.live))
        opened_socket.sendall(
            f"GET /live/{city.territory.slug} HTTP/1.1\r\nHost: x\r\n"
            f"Cookie: {settings.SESSION_COOKIE_NAME}={session}\r\n\r\n".encode()
        )
        yield opened_socket


def heard(opened_socket: socket.socket, wanted: bytes) -> bytes:
    """Read until something comes; return all that was read."""
    read = b""
    while wanted not in read:
        part = opened_socket.recv(65_536)
        assert part, "the stream ended"
        read += part
    return read


def clients(city: City) -> int:
    asked = http.client.HTTPConnection("127.0.0.1", city.live, timeout=LIMIT_S)
    asked.request("GET", "/live/ready")
    found: int = json.loads(asked.getresponse().read())["clients"]
    asked.close()
    return found


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not true():
        assert time.monotonic() < deadline, "it did not come about"


def test_two_hundred_viewers_hear_one_change_by_one_listen(
    city: City, test_database: TestDatabase
) -> None:
    asset = station(city, "d1")
    source = make_source(city.territory)
    sessions = [make_session(make_agent(city.territory)) for _ in range(5)]
    with ExitStack() as stack:
        viewers = [
            stack.enter_context(viewer(city, sessions[rank % len(sessions)]))
            for rank in range(VIEWERS)
        ]
        for one in viewers:
            heard(one, b"event: tick")
        assert clients(city) == VIEWERS
        with psycopg.connect(test_database.administrator) as admin:
            listening = admin.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND query = 'LISTEN beffroi_live'"
            ).fetchone()
        assert listening == (1,)
        send(city, source, "d1")
        for one in viewers:
            assert str(asset.uuid).encode() in heard(one, b"21.5")
    until(lambda: clients(city) == 0)


def test_a_client_that_does_not_read_is_let_go_and_keeps_nobody_waiting(city: City) -> None:
    city.application._write_s = 0.3
    session = make_session(make_agent(city.territory))
    hub = city.application.hub
    loop = hub._tasks[0].get_loop()
    payload = json.dumps(
        {
            "t": city.territory.id,
            "c": [[str(UUID(int=n)), "tiny", None, {"m" * 40: [n, 0, 1]}] for n in range(4_000)],
        }
    )
    with viewer(city, session, buffer=4_096), opened(city, session) as reading:
        reading.next("tick")
        until(lambda: clients(city) == 2)

        def let_go() -> bool:
            loop.call_soon_threadsafe(hub.heard, payload)
            assert len(reading.changed()[0]) == 4_000
            return clients(city) == 1

        until(let_go)
    until(lambda: clients(city) == 0)


def test_a_role_that_changes_makes_the_page_load_again(city: City) -> None:
    agent = make_agent(city.territory)
    station(city, "d1")
    with opened(city, make_session(agent)) as stream:
        stream.next("tick")
        with acting_for(city.territory.id):
            changed = Grant.objects.filter(verb="assets.see").update(domain="waste")
        assert changed
        city.application._sessions._asked.clear()
        stream.next("reset")


def test_a_database_that_restarts_is_survived_by_every_stream(
    city: City, test_database: TestDatabase
) -> None:
    asset = station(city, "d1")
    source = make_source(city.territory)
    with opened(city, make_session(make_agent(city.territory))) as stream:
        stream.next("tick")
        with psycopg.connect(test_database.administrator, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        connection.close()
        city.application._sessions._asked.clear()
        assert stream.next("state")[2] == {"state": "delayed"}
        assert stream.next("state")[2] == {"state": "live"}
        until(lambda: clients(city) == 1)
        # The door's own connections were cut as well: it says so, and the sender comes back.
        message = tiny_message("d1", now(), hex=f"{233:04x}")
        until(lambda: post(city.door, source.path, message, headers=source.headers)[0] == 200)
        stream.until(asset, 23.3)


def test_what_a_process_remembers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "MOST_IN_RING", 2_000)
    hub = Hub(url=lambda: "")
    start = now()
    for second in range(60):
        with frozen_at(start + timedelta(seconds=second)):
            for territory in (1, 2):
                changes = [
                    [str(UUID(int=second * 1_000 + n)), "d", None, {"m": [1, 0, 1]}]
                    for n in range(100)
                ]
                hub.heard(json.dumps({"t": territory, "c": changes}))
            hub.tell()
    held = [item for territory in hub._territories.values() for item in territory.ring]
    assert sum(len(changes) for _at, changes in held) == hub._in_ring
    assert 0 < hub._in_ring <= 2_000
    assert not any(territory.pending for territory in hub._territories.values())


def test_a_notification_that_cannot_be_read_is_left_out_and_split_ones_are_joined() -> None:
    hub = Hub(url=lambda: "")
    for broken in ("not JSON", "[]", '{"t": 1, "c": [["u", "d", null, [1]]]}', '{"t": 1, "c": 1}'):
        hub.heard(broken)
    parts = [["u", "d", None, {name: [1, 0, 1]}] for name in "ab"]
    hub.heard(json.dumps({"t": 1, "c": parts}))
    assert set(hub._territories[1].pending["u"][2]) == {"a", "b"}
