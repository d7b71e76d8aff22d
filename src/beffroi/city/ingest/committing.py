"""Group commit: what arrives within a few milliseconds shares one transaction."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any

from psycopg import OperationalError

from beffroi.city.ingest.batches import Batch, decode_batch, streams_wanted
from beffroi.city.ingest.catalogue import catalogue
from beffroi.city.ingest.contracts import DeliveryRefused
from beffroi.city.ingest.decoding import DeviceEntry, Value
from beffroi.city.ingest.directory import DeviceDirectory
from beffroi.city.ingest.events import ObservationInterest
from beffroi.city.ingest.flush import DirectoryStale, flush
from beffroi.city.ingest.postgres import Pool, is_unstorable
from beffroi.city.ingest.scripts import Scripts

log = logging.getLogger("beffroi.ingest")

WINDOW_S = 0.002
"""How long the first of a group waits for others; 0 and 5 ms were measured no better."""

GROUP_MESSAGES = 128
"""Messages of one transaction; a larger delivery is a group of its own."""

LANES = 2
"""Transactions at once: while the database works for one, the process prepares the next."""

ATTEMPTS = 4
MOST_PARTS = 200
"""Transactions that one delivery may take when something in it is refused."""

INLINE_MESSAGES = 50

Waiting = tuple[Batch, asyncio.Future[None]]
KeepRefused = Callable[[Batch, Exception], Awaitable[None]]


class Committer:
    """The transactions of one process.

    Args:
        pool: connections of the application role.
        devices: what is remembered of the devices.
        interest: whether somebody outside wants the values.
        keep_refused: keeps what the database takes in no transaction, with its reason.
    """

    def __init__(
        self,
        pool: Pool,
        devices: DeviceDirectory,
        *,
        interest: ObservationInterest,
        keep_refused: KeepRefused,
        lanes: int = LANES,
    ) -> None:
        self._pool = pool
        self._devices = devices
        self._interest = interest
        self._keep_refused = keep_refused
        self._scripts = Scripts(pool)
        self._lanes = lanes
        self._waiting: deque[Waiting] = deque()
        self._arrived = asyncio.Event()
        self._full = asyncio.Event()
        self._messages = 0
        self._stopping = False
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to write what waits."""
        self._tasks = [asyncio.create_task(self._write()) for _ in range(self._lanes)]

    async def stop(self) -> None:
        """Write what waits, and end."""
        self._stopping = True
        self._arrived.set()
        self._full.set()
        await asyncio.gather(*self._tasks)

    async def commit(self, batch: Batch) -> None:
        """Return once everything storable of the batch is on disk, and counted in it.

        Raises:
            DeliveryRefused: 503, somebody keeps changing the same devices.
            psycopg.OperationalError, PoolTimeout: the database is away, or was lost meanwhile.
            Exception: the batch has one message, and the database refuses it.
        """
        known = self._devices.remembered(batch.source, {item.identifier for item in batch.items})
        if known is not None and _scripted(known):
            # Before the batch joins a group: a script that hangs keeps nobody else waiting.
            await self._scripts.run(batch, known)
            batch.scripts_ran = True
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((batch, done))
        self._messages += len(batch.items)
        self._arrived.set()
        if self._messages >= GROUP_MESSAGES:
            self._full.set()
        await done

    async def _write(self) -> None:
        while True:
            await self._arrived.wait()
            if not self._stopping and self._messages < GROUP_MESSAGES:
                await self._others()
            group = self._next_group()
            if group:
                await self._finish(group)
            elif self._stopping:
                return

    async def _others(self) -> None:
        """Wait for the window to pass, or for a group to be full."""
        loop = asyncio.get_running_loop()
        timer = loop.call_later(WINDOW_S, self._full.set)
        await self._full.wait()
        timer.cancel()

    def _next_group(self) -> list[Waiting]:
        group: list[Waiting] = []
        size = 0
        while self._waiting and (
            not group or size + len(self._waiting[0][0].items) <= GROUP_MESSAGES
        ):
            group.append(self._waiting.popleft())
            size += len(group[-1][0].items)
        self._messages -= size
        if not self._waiting and not self._stopping:
            self._arrived.clear()
        if self._messages < GROUP_MESSAGES and not self._stopping:
            self._full.clear()
        return group

    async def _finish(self, group: Sequence[Waiting]) -> None:
        """Write a group and tell each of its deliveries what became of it."""
        problem = await _failure(self._flush([batch for batch, _ in group]))
        if problem is not None and not _is_everybodys(problem):
            # Somebody's row is refused, and nobody knows whose: each for itself.
            for batch, done in group:
                _tell(done, await _failure(self._flush_apart(batch)))
        else:
            for _, done in group:
                _tell(done, problem)

    async def _flush_apart(self, batch: Batch) -> None:
        """Store a batch; where the database refuses something of it, store all the rest.

        A refused batch is cut in two again and again, until what is refused stands alone.
        """
        waiting, attempts = [batch], 0
        while waiting:
            part, attempts = waiting.pop(), attempts + 1
            try:
                await self._flush([part])
            except Exception as problem:
                if len(batch.items) <= 1 or not is_unstorable(problem):
                    raise
                if part is batch:
                    batch.accepted, batch.duplicates, batch.counts = 0, 0, {}
                if len(part.items) > 1 and attempts < MOST_PARTS:
                    waiting += part.halves()
                else:
                    log.exception("%s messages of a delivery cannot be stored", len(part.items))
                    batch.refusals = [*batch.refusals, *part.give_up()]
                    await self._keep_refused(part, problem)
            else:
                if part is not batch:
                    batch.add(part)

    async def _flush(self, batches: Sequence[Batch]) -> None:
        """Look the devices up, decode, write; again when a device was claimed meanwhile."""
        for _attempt in range(ATTEMPTS):
            try:
                await self._prepare(batches)
                async with self._pool.connection() as connection:
                    await flush(connection, batches, interest=self._interest)
            except DirectoryStale:
                for territory_id in {batch.source.territory_id for batch in batches}:
                    self._devices.forget(territory_id)
                for batch in batches:
                    batch.scripts_ran = False
            except OperationalError as problem:
                # Two transactions that wait for each other: one is sent back to start again.
                if problem.sqlstate not in {"40P01", "40001"}:
                    raise
            else:
                return
        raise DeliveryRefused(
            "The delivery cannot be taken now.",
            status=503,
            code="busy",
            way_out="Send it again.",
            retry_after_s=1,
        )

    async def _prepare(self, batches: Sequence[Batch]) -> None:
        """Look the devices up once for all, decode, and make the streams that are new."""
        by_source: dict[int, list[Batch]] = {}
        for batch in batches:
            by_source.setdefault(batch.source.id, []).append(batch)
        installed = catalogue()
        wanted: dict[int, list[tuple[DeviceEntry, Value]]] = {}
        for part in by_source.values():
            source = part[0].source
            identifiers = {item.identifier for batch in part for item in batch.items}
            devices = self._devices.remembered(source, identifiers)
            if devices is None:
                devices = await self._devices.resolve(self._pool, source, identifiers)
            scripted = _scripted(devices)
            for batch in part:
                if scripted and not batch.scripts_ran:
                    await self._scripts.run(batch, devices)
                if len(batch.items) <= INLINE_MESSAGES:
                    decode_batch(batch, devices, installed=installed)
                else:
                    await asyncio.to_thread(decode_batch, batch, devices, installed=installed)
                wanted.setdefault(source.territory_id, []).extend(streams_wanted(batch))
        for territory_id, pairs in wanted.items():
            if pairs:
                await self._devices.ensure_streams(self._pool, territory_id, pairs)


def _scripted(devices: Mapping[str, DeviceEntry | None]) -> bool:
    return any(device is not None and device.script is not None for device in devices.values())


async def _failure(work: Coroutine[Any, Any, None]) -> BaseException | None:
    """Do a piece of work and return what it raised."""
    task = asyncio.create_task(work)
    await asyncio.wait([task])
    return task.exception()


def _tell(done: asyncio.Future[None], problem: BaseException | None) -> None:
    if done.done():  # its sender has left
        return
    if problem is None:
        done.set_result(None)
    else:
        done.set_exception(problem)


def _is_everybodys(problem: BaseException) -> bool:
    """Tell whether a fault is the database's, and no delivery's own."""
    return isinstance(problem, OperationalError) and not is_unstorable(problem)
