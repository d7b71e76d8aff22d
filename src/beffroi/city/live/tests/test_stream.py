from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.conf import settings

from beffroi.city.assets.models import Asset
from beffroi.city.assets.testing import make_asset, make_device
from beffroi.city.ingest.testing import LIMIT_S, MadeSource, make_source, post, tiny_message
from beffroi.city.live.hub import mark_of
from beffroi.city.live.tests.conftest import City
from beffroi.foundation.accounts.models import User
from beffroi.foundation.accounts.sessions import end_sessions
from beffroi.foundation.accounts.testing import make_agent, make_session
from beffroi.foundation.database.testing import TestDatabase
from beffroi.foundation.territories.testing import make_area, make_territory
from beffroi.kernel.clock import now

Event = tuple[str, str, Any]


class Stream:
    """The browser's side of one stream."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self._response = response

    def next(self, wanted: str) -> Event:
        """Return the next event of a kind, with its id and content."""
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            name, mark, data = "", "", ""
            while line := self._response.readline().decode().rstrip("\n"):
                key, _, value = line.partition(": ")
                name = value if key == "event" else name
                mark = value if key == "id" else mark
                data = value if key == "data" else data
            if name == wanted:
                return name, mark, json.loads(data)
            if self._response.isclosed():
                break
        raise AssertionError(f"no {wanted} came")

    def changed(self) -> tuple[dict[str, Any], int]:
        """Return the next changes by asset, and their mark."""
        _, mark, data = self.next("change")
        return dict(data), int(mark)

    def until(self, asset: Asset, temperature: float) -> int:
        """Wait for a value; what comes before it may be told again after a cut."""
        while True:
            changes, mark = self.changed()
            readings = changes.get(str(asset.uuid), {})
            if readings.get("temperature", [None])[0] == temperature:
                return mark


@contextmanager
def opened(city: City, session: str, *, query: str = "", mark: int = 0) -> Iterator[Stream]:
    connection = http.client.HTTPConnection("127.0.0.1", city.live, timeout=LIMIT_S)
    headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session}"}
    if mark:
        headers["Last-Event-ID"] = str(mark)
    try:
        connection.request("GET", f"/live/{city.territory.slug}{query}", headers=headers)
        response = connection.getresponse()
        assert response.status == 200, response.read()
        assert response.getheader("Content-Type") == "text/event-stream; charset=utf-8"
        yield Stream(response)
    finally:
        if connection.sock is not None:
            connection.sock.shutdown(socket.SHUT_RDWR)
        connection.close()


def refused(city: City, *, slug: str, headers: dict[str, str], query: str = "") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", city.live, timeout=LIMIT_S)
    connection.request("GET", f"/live/{slug}{query}", headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status


def station(city: City, identifier: str, **fields: Any) -> Asset:
    asset = make_asset(city.territory, type_key="tiny_station", domain_key="tiny", **fields)
    make_device(city.territory, identifier=identifier, asset=asset, codec_key="tiny")
    return asset


def send(city: City, source: MadeSource, identifier: str, tenths: int = 215) -> None:
    message = tiny_message(identifier, now(), hex=f"{tenths:04x}")
    status, answer, _ = post(city.door, source.path, message, headers=source.headers)
    assert (status, answer["accepted"], answer["unclaimed"]) == (200, 1, 0)


@pytest.fixture
def source(city: City) -> MadeSource:
    return make_source(city.territory)


@pytest.fixture
def agent(city: City) -> User:
    return make_agent(city.territory)


def test_a_change_reaches_the_screen_within_two_seconds(
    city: City, source: MadeSource, agent: User
) -> None:
    asset = station(city, "d1")
    with opened(city, make_session(agent)) as stream:
        stream.next("tick")
        sent_at = time.monotonic()
        send(city, source, "d1")
        changes, _mark = stream.changed()
        assert time.monotonic() - sent_at < 2
    value, at, quality = changes[str(asset.uuid)]["temperature"]
    assert (value, quality) == (21.5, 1)
    assert abs(at / 1000 - time.time()) < 60


def test_a_browser_that_comes_back_gets_what_it_missed(
    city: City, source: MadeSource, agent: User
) -> None:
    asset = station(city, "d1")
    session = make_session(agent)
    with opened(city, session) as stream:
        send(city, source, "d1", 200)
        mark = stream.until(asset, 20.0)
    send(city, source, "d1", 201)
    with opened(city, session, mark=mark) as stream:
        assert stream.until(asset, 20.1) > mark


def test_what_was_missed_before_this_process_began_comes_from_the_database(
    city: City, source: MadeSource, agent: User
) -> None:
    asset = station(city, "d1")
    send(city, source, "d1", 199)
    ten_minutes_ago = mark_of(now() - timedelta(minutes=10))
    with opened(city, make_session(agent), query=f"?last_event_id={ten_minutes_ago}") as stream:
        stream.until(asset, 19.9)


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_mark_too_old_or_of_tomorrow_starts_again(city: City, agent: User, hours: int) -> None:
    mark = mark_of(now() + timedelta(hours=hours))
    with opened(city, make_session(agent), mark=mark) as stream:
        stream.next("reset")


def test_an_agent_of_one_area_does_not_receive_another(city: City, source: MadeSource) -> None:
    area, other = make_area(city.territory, name="Nord"), make_area(city.territory, name="Sud")
    near = station(city, "near", area=area)
    far = station(city, "far", area=other)
    limited = make_agent(city.territory, verbs=(), grants=[("assets.see", None, area.pk)])
    whole = make_agent(city.territory)
    with (
        opened(city, make_session(limited)) as narrow,
        opened(city, make_session(whole)) as wide,
    ):
        narrow.next("tick")
        wide.next("tick")
        send(city, source, "far")
        # Negative control: the change is told, to who may see it.
        assert set(wide.changed()[0]) == {str(far.uuid)}
        send(city, source, "near")
        assert set(narrow.changed()[0]) == {str(near.uuid)}


def test_another_territory_is_not_heard(city: City, source: MadeSource, agent: User) -> None:
    elsewhere = make_territory()
    foreign = make_asset(elsewhere, type_key="tiny_station", domain_key="tiny")
    make_device(elsewhere, identifier="d1", asset=foreign, codec_key="tiny")
    asset = station(city, "d1")
    with opened(city, make_session(agent)) as stream:
        stream.next("tick")
        send(city, make_source(elsewhere), "d1")
        send(city, source, "d1")
        assert set(stream.changed()[0]) == {str(asset.uuid)}
    cookie = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={make_session(agent)}"}
    assert refused(city, slug=elsewhere.slug, headers=cookie) == 403


def test_a_page_hears_only_the_assets_it_shows(city: City, source: MadeSource, agent: User) -> None:
    station(city, "d1")
    shown = station(city, "d2")
    with opened(city, make_session(agent), query=f"?assets={shown.uuid}") as stream:
        stream.next("tick")
        send(city, source, "d1")
        send(city, source, "d2")
        assert set(stream.changed()[0]) == {str(shown.uuid)}


def test_an_ended_session_closes_its_stream(city: City, agent: User) -> None:
    with opened(city, make_session(agent)) as stream:
        stream.next("tick")
        end_sessions(agent.pk)
        # Answers are shared for a few seconds between tabs: forget them as time would.
        city.application._sessions._asked.clear()
        assert stream.next("closed")[2] == {"reason": "session"}


def test_who_may_not_see_gets_no_stream(city: City, agent: User) -> None:
    slug = city.territory.slug
    name = settings.SESSION_COOKIE_NAME
    assert refused(city, slug=slug, headers={}) == 401
    assert refused(city, slug=slug, headers={"Cookie": f"{name}=nothing"}) == 403
    weak = make_session(agent, second_factor_shown=False)
    assert refused(city, slug=slug, headers={"Cookie": f"{name}={weak}"}) == 403
    blind = make_session(make_agent(city.territory, verbs=("people.see",)))
    assert refused(city, slug=slug, headers={"Cookie": f"{name}={blind}"}) == 403
    good = {"Cookie": f"{name}={make_session(agent)}"}
    assert refused(city, slug=slug, headers={**good, "Sec-Fetch-Site": "cross-site"}) == 403
    assert refused(city, slug=slug, headers=good, query="?assets=x") == 400
    many = ",".join(["0190163d-8694-739b-aea5-966c26f8ad90"] * 501)
    assert refused(city, slug=slug, headers=good, query=f"?assets={many}") == 400
    assert refused(city, slug=f"{slug}/x", headers=good) == 404


def test_a_lost_listener_is_told_and_nothing_is_missed(
    city: City, source: MadeSource, agent: User, test_database: TestDatabase
) -> None:
    asset = station(city, "d1")
    with opened(city, make_session(agent)) as stream:
        stream.next("tick")
        with psycopg.connect(test_database.administrator, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'beffroi listen' AND datname = current_database()"
            )
        assert stream.next("state")[2] == {"state": "delayed"}
        send(city, source, "d1", 222)
        assert stream.next("state")[2] == {"state": "live"}
        stream.until(asset, 22.2)
