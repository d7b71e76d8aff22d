from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from beffroi.site.front import Front, Patience
from beffroi.site.http_heads import RefusedRequest, checked_head, forwarded_headers

QUICK = Patience(head=0.3, idle=0.5, body=0.3, connect=1, answer=5, linger=0.5, stop=0.2)
LIMIT_S = 10

Reply = Callable[[bytes, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Upstream:
    """A server that keeps the octets of each request and answers as it is told."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.heads: list[bytes] = []
        self.closed = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.heads.append(head)
            await self.reply(head, reader, writer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.closed.set()
            writer.close()


async def hello(_head: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")


async def echo(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    length = next(
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length")
    )
    body = await reader.readexactly(length)
    writer.write(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
        % (length, body)
    )


@contextlib.asynccontextmanager
async def joined(
    tmp_path: Path, **replies: Reply
) -> AsyncIterator[tuple[int, dict[str, Upstream]]]:
    """Run the front over upstreams on Unix sockets; those not named are away."""
    ups = {name: Upstream(reply) for name, reply in replies.items()}
    addresses = {name: f"unix:{tmp_path}/{name}" for name in ("web", "ingest", "live")}
    async with contextlib.AsyncExitStack() as stack:
        for name, upstream in ups.items():
            server = await asyncio.start_unix_server(upstream.serve, str(tmp_path / name))
            await stack.enter_async_context(server)
            stack.callback(server.close)
        front = Front(upstreams=addresses, patience=QUICK)
        port = await stack.enter_async_context(front.listening("127.0.0.1", 0))
        yield port, ups


async def ask(port: int, octets: bytes) -> bytes:
    """Send octets and return all that comes until the front closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(LIMIT_S):
        writer.write(octets)
        answer = await reader.read()
    writer.close()
    return answer


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(LIMIT_S * 2):
            await scenario()

    asyncio.run(limited())


def test_each_path_reaches_its_server_and_the_others_the_web(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with joined(tmp_path, web=hello, ingest=hello, live=hello) as (port, ups):
            for target in (b"/", b"/static/a.css", b"/ingest/x/y", b"/live/ville", b"/ingestion"):
                answer = await ask(
                    port, b"GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % target
                )
                assert answer.endswith(b"hello")
            assert {name: len(upstream.heads) for name, upstream in ups.items()} == {
                "web": 3,
                "ingest": 1,
                "live": 1,
            }

    run(scenario)


def test_one_connection_carries_several_requests_even_sent_at_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with joined(tmp_path, web=hello, ingest=echo) as (port, ups):
            answer = await ask(
                port,
                b"POST /ingest/a/b HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nGET "
                b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
                b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            )
            assert answer.count(b"HTTP/1.1 200 OK") == 3
            assert b"GET \r\n" in answer
            assert len(ups["web"].heads) == 2

    run(scenario)


def test_the_client_cannot_say_who_it_is(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with joined(tmp_path, web=hello) as (port, ups):
            await ask(
                port,
                b"GET / HTTP/1.1\r\nHost: ville.example\r\nX-Forwarded-For: 8.8.8.8\r\n"
                b"X_Forwarded_For: 8.8.8.8\r\nForwarded: for=8.8.8.8\r\nX-Real-IP: 8.8.8.8\r\n"
                b"X-Forwarded-Proto: https\r\nConnection: close, X-Secret\r\nX-Secret: 1\r\n\r\n",
            )
            head = ups["web"].heads[0].lower()
            assert b"8.8.8.8" not in head
            assert b"x-secret" not in head
            assert b"x-forwarded-for: 127.0.0.1\r\n" in head
            assert b"x-forwarded-proto: http\r\n" in head
            assert b"x-forwarded-host: ville.example\r\n" in head

    run(scenario)


SMUGGLED = {
    "length beside coding": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "two lengths": b"Content-Length: 5\r\nContent-Length: 5\r\n",
    "length list": b"Content-Length: 5, 5\r\n",
    "signed length": b"Content-Length: +5\r\n",
    "hexadecimal length": b"Content-Length: 0x5\r\n",
    "coding twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "coding list": b"Transfer-Encoding: gzip, chunked\r\n",
    "odd coding": b"Transfer-Encoding: xchunked\r\n",
    "space before the colon": b"Transfer-Encoding : chunked\r\n",
    "folded line": b"X-A: 1\r\n Transfer-Encoding: chunked\r\n",
    "bare line feed": b"X-A: 1\nTransfer-Encoding: chunked\r\n",
    "bare carriage return": b"X-A: 1\rTransfer-Encoding: chunked\r\n",
    "nul": b"X-A: 1\x002\r\n",
    "no name": b": 1\r\n",
    "no colon": b"X-A\r\n",
    "second host": b"Host: b\r\n",
}


@pytest.mark.parametrize("line", SMUGGLED.values(), ids=SMUGGLED.keys())
def test_what_two_servers_could_read_in_two_ways_goes_nowhere(tmp_path: Path, line: bytes) -> None:
    async def scenario() -> None:
        async with joined(tmp_path, web=hello, ingest=hello) as (port, ups):
            answer = await ask(
                port, b"POST /ingest/a/b HTTP/1.1\r\nHost: a\r\n" + line + b"\r\n0\r\n\r\nGET /x"
            )
            assert answer.split(b" ")[1] in {b"400", b"501"}
            assert answer.count(b"HTTP/1.1") == 1
            assert not ups["ingest"].heads

    run(scenario)


def test_negative_control_the_same_request_well_framed_goes_through(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with joined(tmp_path, ingest=echo) as (port, ups):
            answer = await ask(
                port,
                b"POST /ingest/a/b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                b"Content-Length: 5\r\n\r\nhello",
            )
            assert b"hello" in answer
            assert len(ups["ingest"].heads) == 1

    run(scenario)


@pytest.mark.parametrize(
    "line",
    [
        b"GET http://a/ HTTP/1.1",
        b"CONNECT a:443 HTTP/1.1",
        b"GET /a b HTTP/1.1",
        b"GET  / HTTP/1.1",
        b"GET /\x00 HTTP/1.1",
        b"G\xc3\x89T / HTTP/1.1",
    ],
)
def test_a_strange_request_line_is_refused(line: bytes) -> None:
    with pytest.raises(RefusedRequest):
        checked_head(line + b"\r\nHost: a\r\n\r\n")


def test_a_chunked_body_reaches_the_upstream_in_one_framing(tmp_path: Path) -> None:
    got: list[bytes] = []

    async def keep(
        _head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        got.append(await reader.readuntil(b"0\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    async def scenario() -> None:
        async with joined(tmp_path, ingest=keep) as (port, ups):
            answer = await ask(
                port,
                b"POST /ingest/a/b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n"
                b"Connection: close\r\n\r\n2;x=y\r\nab\r\n0\r\nTrailer: x\r\n\r\n",
            )
            assert answer.startswith(b"HTTP/1.1 204")
            assert b"transfer-encoding: chunked\r\n" in ups["ingest"].heads[0].lower()
            assert got == [b"2\r\nab\r\n0\r\n\r\n"]

    run(scenario)


def test_a_bad_chunk_is_refused(tmp_path: Path) -> None:
    async def never(
        _head: bytes, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter
    ) -> None:
        await reader.read()

    async def scenario() -> None:
        async with joined(tmp_path, ingest=never) as (port, _ups):
            answer = await ask(
                port,
                b"POST /ingest/a/b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                b"zz\r\nab\r\n0\r\n\r\n",
            )
            assert answer.startswith(b"HTTP/1.1 400")

    run(scenario)


def test_an_upstream_that_is_away_gets_a_page_in_french(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with joined(tmp_path) as (port, _ups):
            answer = await ask(port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 503")
            assert b"Retry-After: 5" in answer
            assert "Beffroi démarre".encode() in answer

    run(scenario)


def test_an_upstream_that_closes_without_a_word_is_a_502(tmp_path: Path) -> None:
    async def mute(
        _head: bytes, _reader: asyncio.StreamReader, _writer: asyncio.StreamWriter
    ) -> None:
        return

    async def scenario() -> None:
        async with joined(tmp_path, web=mute) as (port, _ups):
            assert (await ask(port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")).startswith(
                b"HTTP/1.1 502"
            )

    run(scenario)


def test_an_early_refusal_is_read_while_a_large_body_is_still_sent(tmp_path: Path) -> None:
    async def refuse(
        _head: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")

    async def scenario() -> None:
        async with joined(tmp_path, ingest=refuse) as (port, _ups):
            size = 4_000_000
            answer = await ask(
                port,
                b"POST /ingest/a/b HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size
                + b"x" * size,
            )
            assert answer.startswith(b"HTTP/1.1 413")

    run(scenario)


def test_a_client_that_dribbles_its_head_is_left(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with joined(tmp_path, web=hello) as (port, ups):
            assert (await ask(port, b"GET / HTTP/1.1\r\nHo")).startswith(b"HTTP/1.1 408")
            assert not ups["web"].heads

    run(scenario)


def test_an_endless_head_is_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with joined(tmp_path, web=hello) as (port, _ups):
            answer = await ask(port, b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000)
            assert answer.startswith(b"HTTP/1.1 431")

    run(scenario)


def test_an_event_stream_flows_and_ends_upstream_when_the_client_leaves(tmp_path: Path) -> None:
    async def stream(
        _head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\ndata: 1\n\r\n")
        await writer.drain()
        await reader.read()

    async def scenario() -> None:
        async with joined(tmp_path, live=stream) as (port, ups):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /live/ville HTTP/1.1\r\nHost: a\r\n\r\n")
            await reader.readuntil(b"data: 1\n")
            assert not ups["live"].closed.is_set()
            writer.close()
            await asyncio.wait_for(ups["live"].closed.wait(), LIMIT_S)

    run(scenario)


CALLED = b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 8.8.8.8, 203.0.113.7\r\n\r\n"


@pytest.mark.parametrize(
    ("scheme", "peer", "caller"),
    [
        ("https", "127.0.0.1", b"203.0.113.7"),
        ("https", "198.51.100.1", b"198.51.100.1"),
        ("http", "127.0.0.1", b"127.0.0.1"),
    ],
    ids=["the town's own proxy", "anybody's word", "no proxy is declared"],
)
def test_behind_tls_the_proxy_of_this_machine_says_who_calls(
    scheme: str, peer: str, caller: bytes
) -> None:
    headers = dict(forwarded_headers(checked_head(CALLED), peer=peer, scheme=scheme))
    assert headers[b"x-forwarded-for"] == caller
    assert headers[b"x-forwarded-proto"] == scheme.encode()


def test_an_address_that_is_none_is_not_passed_on() -> None:
    head = checked_head(b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: <x>\r\n\r\n")
    headers = dict(forwarded_headers(head, peer="127.0.0.1", scheme="https"))
    assert headers[b"x-forwarded-for"] == b"127.0.0.1"


def test_forwarded_headers_never_repeat_a_host() -> None:
    head = checked_head(b"GET / HTTP/1.1\r\nHost: a:80\r\nX-Forwarded-Host: evil\r\n\r\n")
    headers = forwarded_headers(head, peer="::1", scheme="https")
    assert [value for name, value in headers if name == b"host"] == [b"a:80"]
    assert (b"x-forwarded-host", b"a:80") in headers
