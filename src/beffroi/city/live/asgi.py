"""Server-sent events: ``GET /live/{slug}``, a bare ASGI callable."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import datetime, timedelta
from http.cookies import CookieError, SimpleCookie
from time import monotonic
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import msgspec
from django.conf import settings

from beffroi.city.ingest.api import AWAY, application_conninfo
from beffroi.city.live.clients import Client
from beffroi.city.live.contracts import Changes, View
from beffroi.city.live.hub import Hub, instant_of, mark_of
from beffroi.city.live.sessions import VERB, Sessions, SessionsUnknown
from beffroi.foundation.accounts.contracts import Access
from beffroi.kernel.clock import now

log = logging.getLogger("beffroi.live")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MOST_ASSETS = 500
MOST_CLIENTS = 5_000
HEARTBEAT_S = 15.0
CHECK_S = 60.0
UNKNOWN_FOR_S = 300.0
"""How long a stream outlives a database that cannot say whether its session still holds."""

WRITE_S = 30.0
LOOK_BACK = timedelta(seconds=15)
"""A page that opens its stream was written a moment ago: it is told what changed meanwhile."""

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]


class Refused(Exception):
    """The stream is not opened; ``status`` says why."""

    def __init__(self, status: int, code: str) -> None:
        self.status, self.code = status, code
        super().__init__(code)


class LiveApplication:
    """One live process.

    Args:
        heartbeat_s, check_s: between two heartbeats, and two looks at the session.
        write_s: how long a client may take to accept an event; a slower one is let go, and comes
            back by itself.
    """

    def __init__(
        self,
        *,
        hub: Hub,
        sessions: Sessions,
        heartbeat_s: float = HEARTBEAT_S,
        check_s: float = CHECK_S,
        write_s: float = WRITE_S,
    ) -> None:
        self.hub = hub
        self._sessions = sessions
        self._heartbeat_s = heartbeat_s
        self._check_s = check_s
        self._write_s = write_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] == "lifespan":
            await self._live_and_die(receive, send)
        elif scope["type"] == "http":
            await self._respond(scope, receive, send)
        else:
            raise ValueError(f"no {scope['type']} here")

    def end_streams(self) -> None:
        """Let the server stop: every stream ends and its browser comes back to the next one."""
        self.hub.close_all("stopping")

    async def _live_and_die(self, receive: Receive, send: Send) -> None:
        await receive()
        await self.hub.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.hub.stop()
        self._sessions.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["path"] == "/live/ready":
                await self._say_ready(send)
                return
            request = _Request(scope)
            access = await self._access(request)
            await self._stream(request, access, receive, send)
        except Refused as refusal:
            await _refuse(send, refusal)
        except (TimeoutError, ConnectionError, asyncio.CancelledError):
            return

    async def _access(self, request: _Request) -> Access:
        if self.hub.client_count >= MOST_CLIENTS:
            raise Refused(503, "busy")
        if not request.session_key:
            raise Refused(401, "unauthenticated")
        try:
            access = await self._sessions.access(request.session_key, request.slug)
        except SessionsUnknown:
            raise Refused(503, "database.away") from None
        if access is None:
            raise Refused(403, "forbidden")
        return access

    async def _stream(
        self, request: _Request, access: Access, receive: Receive, send: Send
    ) -> None:
        client = Client(View.of(access.scope(VERB), assets=request.assets))
        self.hub.subscribe(access.territory_id, client)
        leaving = asyncio.create_task(_until_gone(receive, client))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            await self._write(send, b"retry: 3000\n\n")
            mark = mark_of(now())
            client.begin(mark, await self._missed(request, access, client.view))
            await self._serve(request, access, client, send)
            if client.closed != "gone":
                await send({"type": "http.response.body", "body": b""})
        finally:
            leaving.cancel()
            self.hub.unsubscribe(access.territory_id, client)

    async def _serve(self, request: _Request, access: Access, client: Client, send: Send) -> None:
        check_at = monotonic() + self._check_s * random.uniform(0.8, 1)  # noqa: S311 - spreads load
        known_at = monotonic()
        while True:
            for event in client.events():
                await self._write(send, event)
            if client.closed:
                return
            wait = min(self._heartbeat_s, max(0.0, check_at - monotonic()))
            try:
                async with asyncio.timeout(wait):
                    await client.ready.wait()
            except TimeoutError:
                await self._write(send, self._heartbeat())
            if monotonic() >= check_at:
                check_at = monotonic() + self._check_s
                if await self._check(request, access, client):
                    known_at = monotonic()
                elif monotonic() - known_at > UNKNOWN_FOR_S:
                    client.close("unknown")

    async def _check(self, request: _Request, access: Access, client: Client) -> bool:
        """Look at the session again; False when nobody can say."""
        try:
            found = await self._sessions.access(request.session_key, request.slug)
        except SessionsUnknown:
            return False
        if found is None or found.territory_id != access.territory_id:
            client.close("session")
            return True
        view = View.of(found.scope(VERB), assets=request.assets)
        if view != client.view:
            client.view = view
            client.start_again()
        return True

    async def _missed(self, request: _Request, access: Access, view: View) -> Changes | None:
        since = request.since or now() - LOOK_BACK
        try:
            return await self.hub.missed(access.territory_id, view, since=since)
        except AWAY:
            return None if request.since is not None else {}

    async def _write(self, send: Send, octets: bytes) -> None:
        async with asyncio.timeout(self._write_s):
            await send({"type": "http.response.body", "body": octets, "more_body": True})

    def _heartbeat(self) -> bytes:
        # A page cannot see comments: the event tells it that the channel is whole. While this
        # process hears nothing from the database only the connection is kept open.
        if self.hub.listening.is_set():
            return b"event: tick\ndata: {}\n\n"
        return b": beat\n\n"

    async def _say_ready(self, send: Send) -> None:
        content = {"ready": self.hub.listening.is_set(), "clients": self.hub.client_count}
        status = 200 if content["ready"] else 503
        await _answer(send, status, msgspec.json.encode(content), b"application/json")


class _Request:
    """What is asked for.

    Raises:
        Refused: it is not a request for a stream.
    """

    def __init__(self, scope: Scope) -> None:
        words = scope["path"].split("/")
        if len(words) != 3 or words[1] != "live" or not words[2]:
            raise Refused(404, "not_found")
        if scope["method"] != "GET":
            raise Refused(405, "method")
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        if headers.get(b"sec-fetch-site", "same-origin") == "cross-site":
            raise Refused(403, "cross_site")
        query = parse_qs(scope["query_string"].decode("latin-1"))
        self.slug: str = words[2]
        self.session_key = _session_key(headers.get(b"cookie", ""))
        self.assets = _assets(query.get("assets", [""])[0])
        # The browser's own header is newer than what the page wrote in the address.
        marks = (headers.get(b"last-event-id", ""), query.get("last_event_id", [""])[0])
        found = [mark for mark in map(instant_of, marks) if mark is not None]
        self.since: datetime | None = max(found) if found else None


def _session_key(cookies: str) -> str:
    try:
        morsel = SimpleCookie(cookies).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return ""
    return "" if morsel is None else morsel.value


def _assets(text: str) -> frozenset[str] | None:
    if not text:
        return None
    words = text.split(",")
    if len(words) > MOST_ASSETS:
        raise Refused(400, "assets.too_many")
    try:
        return frozenset(str(UUID(word.strip())) for word in words)
    except ValueError:
        raise Refused(400, "assets.form") from None


async def _until_gone(receive: Receive, client: Client) -> None:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            client.close("gone")
            return


async def _refuse(send: Send, refusal: Refused) -> None:
    content = {
        "type": f"urn:beffroi:problem:{refusal.code}",
        "status": refusal.status,
        "code": refusal.code,
        "title": "The stream is not opened.",
    }
    body = msgspec.json.encode(content)
    await _answer(send, refusal.status, body, b"application/problem+json")


async def _answer(send: Send, status: int, body: bytes, content_type: bytes) -> None:
    headers = [
        (b"content-type", content_type),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *([(b"retry-after", b"5")] if status == 503 else []),
        *([(b"allow", b"GET")] if status == 405 else []),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


application = LiveApplication(hub=Hub(url=application_conninfo), sessions=Sessions())
"""What ``servers.run_live`` serves; Django is set up before."""
