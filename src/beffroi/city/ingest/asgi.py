"""The door for messages: ``POST /ingest/{connector}/{source}``, a bare ASGI callable.

A delivery is acknowledged once all of it is committed, and not before. Whatever else happens,
the sender is told to send again, or what is wrong with what it sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any
from uuid import UUID

from django.conf import settings
from psycopg import OperationalError

from beffroi.city.ingest.activity import (
    ERRORS_PER_MINUTE,
    WRONG_SECRETS_PER_MINUTE,
    Activity,
    write_error,
)
from beffroi.city.ingest.batches import Batch, decode_batch, sort_out
from beffroi.city.ingest.catalogue import catalogue
from beffroi.city.ingest.contracts import DeliveryRefused, Status
from beffroi.city.ingest.directory import (
    DEVICE_CHANNEL,
    SOURCE_CHANNEL,
    DeviceDirectory,
    SourceDirectory,
    SourceEntry,
)
from beffroi.city.ingest.flush import DirectoryStale, flush
from beffroi.city.ingest.postgres import (
    AWAY,
    Pool,
    application_conninfo,
    is_unstorable,
    listen,
    make_pool,
)
from beffroi.city.ingest.requests import (
    BODY_TIME_S,
    INLINE_OCTETS,
    Receive,
    Scope,
    Send,
    answer,
    answer_problem,
    check_content_type,
    delivery_of,
    headers_of,
    read_body,
    secret_is_right,
)
from beffroi.city.ingest.sealing import unseal
from beffroi.kernel.errors import BeffroiError, ParseError
from beffroi.sdk.connectors import Authentication, Delivery, Parsed

log = logging.getLogger("beffroi.ingest")

MAX_IN_FLIGHT = 256
"""Deliveries that a process holds at once; the next is told to come back in a second."""

ATTEMPTS = 4
MOST_PARTS = 200
"""Transactions that one delivery may take when something in it is refused."""

ACTIVITY_EVERY_S = 1.0
REFUSED_TOLD = 100
INLINE_MESSAGES = 50

Unseal = Callable[[bytes, UUID], str]


class IngestApplication:
    """One ingest process.

    Args:
        url: of the application role; read when the server starts.
        unseal: opens the key that a source shares with a network that signs.
        pool_size: connections kept to the database.
        max_in_flight: deliveries held at once.
        body_time_s: how long a sender has for its body.
    """

    def __init__(
        self,
        *,
        url: Callable[[], str],
        unseal: Unseal,
        pool_size: int = 8,
        max_in_flight: int = MAX_IN_FLIGHT,
        body_time_s: float = BODY_TIME_S,
    ) -> None:
        self._url = url
        self._unseal = unseal
        self._pool_size = pool_size
        self._max_in_flight = max_in_flight
        self._body_time_s = body_time_s
        self._in_flight = 0
        self._pool: Pool | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.activity = Activity()
        self.devices = DeviceDirectory()
        self._sources: SourceDirectory | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] == "lifespan":
            await self._live_and_die(receive, send)
        elif scope["type"] == "http":
            await self._respond(scope, receive, send)
        else:
            raise ValueError(f"no {scope['type']} here")

    async def start(self) -> None:
        """Open the pool, without waiting for a database that may be away, and listen."""
        url = self._url()
        self._pool = make_pool(url, size=self._pool_size, name="ingest")
        await self._pool.open(wait=False)
        self._sources = SourceDirectory(self._pool, unseal=self._unseal)
        self._tasks = [
            asyncio.create_task(
                listen(
                    url,
                    (DEVICE_CHANNEL, SOURCE_CHANNEL),
                    heard=self._heard,
                    connected=lambda: self._listening(state=True),
                    lost=lambda: self._listening(state=False),
                )
            ),
            asyncio.create_task(self._write_activity()),
        ]

    async def stop(self) -> None:
        """Write the last counts and close."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._pool is not None:
            with contextlib.suppress(*AWAY):
                await self.activity.write(self._pool)
            await self._pool.close()

    async def _live_and_die(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self.start()
        except Exception as problem:
            await send({"type": "lifespan.startup.failed", "message": str(problem)})
            raise
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        words = scope["path"].split("/")
        allow = "POST"
        try:
            if words == ["", "ingest", "ready"]:
                allow = "GET, HEAD"
                _check_method(scope, "GET", "HEAD")
                await self._say_ready(send)
                return
            _check_path(words)
            _check_method(scope, "POST")
            batch = await self._take(words[2], words[3], scope, receive)
            await answer(send, status=200, content=_told(batch))
        except DeliveryRefused as problem:
            await answer_problem(send, problem, allow=allow if problem.status == 405 else "")
        except ConnectionError:
            return
        except AWAY as problem:
            log.warning("the database is away: %s", str(problem).strip())
            await answer_problem(send, _busy("database.away", seconds=5))
        except Exception:
            log.exception("a delivery failed")
            await answer_problem(
                send, DeliveryRefused("The server failed.", status=500, code="internal")
            )

    async def _take(self, connector: str, key: str, scope: Scope, receive: Receive) -> Batch:
        if self._in_flight >= self._max_in_flight:
            raise _busy("busy", seconds=1)
        self._in_flight += 1
        try:
            source = await self._source(connector, key)
            headers = headers_of(scope)
            signs = source.authentication == Authentication.SIGNATURE.value
            if not signs and not secret_is_right(source, headers):
                raise self._wrong_secret(source)
            content_type = check_content_type(source.connector, headers.get("content-type", ""))
            body = await read_body(headers, receive, time_s=self._body_time_s)
            delivery = delivery_of(
                scope, headers, body, content_type=content_type, settings=source.settings
            )
            if signs and not _is_signed(source, delivery):
                raise self._wrong_secret(source)
            return await self._store(source, delivery)
        finally:
            self._in_flight -= 1

    async def _source(self, connector: str, key: str) -> SourceEntry:
        if self._sources is None or not key.isascii() or not 16 <= len(key) <= 64:
            raise _nowhere()
        source = await self._sources.find(key)
        if source is None or source.connector.key != connector:
            raise _nowhere()
        return source

    async def _store(self, source: SourceEntry, delivery: Delivery) -> Batch:
        try:
            parsed = await self._parsed(source, delivery)
            batch = sort_out(
                parsed,
                source=source,
                received_at=delivery.received_at,
                content_type=delivery.content_type,
            )
            await self._commit_apart(batch)
        except Exception as problem:
            if isinstance(problem, DeliveryRefused) or not (
                isinstance(problem, ParseError) or is_unstorable(problem)
            ):
                raise
            raise await self._unreadable(source, delivery, problem) from problem
        self.activity.note(batch)
        return batch

    async def _commit_apart(self, batch: Batch) -> None:
        """Store a batch; where the database refuses something of it, store all the rest.

        A refused batch is cut in two again and again, until what is refused stands alone.
        """
        waiting, attempts = [batch], 0
        while waiting:
            part, attempts = waiting.pop(), attempts + 1
            try:
                await self._commit(part)
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

    async def _commit(self, batch: Batch) -> None:
        """Look the devices up, decode, flush; again when a device was claimed meanwhile."""
        for _attempt in range(ATTEMPTS):
            try:
                await self._prepare(batch)
                async with self._open_pool().connection() as connection:
                    await flush(connection, [batch])
            except DirectoryStale:
                self.devices.forget(batch.source.territory_id)
            except OperationalError as problem:
                # Two transactions that wait for each other: one is sent back to start again.
                if problem.sqlstate not in {"40P01", "40001"}:
                    raise
            else:
                return
        raise _busy("busy", seconds=1)

    async def _prepare(self, batch: Batch) -> None:
        source, pool, installed = batch.source, self._open_pool(), catalogue()
        devices = await self.devices.resolve(
            pool, source, {item.identifier for item in batch.items}
        )
        if len(batch.items) <= INLINE_MESSAGES:
            decode_batch(batch, devices, installed=installed)
        else:
            await asyncio.to_thread(decode_batch, batch, devices, installed=installed)
        await self.devices.ensure_streams(
            pool,
            source.territory_id,
            (
                (item.device, value)
                for item in batch.items
                if item.device is not None
                for value in item.decoded.values
            ),
        )

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
                self._open_pool(),
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
                self._open_pool(),
                part.source,
                code="message.unstorable",
                message="The message cannot be stored: {reason}.",
                params={"reason": type(problem).__name__},
                body=b"\n".join(item.message.raw for item in part.items),
                content_type=part.content_type,
            )

    def _wrong_secret(self, source: SourceEntry) -> DeliveryRefused:
        self.activity.note_one(source, "wrong_secret")
        if self.activity.within("log", source, limit=1):
            log.warning("wrong secret or signature for source %s", source.uuid)
        if not self.activity.within("secret", source, limit=WRONG_SECRETS_PER_MINUTE):
            return DeliveryRefused(
                "Too many wrong secrets for this source.",
                status=429,
                code="secret.too_many",
                retry_after_s=60,
            )
        return DeliveryRefused(
            "The secret or the signature is not this source's.",
            status=401,
            code="secret.wrong",
            way_out="Check the secret, or make a new one on the source's page.",
        )

    async def _say_ready(self, send: Send) -> None:
        async with self._open_pool().connection(timeout=2) as connection:
            await connection.execute("SELECT 1")
        await answer(send, status=200, content={"ready": True, "listening": self.devices.listening})

    def _open_pool(self) -> Pool:
        if self._pool is None:
            raise _busy("starting", seconds=1)
        return self._pool

    def _heard(self, channel: str, payload: str) -> None:
        if channel == DEVICE_CHANNEL:
            self.devices.forget(int(payload) if payload.isdigit() else None)
        elif self._sources is not None:
            self._sources.forget(payload or None)

    def _listening(self, *, state: bool) -> None:
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
                await self.activity.write(self._open_pool())
            except AWAY:
                continue
            except Exception:
                if monotonic() > quiet_until:
                    log.exception("the counts of the sources cannot be written")
                    quiet_until = monotonic() + 60


def _is_signed(source: SourceEntry, delivery: Delivery) -> bool:
    verify = source.connector.verify
    if verify is None or not source.shared_key:
        return False
    try:
        return verify(delivery, source.shared_key)
    except Exception:
        log.exception("the connector %s failed to verify", source.connector.key)
        return False


def _told(batch: Batch) -> dict[str, Any]:
    return {
        "accepted": batch.accepted,
        "duplicates": batch.duplicates,
        "unclaimed": batch.counts.get(Status.UNCLAIMED, 0),
        "undecodable": batch.counts.get(Status.UNDECODABLE, 0),
        "quarantined": batch.counts.get(Status.QUARANTINED, 0),
        "refused": [
            {
                "index": refusal.index,
                "code": refusal.code,
                "message": str(
                    BeffroiError(refusal.message, way_out=refusal.way_out, params=refusal.params)
                ),
            }
            for refusal in batch.refusals[:REFUSED_TOLD]
        ],
        "refused_count": len(batch.refusals),
    }


def _check_method(scope: Scope, *allowed: str) -> None:
    if scope["method"] not in allowed:
        raise DeliveryRefused(
            "This address takes {methods}.",
            status=405,
            code="method",
            params={"methods": " or ".join(allowed)},
        )


def _check_path(words: Sequence[str]) -> None:
    if len(words) != 4 or words[1] != "ingest":
        raise _nowhere()


def _nowhere() -> DeliveryRefused:
    return DeliveryRefused(
        "There is no such source.",
        status=404,
        code="source.unknown",
        way_out="Copy the address from the source's page.",
    )


def _busy(code: str, *, seconds: int) -> DeliveryRefused:
    return DeliveryRefused(
        "The delivery cannot be taken now.",
        status=503,
        code=code,
        way_out="Send it again.",
        retry_after_s=seconds,
    )


def _unseal_with_settings(sealed: bytes, source: UUID) -> str:
    secret_keys = [str(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    return unseal(sealed, source=source, secret_keys=secret_keys)


application = IngestApplication(url=application_conninfo, unseal=_unseal_with_settings)
"""What ``servers.run_ingest`` serves; Django is set up before, for its settings."""
