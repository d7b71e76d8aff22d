"""The door for messages: ``POST /ingest/{connector}/{source}``, a bare ASGI callable.

A delivery is acknowledged once all of it is committed, and not before. Whatever else happens,
the sender is told to send again, or what is wrong with what it sent.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from beffroi.city.ingest.activity import WRONG_SECRETS_PER_MINUTE
from beffroi.city.ingest.batches import Batch
from beffroi.city.ingest.contracts import DeliveryRefused, Status
from beffroi.city.ingest.directory import SourceEntry
from beffroi.city.ingest.intake import Intake, busy, nowhere, unseal_with_settings
from beffroi.city.ingest.postgres import AWAY, application_conninfo
from beffroi.city.ingest.requests import (
    BODY_TIME_S,
    Receive,
    Scope,
    Send,
    answer,
    answer_problem,
    check_content_type,
    delivery_of,
    headers_of,
    octets_announced,
    read_body,
    secret_is_right,
)
from beffroi.city.ingest.verdicts import verdicts_of, wants_verdicts
from beffroi.kernel.errors import BeffroiError
from beffroi.sdk.connectors import Authentication, Delivery

log = logging.getLogger("beffroi.ingest")

REFUSED_TOLD = 100


class IngestApplication:
    """The HTTP door of one ingest process.

    Args:
        intake: takes deliveries to the database; started and stopped with the server.
        body_time_s: how long a sender has for its body.
    """

    def __init__(self, intake: Intake, *, body_time_s: float = BODY_TIME_S) -> None:
        self.intake = intake
        self._body_time_s = body_time_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] == "http":
            await self._respond(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live_and_die(receive, send)
        else:
            raise ValueError(f"no {scope['type']} here")

    async def _live_and_die(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self.intake.start()
        except Exception as problem:
            await send({"type": "lifespan.startup.failed", "message": str(problem)})
            raise
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.intake.stop()
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
            content = await self._take(words[2], words[3], scope, receive)
            await answer(send, status=200, content=content)
        except DeliveryRefused as problem:
            await answer_problem(send, problem, allow=allow if problem.status == 405 else "")
        except ConnectionError:
            return
        except AWAY as problem:
            log.warning("the database is away: %s", str(problem).strip())
            await answer_problem(send, busy("database.away", seconds=5))
        except Exception:
            log.exception("a delivery failed")
            await answer_problem(
                send, DeliveryRefused("The server failed.", status=500, code="internal")
            )

    async def _take(
        self, connector: str, key: str, scope: Scope, receive: Receive
    ) -> dict[str, Any]:
        headers = headers_of(scope)
        octets = octets_announced(headers)
        self.intake.hold(octets)
        try:
            source = await self.intake.source(connector, key)
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
            batch = await self.intake.take(source, delivery)
            content = told(batch)
            if wants_verdicts(headers, query=delivery.query_string):
                content["verdicts"] = verdicts_of(batch)
            return content
        finally:
            self.intake.release(octets)

    def _wrong_secret(self, source: SourceEntry) -> DeliveryRefused:
        self.intake.activity.note_one(source, "wrong_secret")
        if self.intake.activity.within("log", source, limit=1):
            log.warning("wrong secret or signature for source %s", source.uuid)
        if not self.intake.activity.within("secret", source, limit=WRONG_SECRETS_PER_MINUTE):
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
        await self.intake.check()
        listening = self.intake.devices.listening
        await answer(send, status=200, content={"ready": True, "listening": listening})


def _is_signed(source: SourceEntry, delivery: Delivery) -> bool:
    verify = source.connector.verify
    if verify is None or not source.shared_key:
        return False
    try:
        return verify(delivery, source.shared_key)
    except Exception:
        log.exception("the connector %s failed to verify", source.connector.key)
        return False


def told(batch: Batch) -> dict[str, Any]:
    """Return what a sender is answered whose delivery is stored."""
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
        raise nowhere()


application = IngestApplication(Intake(url=application_conninfo, unseal=unseal_with_settings))
"""What ``servers.run_ingest`` serves; Django is set up before, for its settings."""
