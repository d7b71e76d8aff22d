"""One POST to an address that was checked: bounded in time and in what is read back."""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import cast

from beffroi.foundation.messaging.contracts import EXCERPT_OCTETS, Answer, Failure
from beffroi.foundation.messaging.destinations import (
    AddressRefused,
    Destination,
    IPAddress,
    NameUnknown,
    Policy,
    Resolver,
    checked_addresses,
)

TIMEOUT_S = 10.0
LONGEST_RETRY_AFTER = timedelta(hours=24)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How this installation reaches the outside.

    Attributes:
        resolver: instead of the system's; for tests.
        tls: instead of the system's authorities; for tests.
        timeout_s: from the connection to the last octet of the answer.
    """

    policy: Policy
    resolver: Resolver | None = None
    tls: ssl.SSLContext | None = None
    timeout_s: float = TIMEOUT_S


def post(
    destination: Destination, body: bytes, *, headers: Mapping[str, str], way: Way, at: datetime
) -> Answer:
    """Send a body and return what came back; never raises for what a receiver does.

    Redirects are not followed, nor is a proxy used; the name is resolved once and the connection
    goes to an address that was checked.
    """
    began = time.monotonic()
    try:
        addresses = checked_addresses(destination, policy=way.policy, resolver=way.resolver)
        answer = _exchange(destination, addresses, body, headers=headers, way=way, at=at)
    except AddressRefused as problem:
        answer = Answer(failure=Failure.REFUSED_ADDRESS, detail=str(problem))
    except NameUnknown:
        answer = Answer(failure=Failure.NAME, detail=destination.host)
    except TimeoutError:
        answer = Answer(failure=Failure.TIMEOUT)
    except ssl.SSLError as problem:
        answer = Answer(failure=Failure.TLS, detail=_told(problem))
    except OSError as problem:
        answer = Answer(failure=Failure.UNREACHABLE, detail=_told(problem))
    except (http.client.HTTPException, ValueError) as problem:
        answer = Answer(failure=Failure.PROTOCOL, detail=_told(problem))
    spent = round((time.monotonic() - began) * 1000)
    return Answer(
        status=answer.status,
        failure=answer.failure,
        detail=answer.detail,
        excerpt=answer.excerpt,
        retry_after=answer.retry_after,
        milliseconds=spent,
    )


def _exchange(
    destination: Destination,
    addresses: list[IPAddress],
    body: bytes,
    *,
    headers: Mapping[str, str],
    way: Way,
    at: datetime,
) -> Answer:
    deadline = time.monotonic() + way.timeout_s
    connection = _Connection(destination.host, destination.port)
    opened = _opened(destination, addresses, way=way, deadline=deadline)
    try:
        # Only what HTTPConnection and HTTPResponse use of a socket.
        connection.sock = cast("socket.socket", _InTime(opened, deadline))
        connection.putrequest("POST", destination.target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)  # refuses ends of lines
        connection.putheader("Host", destination.authority)
        connection.putheader("Content-Length", str(len(body)))
        connection.putheader("Connection", "close")
        connection.endheaders(body)
        response = connection.getresponse()
        excerpt = response.read(EXCERPT_OCTETS)
        return _answer(response, excerpt, at=at)
    finally:
        opened.close()


def _answer(response: http.client.HTTPResponse, excerpt: bytes, *, at: datetime) -> Answer:
    status = response.status
    failure = None
    if status in _REDIRECTS:
        failure = Failure.REDIRECT
    elif not 200 <= status < 300:
        failure = Failure.STATUS
    return Answer(
        status=status,
        failure=failure,
        excerpt=excerpt.decode("utf-8", "replace").replace("\x00", "\ufffd"),
        retry_after=_retry_after(response.getheader("Retry-After", "") or "", at=at),
    )


class _Connection(http.client.HTTPConnection):
    """A connection that is made elsewhere: it never resolves a name itself."""

    def connect(self) -> None:
        """Refuse: the socket is given.

        Raises:
            ConnectionError: always.
        """
        raise ConnectionError("closed")


def _opened(
    destination: Destination, addresses: list[IPAddress], *, way: Way, deadline: float
) -> socket.socket:
    """Connect to the first address that answers."""
    problem: OSError = ConnectionError("no address")
    for index, address in enumerate(addresses):
        # Each gets its share of what is left, so that a dead address leaves time for the next.
        share = _left(deadline) / (len(addresses) - index)
        try:
            opened = socket.create_connection((str(address), destination.port), timeout=share)
        except OSError as failed:
            problem = failed
            continue
        if not destination.secure:
            return opened
        try:
            opened.settimeout(_left(deadline))
            context = way.tls or ssl.create_default_context()
            return context.wrap_socket(opened, server_hostname=destination.host)
        except BaseException:
            opened.close()
            raise
    raise problem


class _InTime:
    """A socket whose every wait ends at one deadline: a receiver that dribbles gains nothing."""

    def __init__(self, opened: socket.socket, deadline: float) -> None:
        self._opened = opened
        self._deadline = deadline

    def sendall(self, content: bytes) -> None:
        """Send everything before the deadline."""
        view = memoryview(content)
        while view:
            self._opened.settimeout(_left(self._deadline))
            view = view[self._opened.send(view) :]

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return what the answer is read from."""
        return io.BufferedReader(_Reader(self._opened, self._deadline))

    def close(self) -> None:
        """Do nothing: who opened it closes it."""


class _Reader(io.RawIOBase):
    def __init__(self, opened: socket.socket, deadline: float) -> None:
        super().__init__()
        self._opened = opened
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # a writable buffer is either
        self._opened.settimeout(_left(self._deadline))
        return self._opened.recv_into(buffer)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _retry_after(text: str, *, at: datetime) -> timedelta | None:
    """Read ``Retry-After``: seconds, or a date."""
    plain = text.strip()
    if plain.isascii() and plain.isdigit() and len(plain) < 10:
        wait = timedelta(seconds=int(plain))
    else:
        try:
            date = parsedate_to_datetime(plain)
            wait = (date if date.tzinfo else date.replace(tzinfo=UTC)) - at
        except (TypeError, ValueError, OverflowError):
            return None
    return min(max(wait, timedelta(0)), LONGEST_RETRY_AFTER)


def _told(problem: Exception) -> str:
    return (str(problem) or type(problem).__name__)[:300]
