"""From a delivery to the disk, whichever way it came: what HTTP and MQTT share."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from time import monotonic
from uuid import UUID

from django.conf import settings

from beffroi.city.ingest.activity import ERRORS_PER_MINUTE, Activity, write_error
from beffroi.city.ingest.batches import Batch, sort_out
from beffroi.city.ingest.catalogue import catalogue
from beffroi.city.ingest.committing import Committer
from beffroi.city.ingest.contracts import DeliveryRefused
from beffroi.city.ingest.directory import (
    DEVICE_CHANNEL,
    SOURCE_CHANNEL,
    DeviceDirectory,
    SourceDirectory,
    SourceEntry,
)
from beffroi.city.ingest.events import ObservationInterest
from beffroi.city.ingest.postgres import AWAY, Pool, is_unstorable, listen, make_pool
from beffroi.city.ingest.sealing import unseal
from beffroi.foundation.messaging.api import WEBHOOKS_CHANNEL
from beffroi.kernel.errors import BeffroiError, ParseError
from beffroi.sdk.connectors import Delivery, Parsed

log = logging.getLogger("beffroi.ingest")

MAX_DELIVERIES = 2_000
MAX_OCTETS = 128 * 1024 * 1024
"""Deliveries, and octets of them, that a process holds at once; the next is told to come back."""

INLINE_OCTETS = 64 * 1024
"""A longer body is unpacked, parsed and decoded in a thread, so that the others do not wait."""

ACTIVITY_EVERY_S = 1.0

Unseal = Callable[[bytes, UUID], str]


class Intake:
    """What one ingest process knows and does, between a door and the database.

    Args:
        url: of the application role; read at the start.
        unseal: opens the key that a source shares with a network that signs.
        name: of the connections, as an administrator sees them.
        pool_size: connections kept to the database.
        max_deliveries: deliveries held at once.
        max_octets: of the bodies held at once.
    """

    def __init__(
        self,
        *,
        url: Callable[[], str],
        unseal: Unseal,
        name: str = "ingest",
        pool_size: int = 8,
        max_deliveries: int = MAX_DELIVERIES,
        max_octets: int = MAX_OCTETS,
    ) -> None:
        self._url = url
        self._unseal = unseal
        self._name = name
        self._pool_size = pool_size
        self._deliveries_left = max_deliveries
        self._octets_left = max_octets
        self._pool: Pool | None = None
        self._sources: SourceDirectory | None = None
        self._committer: Committer | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.activity = Activity()
        self.devices = DeviceDirectory()
        self._interest = ObservationInterest()

    async def start(self) -> None:
        """Open the pool, without waiting for a database that may be away, and listen."""
        url = self._url()
        catalogue()  # now, rather than while the first message waits
        self._pool = make_pool(url, size=self._pool_size, name=self._name)
        await self._pool.open(wait=False)
        self._sources = SourceDirectory(self._pool, unseal=self._unseal)
        self._committer = Committer(
            self._pool, self.devices, interest=self._interest, keep_refused=self._keep_refused
        )
        self._committer.start()
        self._tasks = [
            asyncio.create_task(
                listen(
                    url,
                    (DEVICE_CHANNEL, SOURCE_CHANNEL, WEBHOOKS_CHANNEL),
                    heard=self._heard,
                    connected=lambda: self._listening(state=True),
                    lost=lambda: self._listening(state=False),
                )
            ),
            asyncio.create_task(self._write_activity()),
        ]

    async def stop(self) -> None:
        """Finish what was taken, write the last counts and close."""
        if self._committer is not None:
            await self._committer.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._pool is not None:
            with contextlib.suppress(*AWAY):
                await self.activity.write(self._pool)
            await self._pool.close()

    def hold(self, octets: int) -> None:
        """Take room for a delivery of so many octets, until :meth:`release` of the same.

        Raises:
            DeliveryRefused: 503, there is no room now.
        """
        if self._deliveries_left < 1 or self._octets_left < octets:
            raise busy("busy", seconds=1)
        self._deliveries_left -= 1
        self._octets_left -= octets

    def release(self, octets: int) -> None:
        """Give back the room of a delivery."""
        self._deliveries_left += 1
        self._octets_left += octets

    async def source(self, connector_key: str, key: str) -> SourceEntry:
        """Return the enabled source of an address.

        Raises:
            DeliveryRefused: 404, there is none.
        """
        if self._sources is None or not key.isascii() or not 16 <= len(key) <= 64:
            raise nowhere()
        source = self._sources.remembered(key) or await self._sources.find(key)
        if source is None or source.connector.key != connector_key:
            raise nowhere()
        return source

    async def take(self, source: SourceEntry, delivery: Delivery) -> Batch:
        """Store a delivery; it is on disk when this returns.

        Raises:
            DeliveryRefused: it cannot be read (422), or not taken now (503).
            psycopg.OperationalError, PoolTimeout: the database is away, or was lost meanwhile.
        """
        try:
            batch = sort_out(
                await self._parsed(source, delivery),
                source=source,
                received_at=delivery.received_at,
                content_type=delivery.content_type,
            )
            await self._ready_committer().commit(batch)
        except Exception as problem:
            if isinstance(problem, DeliveryRefused) or not (
                isinstance(problem, ParseError) or is_unstorable(problem)
            ):
                raise
            raise await self._unreadable(source, delivery, problem) from problem
        self.activity.note(batch)
        return batch

    async def check(self) -> None:
        """Ask the database for a sign of life.

        Raises:
            psycopg.OperationalError, PoolTimeout: it gives none.
        """
        async with self.pool.connection(timeout=2) as connection:
            await connection.execute("SELECT 1")

    @property
    def pool(self) -> Pool:
        """Return the connections to the database.

        Raises:
            DeliveryRefused: 503, the process has not started.
        """
        if self._pool is None:
            raise busy("starting", seconds=1)
        return self._pool

    def _ready_committer(self) -> Committer:
        if self._committer is None:
            raise busy("starting", seconds=1)
        return self._committer

    async def _parsed(self, source: SourceEntry, delivery: Delivery) -> Sequence[Parsed]:
        try:
            if len(delivery.body) <= INLINE_OCTETS:
                return source.connector.parse(delivery)
            return await asyncio.to_thread(source.connector.parse, delivery)
        except ParseError:
            raise
        except Exception as problem:
            log.exception("the connector %s failed", source.connector.key)
            raise ParseError(
                "The connector {connector} failed: {problem}.",
                code="connector.failed",
                params={"connector": source.connector.key, "problem": type(problem).__name__},
            ) from problem

    async def _unreadable(
        self, source: SourceEntry, delivery: Delivery, problem: Exception
    ) -> DeliveryRefused:
        """Keep what could not be read, within bounds, and return what the sender is told."""
        if isinstance(problem, BeffroiError):
            code, message, params = problem.code, problem.message, problem.params
        else:
            log.error("a delivery cannot be stored", exc_info=problem)
            code, message, params = "delivery.unstorable", "The delivery cannot be stored.", {}
        self.activity.note_one(source, "refused")
        if self.activity.within("error", source, limit=ERRORS_PER_MINUTE):
            await write_error(
                self.pool,
                source,
                code=code,
                message=message,
                params=params,
                body=delivery.body,
                content_type=delivery.content_type,
            )
        return DeliveryRefused(message, status=422, code=code, params=params)

    async def _keep_refused(self, part: Batch, problem: Exception) -> None:
        if self.activity.within("error", part.source, limit=ERRORS_PER_MINUTE):
            await write_error(
                self.pool,
                part.source,
                code="message.unstorable",
                message="The message cannot be stored: {reason}.",
                params={"reason": type(problem).__name__},
                body=b"\n".join(item.message.raw for item in part.items),
                content_type=part.content_type,
            )

    def _heard(self, channel: str, payload: str) -> None:
        if channel == DEVICE_CHANNEL:
            self.devices.forget(int(payload) if payload.isdigit() else None)
        elif channel == WEBHOOKS_CHANNEL:
            self._interest.forget(int(payload))
        elif self._sources is not None:
            self._sources.forget(payload or None)

    def _listening(self, *, state: bool) -> None:
        self._interest.remember(state)
        self.devices.listening = state
        self.devices.forget()
        if self._sources is not None:
            self._sources.listening = state
            self._sources.forget()

    async def _write_activity(self) -> None:
        quiet_until = 0.0
        while True:
            await asyncio.sleep(ACTIVITY_EVERY_S)
            try:
                await self.activity.write(self.pool)
            except AWAY:
                continue
            except Exception:
                if monotonic() > quiet_until:
                    log.exception("the counts of the sources cannot be written")
                    quiet_until = monotonic() + 60


def busy(code: str, *, seconds: int) -> DeliveryRefused:
    """Return what a sender is told that must come back."""
    return DeliveryRefused(
        "The delivery cannot be taken now.",
        status=503,
        code=code,
        way_out="Send it again.",
        retry_after_s=seconds,
    )


def nowhere() -> DeliveryRefused:
    """Return what a sender is told whose address is nobody's."""
    return DeliveryRefused(
        "There is no such source.",
        status=404,
        code="source.unknown",
        way_out="Copy the address from the source's page.",
    )


def unseal_with_settings(sealed: bytes, source: UUID) -> str:
    """Open a shared key with the installation's secret, or one that it had before."""
    secret_keys = [str(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    return unseal(sealed, source=source, secret_keys=secret_keys)
