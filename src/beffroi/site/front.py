"""One port for the web, ingest and live servers, where no reverse proxy stands before them.

Every request head is checked before anything is passed on (``http_heads``), and both sides of a
request are framed anew by h11: what two servers could read in two ways never leaves this file.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Self

import h11
import uvloop

from beffroi.site.http_heads import (
    API,
    HOP_BY_HOP,
    RefusedRequest,
    RequestHead,
    checked_head,
    forwarded_headers,
    listed,
    refusal_page,
    refusal_problem,
)

log = logging.getLogger("beffroi.front")

MAX_HEAD = 64 * 1024
MAX_CONNECTIONS = 4_096
CHUNK = 64 * 1024
LINGER_BYTES = 16 * 1024 * 1024

PREFIXES = (("/ingest/", "ingest"), ("/live/", "live"))
"""Which upstream answers a path; everything else, static files included, is the web's."""


class ClientGone(Exception):
    """Nobody waits for the answer any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long the front waits, in seconds."""

    head: float = 10.0
    idle: float = 30.0
    body: float = 30.0
    connect: float = 5.0
    answer: float = 130.0
    """Between two octets of an answer; longer than gunicorn's own time limit."""
    write: float = 60.0
    linger: float = 2.0
    stop: float = 5.0


def upstream_of(target: bytes) -> str:
    """Return the name of the server that answers a path."""
    path = target.split(b"?", 1)[0].decode("ascii")
    return next((name for prefix, name in PREFIXES if path.startswith(prefix)), "web")


class Upstream:
    """A connection to a server whose answer stays readable after a write to it has failed.

    A stream of asyncio drops what it has received when a write fails; a server that refuses a
    large body early closes while we still send, and its refusal would be lost.
    """

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._loop = asyncio.get_running_loop()

    @classmethod
    async def reached(cls, family: socket.AddressFamily, address: str | tuple[str, int]) -> Self:
        """Connect.

        Raises:
            OSError: nobody listens there.
        """
        made = socket.socket(family, socket.SOCK_STREAM)
        try:
            made.setblocking(False)
            if family is not socket.AF_UNIX:
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await asyncio.get_running_loop().sock_connect(made, address)
        except BaseException:
            made.close()
            raise
        return cls(made)

    async def send(self, octets: bytes | None) -> None:
        """Send octets, waiting until the server has room for them.

        Raises:
            ConnectionError: the server has closed.
        """
        if octets:
            await self._loop.sock_sendall(self._socket, octets)

    async def receive(self) -> bytes:
        """Return what has come, empty at the end; a connection that was cut has ended."""
        try:
            return await self._loop.sock_recv(self._socket, CHUNK)
        except ConnectionError:
            return b""

    def close(self) -> None:
        """End both ways."""
        self._socket.close()


class Front:
    """Accepts connections and passes each request to the server it is for.

    Args:
        upstreams: ``web``, ``ingest`` and ``live`` to ``host:port`` or ``unix:/path``.
        scheme: what the client speaks, ``http``, or ``https`` where a reverse proxy of this
            machine ends TLS.
    """

    def __init__(
        self,
        *,
        upstreams: Mapping[str, str],
        scheme: str = "http",
        patience: Patience | None = None,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        self._upstreams = dict(upstreams)
        self._scheme = scheme
        self._patience = patience or Patience()
        self._max_connections = max_connections
        self._open: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def listening(self, host: str, port: int) -> AsyncIterator[int]:
        """Accept connections within the block; yields the port, which 0 lets the system choose."""
        server = await asyncio.start_server(self._accept, host, port, limit=CHUNK, backlog=1024)
        async with server:
            yield server.sockets[0].getsockname()[1]
            server.close()
            if self._open:
                await asyncio.wait(self._open, timeout=self._patience.stop)
            for task in self._open:
                task.cancel()
            await asyncio.gather(*self._open, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio runs us as one
        self._open.add(task)
        try:
            if len(self._open) > self._max_connections:
                writer.write(refusal_page(503))
                return
            await self._serve(reader, writer)
        except (OSError, TimeoutError, asyncio.CancelledError, ClientGone):
            pass
        finally:
            self._open.discard(task)
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer_name = writer.get_extra_info("peername")
        peer = str(peer_name[0]) if isinstance(peer_name, tuple) else "127.0.0.1"
        left = b""
        while True:
            try:
                found = await self._read_head(reader, left)
                if found is None:
                    return
                raw, left = found
                head = checked_head(raw)
            except RefusedRequest as refusal:
                await self._say(reader, writer, refusal.status)
                return
            kept = await _Exchange(self, head, peer=peer, reader=reader, writer=writer).run(
                raw + left
            )
            if kept is None:
                return
            left = kept

    async def _read_head(
        self, reader: asyncio.StreamReader, left: bytes
    ) -> tuple[bytes, bytes] | None:
        """Read up to the empty line; a client that dribbles is left behind by the deadline."""
        buffer = bytearray(left)
        while not buffer:
            try:
                async with asyncio.timeout(self._patience.idle):
                    octets = await reader.read(CHUNK)
            except TimeoutError:
                return None
            if not octets:
                return None
            buffer += octets
        try:
            async with asyncio.timeout(self._patience.head):
                while (end := buffer.find(b"\r\n\r\n")) < 0:
                    if len(buffer) > MAX_HEAD:
                        raise RefusedRequest(431, "the head is too long")
                    octets = await reader.read(CHUNK)
                    if not octets:
                        return None
                    buffer += octets
        except TimeoutError:
            raise RefusedRequest(408, "the head does not come") from None
        if end > MAX_HEAD:
            raise RefusedRequest(431, "the head is too long")
        return bytes(buffer[: end + 4]), bytes(buffer[end + 4 :])

    async def _say(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, status: int
    ) -> None:
        """Answer ourselves, and take what the client still sends so that it reads the answer."""
        writer.write(refusal_page(status))
        await self.linger(reader, writer)

    async def linger(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """End our side and drop what still comes, for a short while."""
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(self._patience.linger):
                await writer.drain()
                if writer.can_write_eof():
                    writer.write_eof()
                taken = 0
                while taken < LINGER_BYTES and (octets := await reader.read(CHUNK)):
                    taken += len(octets)

    async def connect(self, name: str) -> Upstream:
        """Open a connection to an upstream.

        Raises:
            OSError: nobody listens there.
            TimeoutError: nobody answers in time.
        """
        address = self._upstreams[name]
        async with asyncio.timeout(self._patience.connect):
            if address.startswith("unix:"):
                return await Upstream.reached(socket.AF_UNIX, address.removeprefix("unix:"))
            host, _, port = address.rpartition(":")
            host = host.strip("[]")
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            return await Upstream.reached(family, (host, int(port)))

    @property
    def patience(self) -> Patience:
        """Return how long the front waits."""
        return self._patience

    @property
    def scheme(self) -> str:
        """Return what the client speaks."""
        return self._scheme


@dataclass(slots=True)
class _Exchange:
    """One request and its answer."""

    front: Front
    head: RequestHead
    peer: str = field(kw_only=True)
    reader: asyncio.StreamReader = field(kw_only=True)
    writer: asyncio.StreamWriter = field(kw_only=True)
    extra: bytearray = field(default_factory=bytearray, init=False)
    answer_started: bool = field(default=False, init=False)

    async def run(self, octets: bytes) -> bytes | None:
        """Pass the request on and the answer back.

        Returns what came after the request when the connection may be used again, else None.
        """
        inner = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
        inner.receive_data(octets)
        try:
            inner.next_event()
            upstream = await self.front.connect(upstream_of(self.head.target))
        except h11.RemoteProtocolError:
            await self._refuse(400)
            return None
        except (OSError, TimeoutError):
            await self._refuse(503)
            return None
        outer = h11.Connection(h11.CLIENT)
        try:
            return await self._both_ways(inner, outer, upstream)
        finally:
            upstream.close()

    async def _both_ways(
        self, inner: h11.Connection, outer: h11.Connection, upstream: Upstream
    ) -> bytes | None:
        sending = asyncio.create_task(self._send_request(inner, outer, upstream))
        relaying = asyncio.create_task(self._relay_answer(inner, outer, upstream))
        failure = 0
        try:
            await asyncio.wait({sending, relaying}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done() and not relaying.done():
                # It only ends by an error: a bad request, or a client that left.
                sending.result()
            await relaying
        except (RefusedRequest, OSError, TimeoutError, h11.ProtocolError) as problem:
            failure = getattr(problem, "status", 502)
        finally:
            for task in (sending, relaying):
                task.cancel()
            await asyncio.gather(sending, relaying, return_exceptions=True)
        if failure:
            if not self.answer_started:
                await self._refuse(failure)
            return None
        if self.head.close or inner.our_state is not h11.DONE or inner.their_state is not h11.DONE:
            await self.front.linger(self.reader, self.writer)
            return None
        return inner.trailing_data[0] + bytes(self.extra)

    async def _refuse(self, status: int) -> None:
        is_api = self.head.target.startswith(API)
        self.writer.write(refusal_problem(status) if is_api else refusal_page(status))
        await self.front.linger(self.reader, self.writer)

    async def _send_request(
        self, inner: h11.Connection, outer: h11.Connection, upstream: Upstream
    ) -> None:
        """Send the request on, then watch for the client to leave."""
        headers = forwarded_headers(self.head, peer=self.peer, scheme=self.front.scheme)
        request = h11.Request(method=self.head.method, target=self.head.target, headers=headers)
        try:
            await upstream.send(outer.send(request))
            if inner.they_are_waiting_for_100_continue:
                self.writer.write(
                    inner.send(h11.InformationalResponse(status_code=100, headers=[])) or b""
                )
            await self._send_body(inner, outer, upstream)
        except (ConnectionError, h11.LocalProtocolError):
            # The upstream closed early; what it answered is still to be read.
            await asyncio.Event().wait()
        while len(self.extra) <= MAX_HEAD:
            octets = await self.reader.read(CHUNK)
            if not octets:
                raise ClientGone
            self.extra += octets
        await asyncio.Event().wait()

    async def _send_body(
        self, inner: h11.Connection, outer: h11.Connection, upstream: Upstream
    ) -> None:
        while True:
            try:
                event = inner.next_event()
            except h11.RemoteProtocolError as problem:
                raise RefusedRequest(400, str(problem)) from None
            if event is h11.NEED_DATA:
                inner.receive_data(await self._body_octets())
            elif isinstance(event, h11.Data):
                await upstream.send(outer.send(h11.Data(data=event.data)))
            elif isinstance(event, h11.EndOfMessage):
                await upstream.send(outer.send(h11.EndOfMessage()))
                return

    async def _body_octets(self) -> bytes:
        try:
            async with asyncio.timeout(self.front.patience.body):
                octets = await self.reader.read(CHUNK)
        except TimeoutError:
            raise RefusedRequest(408, "the body does not come") from None
        if not octets:
            raise ClientGone
        return octets

    async def _relay_answer(
        self, inner: h11.Connection, outer: h11.Connection, upstream: Upstream
    ) -> None:
        while True:
            event = outer.next_event() if outer.our_state is not h11.IDLE else h11.NEED_DATA
            if event is h11.NEED_DATA:
                async with asyncio.timeout(self.front.patience.answer):
                    octets = await upstream.receive()
                outer.receive_data(octets)
            elif isinstance(event, h11.Response):
                self.answer_started = True
                await self._write(inner.send(self._answer_head(event)))
            elif isinstance(event, h11.Data):
                await self._write(inner.send(h11.Data(data=event.data)))
            elif isinstance(event, h11.EndOfMessage):
                await self._write(inner.send(h11.EndOfMessage()))
                return
            elif isinstance(event, h11.ConnectionClosed):
                raise RefusedRequest(502, "the upstream closed without an answer")

    async def _write(self, octets: bytes | None) -> None:
        if octets:
            self.writer.write(octets)
        async with asyncio.timeout(self.front.patience.write):
            await self.writer.drain()

    def _answer_head(self, response: h11.Response) -> h11.Response:
        headers = [(bytes(name), bytes(value)) for name, value in response.headers]
        chunked = any(name == b"transfer-encoding" for name, _ in headers)
        named = listed(headers, b"connection")
        kept = [
            (name, value)
            for name, value in headers
            if name not in HOP_BY_HOP
            and name not in named
            and not (chunked and name == b"content-length")
        ]
        if self.head.close:
            kept.append((b"connection", b"close"))
        return h11.Response(
            status_code=response.status_code, headers=kept, reason=bytes(response.reason)
        )


def serve_front(
    listen: tuple[str, int], upstreams: Mapping[str, str], *, scheme: str = "http"
) -> None:
    """Join the servers on one port until SIGTERM or SIGINT."""

    async def serve() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        async with Front(upstreams=upstreams, scheme=scheme).listening(*listen):
            await stop.wait()

    uvloop.run(serve())


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", default="127.0.0.1:8000", metavar="HOST:PORT")
    for name in ("web", "ingest", "live"):
        parser.add_argument(f"--{name}", required=True, metavar="HOST:PORT|unix:PATH")
    options = parser.parse_args()
    host, _, port = options.listen.rpartition(":")
    upstreams = {name: getattr(options, name) for name in ("web", "ingest", "live")}
    serve_front((host.strip("[]"), int(port)), upstreams)


if __name__ == "__main__":
    _main()
