"""A sender of HTTP requests that costs little, in a process of its own.

Reads one :class:`Job` as a line of JSON on its standard input, sends, and writes one
:class:`Result` as a line of JSON.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import deque
from pathlib import Path
from typing import cast

import msgspec
import uvloop

from beffroi.city.ingest.bench.framing import read_framed

_OK = b"HTTP/1.1 200"
_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"content-length: "
_TICK_S = 0.002


class Job(msgspec.Struct, kw_only=True):
    """What to send.

    Attributes:
        addresses: host and port of each server; connections are shared out among them.
        requests: a file of whole requests; see :mod:`~beffroi.city.ingest.bench.framing`.
        connections: open at once; each waits for its answer before it sends again.
        per_s: requests a second, sent when they are due whether answers came or not; 0 sends
            as fast as answers come.
        seconds: stop after this; 0 sends everything once.
    """

    addresses: list[tuple[str, int]]
    requests: str
    connections: int
    per_s: float = 0.0
    seconds: float = 0.0


class Result(msgspec.Struct, kw_only=True):
    """What came back.

    Attributes:
        acknowledged: answers of 200.
        refused: other answers, or connections lost.
        seconds: from the first request to the last answer.
        cpu_s: of this process.
        latencies_ms: p50, p95, p99 and the worst, from the moment a request was due.
    """

    acknowledged: int
    refused: int
    seconds: float
    cpu_s: float
    latencies_ms: tuple[float, float, float, float]


class _Load:
    def __init__(self, job: Job) -> None:
        self.requests = deque(read_framed(Path(job.requests)))
        self.job = job
        self.idle: deque[_Sender] = deque()
        self.due: deque[float] = deque()
        self.latencies: list[float] = []
        self.refused = 0
        self.in_flight = 0
        self.ended = asyncio.Event()
        self.stop_at = 0.0
        self.last_answer = 0.0

    async def run(self) -> Result:
        loop = asyncio.get_running_loop()
        for rank in range(self.job.connections):
            host, port = self.job.addresses[rank % len(self.job.addresses)]
            await loop.create_connection(lambda: _Sender(self), host, port)
        cpu = time.process_time()
        began = time.perf_counter()
        self.stop_at = began + self.job.seconds if self.job.seconds else float("inf")
        if self.job.per_s:
            await self._paced(began)
        else:
            for _ in range(len(self.idle)):
                self.next(self.idle.popleft(), began)
        await self.ended.wait()
        return Result(
            acknowledged=len(self.latencies),
            refused=self.refused,
            seconds=self.last_answer - began,
            cpu_s=time.process_time() - cpu,
            latencies_ms=_quantiles(self.latencies),
        )

    async def _paced(self, began: float) -> None:
        sent = 0
        while (now := time.perf_counter()) < self.stop_at and self.requests:
            wanted = int((now - began) * self.job.per_s)
            while sent < wanted:
                self.due.append(began + sent / self.job.per_s)
                sent += 1
            while self.due and self.idle:
                self.next(self.idle.popleft(), self.due.popleft())
            await asyncio.sleep(_TICK_S)
        self.requests.clear()
        self._look_for_the_end()

    def next(self, sender: _Sender, due: float) -> None:
        if not self.requests or due >= self.stop_at:
            self.requests.clear()
            self._look_for_the_end()
            return
        self.in_flight += 1
        sender.due = due
        sender.send(self.requests.popleft())

    def answered(self, sender: _Sender, *, right: bool) -> None:
        now = self.last_answer = time.perf_counter()
        self.in_flight -= 1
        if right:
            self.latencies.append(now - sender.due)
        else:
            self.refused += 1
        if not self.job.per_s:
            self.next(sender, now)
        elif self.due:
            self.next(sender, self.due.popleft())
        else:
            self.idle.append(sender)
            self._look_for_the_end()

    def _look_for_the_end(self) -> None:
        if not self.in_flight and not self.requests:
            self.ended.set()


class _Sender(asyncio.Protocol):
    def __init__(self, load: _Load) -> None:
        self._load = load
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._waits = False
        self.due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's own class, which does not derive from asyncio's
        self._transport = cast("asyncio.Transport", transport)
        self._load.idle.append(self)

    def send(self, request: bytes) -> None:
        if self._transport is None:
            raise AssertionError("sent before it was connected")
        self._waits = True
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head = self._received.find(_END_OF_HEAD)
        if head < 0:
            return
        at = self._received.find(_LENGTH, 0, head)
        end = self._received.find(b"\r", at, head + 1)
        length = int(self._received[at + len(_LENGTH) : end])
        if len(self._received) < head + len(_END_OF_HEAD) + length:
            return
        right = self._received.startswith(_OK)
        self._received = b""
        self._waits = False
        self._load.answered(self, right=right)

    def connection_lost(self, _exc: Exception | None) -> None:
        if self._waits:
            self._waits = False
            self._load.answered(self, right=False)


def _quantiles(seconds: list[float]) -> tuple[float, float, float, float]:
    if not seconds:
        return (0.0, 0.0, 0.0, 0.0)
    ordered = sorted(seconds)
    last = len(ordered) - 1
    p50, p95, p99 = (ordered[round(last * part)] * 1000 for part in (0.5, 0.95, 0.99))
    return p50, p95, p99, ordered[-1] * 1000


def main() -> None:
    """Do one job."""
    job = msgspec.json.decode(sys.stdin.readline(), type=Job)

    async def run() -> Result:
        return await _Load(job).run()

    result = uvloop.run(run())
    sys.stdout.write(msgspec.json.encode(result).decode() + "\n")


if __name__ == "__main__":
    main()
