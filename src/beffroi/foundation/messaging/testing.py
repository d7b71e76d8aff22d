"""A receiver of webhooks on the loopback, and webhooks, for tests of this room and of others."""

from __future__ import annotations

import dataclasses
import json
import socketserver
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings

from beffroi.foundation.database.api import acting_for
from beffroi.foundation.messaging.contracts import Filters, IssuedWebhook, Topic
from beffroi.foundation.messaging.destinations import Policy, parse_networks
from beffroi.foundation.messaging.posting import Way
from beffroi.foundation.messaging.services import webhook_create
from beffroi.foundation.messaging.topics import topics_declare
from beffroi.foundation.territories.models import Territory

HERE = Way(policy=Policy(parse_networks("127.0.0.0/8, ::1/128")), timeout_s=5.0)
"""A way that allows the loopback, where receivers of tests listen."""

_numbers = count(1)

topics_declare(
    (
        Topic(key="test.happened", label="Essai", help="Un essai a eu lieu."),
        Topic(key="test.other", label="Autre essai", help="Un autre essai a eu lieu."),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """An event of tests."""

    topic: ClassVar[str] = "test.happened"
    number: int = 0
    asset: dict[str, Any] | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Received:
    """One POST as it arrived; names of headers are in lower case."""

    headers: dict[str, str]
    body: bytes

    @property
    def content(self) -> Any:
        """Return the JSON body."""
        return json.loads(self.body)

    @property
    def numbers(self) -> list[int]:
        """Return the numbers of the test events that it carries."""
        return [event["data"]["number"] for event in self.content["events"]]


Reply = tuple[int, dict[str, str], bytes]


@dataclass
class Receiver:
    """What a receiver got, and what it answers: the next of ``replies``, then 204."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    replies: list[int | Reply] = field(default_factory=list)
    meanwhile: Callable[[Received], None] = lambda _received: None
    """Called with what came, before it is answered."""

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.port}/crochet?ville=ici"

    @property
    def numbers(self) -> list[int]:
        """Return the numbers of all test events, in the order they came."""
        return [number for one in self.received for number in one.numbers]


@contextmanager
def receiving(*replies: int | Reply) -> Iterator[Receiver]:
    """Run a receiver."""
    receiver = Receiver(replies=list(replies))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            received = Received(headers, body)
            receiver.received.append(received)
            receiver.meanwhile(received)
            reply = receiver.replies.pop(0) if receiver.replies else 204
            status, extra, content = (reply, {}, b"") if isinstance(reply, int) else reply
            self.send_response(status)
            for name, value in extra.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.port = server.server_address[1]
    with _running(server):
        yield receiver


@contextmanager
def _running(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def loopback_allowed() -> Iterator[None]:
    """Let this installation send to the loopback."""
    former = settings.BEFFROI
    settings.BEFFROI = dataclasses.replace(former, webhook_networks="127.0.0.0/8, ::1/128")
    try:
        yield
    finally:
        settings.BEFFROI = former


def make_webhook(
    territory: Territory,
    *,
    url: str = "https://recepteur.exemple.fr/crochet",
    topics: Sequence[str] = ("test.happened",),
    filters: Filters | None = None,
    name: str = "",
) -> IssuedWebhook:
    """Store a webhook; addresses on the loopback are accepted."""
    with loopback_allowed(), acting_for(territory.pk):
        return webhook_create(
            name=name or f"Récepteur {next(_numbers)}", url=url, topics=topics, filters=filters
        )


def identifiers(received: Sequence[Received]) -> list[UUID]:
    """Return the identifiers of what arrived, in order."""
    return [UUID(one.headers["webhook-id"]) for one in received]
