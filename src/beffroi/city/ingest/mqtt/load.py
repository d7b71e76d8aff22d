"""A publisher that costs little: the load of measures, and the clients of the fault tests.

It speaks MQTT 5, QoS 1, and believes the reason code of each acknowledgement: a publish that the
broker refuses, or that goes to nobody, is answered too.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter

CONNACK, PUBLISH_QOS_1, PUBACK, DISCONNECT = 0x20, 0x32, 0x40, 0xE0
WINDOW = 500
"""Publishes that wait for their acknowledgement at once."""

_LAST_MID = 60_000
_READ = 65_536

SUCCESS, NO_SUBSCRIBER, NOT_AUTHORIZED = 0x00, 0x10, 0x87


class PublisherRefused(ConnectionError):
    """The broker does not let the publisher in; ``reason`` is the code of MQTT 5."""

    def __init__(self, reason: int) -> None:
        self.reason = reason
        super().__init__(f"reason code {reason:#04x}")


@dataclass(slots=True)
class Published:
    """What became of a series of publishes.

    Attributes:
        acknowledged: ranks that the broker took for a subscriber, in the order it said so.
        refused: rank to reason code, of those it did not.
        latencies_s: from the publish to its acknowledgement, by rank.
    """

    acknowledged: list[int] = field(default_factory=list)
    refused: dict[int, int] = field(default_factory=dict)
    latencies_s: list[float] = field(default_factory=list)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """Who publishes, and where."""

    host: str
    port: int
    client_id: str
    username: str = ""
    password: str = ""
    tls: ssl.SSLContext | None = None
    window: int = WINDOW

    async def publish(
        self,
        messages: Sequence[tuple[str, bytes]],
        *,
        result: Published | None = None,
        todo: Iterable[int] | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> Published:
        """Publish messages and wait for every acknowledgement.

        ``result`` is filled as answers come, so that what was acknowledged before a connection is
        lost is known; ``todo`` are the ranks to send, all of them when it is not given.

        Raises:
            PublisherRefused: the broker does not let us in.
            OSError, EOFError: the connection was lost.
        """
        result = Published() if result is None else result
        start = perf_counter()
        reader, writer = await asyncio.open_connection(self.host, self.port, ssl=self.tls)
        try:
            writer.write(self._connect())
            await _connected(reader)
            await self._exchange(reader, writer, messages, result, todo=todo, stop=stop)
            writer.write(bytes([DISCONNECT, 0]))
            await writer.drain()
        finally:
            writer.close()
            result.seconds += perf_counter() - start
        return result

    async def _exchange(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        messages: Sequence[tuple[str, bytes]],
        result: Published,
        *,
        todo: Iterable[int] | None,
        stop: Callable[[], bool],
    ) -> None:
        ranks = iter(range(len(messages)) if todo is None else todo)
        waiting: dict[int, tuple[int, float]] = {}
        mids = _mids()
        left = b""
        more = True
        while more or waiting:
            packets: list[bytes] = []
            while more and len(waiting) < self.window:
                rank = None if stop() else next(ranks, None)
                if rank is None:
                    more = False
                    break
                mid = next(mids)
                waiting[mid] = (rank, perf_counter())
                packets.append(publish_packet(*messages[rank], mid=mid))
            if packets:
                writer.write(b"".join(packets))
                await writer.drain()
            if not waiting:
                return
            octets = await reader.read(_READ)
            if not octets:
                raise EOFError("the broker left")
            answers, left = _answers(left + octets)
            for mid, reason in answers:
                rank, at = waiting.pop(mid)
                result.latencies_s.append(perf_counter() - at)
                if reason == SUCCESS:
                    result.acknowledged.append(rank)
                else:
                    result.refused[rank] = reason

    def _connect(self) -> bytes:
        flags = 0x02 | (0x80 if self.username else 0) | (0x40 if self.password else 0)
        body = _text("MQTT") + bytes([5, flags]) + (60).to_bytes(2, "big") + b"\0"
        body += _text(self.client_id)
        for part in (self.username, self.password):
            body += _text(part) if part else b""
        return b"\x10" + _length(len(body)) + body


def publish_packet(topic: str, payload: bytes, *, mid: int, retain: bool = False) -> bytes:
    """Return the packet of a publish with QoS 1."""
    body = _text(topic) + mid.to_bytes(2, "big") + b"\0" + payload
    return bytes([PUBLISH_QOS_1 | retain]) + _length(len(body)) + body


async def _connected(reader: asyncio.StreamReader) -> None:
    kind, length = await reader.readexactly(1), await reader.readexactly(1)
    body = await reader.readexactly(length[0])
    if kind[0] != CONNACK or body[1] != SUCCESS:
        raise PublisherRefused(body[1])


def _answers(octets: bytes) -> tuple[list[tuple[int, int]], bytes]:
    """Return packet and reason of each acknowledgement, and the octets of the next that wait."""
    found: list[tuple[int, int]] = []
    at = 0
    while len(octets) - at >= 2 and len(octets) - at >= 2 + octets[at + 1]:
        kind, length = octets[at], octets[at + 1]
        body = octets[at + 2 : at + 2 + length]
        at += 2 + length
        if kind == PUBACK:
            found.append((int.from_bytes(body[:2], "big"), body[2] if length > 2 else SUCCESS))
        elif kind == DISCONNECT:
            raise PublisherRefused(body[0] if body else SUCCESS)
    return found, octets[at:]


def _mids() -> Iterator[int]:
    while True:
        yield from range(1, _LAST_MID)


def _text(text: str) -> bytes:
    octets = text.encode()
    return len(octets).to_bytes(2, "big") + octets


def _length(size: int) -> bytes:
    octets = bytearray()
    while True:
        size, low = divmod(size, 128)
        octets.append(low | (0x80 if size else 0))
        if not size:
            return bytes(octets)
