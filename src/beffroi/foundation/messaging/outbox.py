"""Writing to the outbox: in the transaction of the effect, and only what somebody wants."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection

from beffroi.foundation.database.api import required_territory_id
from beffroi.foundation.messaging.contracts import OutboxEvent
from beffroi.kernel.clock import now
from beffroi.kernel.identifiers import uuid7

WEBHOOKS_CHANNEL = "beffroi_webhooks"
"""Notified, with the number of the territory, when what a webhook wants has changed."""

OUTBOX_INSERT = """
INSERT INTO messaging_outbox (territory_id, uuid, topic, payload, created_at)
SELECT %(territory_id)s, r.uuid, r.topic, r.payload::jsonb, %(created_at)s
FROM unnest(%(event_uuids)s::uuid[], %(topics)s::text[], %(payloads)s::text[])
     WITH ORDINALITY AS r (uuid, topic, payload, rank)
ORDER BY r.rank
"""
"""Write events, whoever wants them; for connections that are not Django's.

Parameters: those of :func:`outbox_columns`. The transaction acts for that territory.
"""

WANTED_SELECT = """
SELECT EXISTS (SELECT FROM messaging_webhook
               WHERE territory_id = %(territory_id)s AND state = 'active' AND topics ? %(topic)s)
"""
"""Tell whether anybody in the territory wants a topic; the answer may be remembered by who
listens to :data:`WEBHOOKS_CHANNEL`."""

_INSERT_WANTED = """
INSERT INTO messaging_outbox (territory_id, uuid, topic, payload, created_at)
SELECT %(territory_id)s, r.uuid, r.topic, r.payload::jsonb, %(created_at)s
FROM unnest(%(event_uuids)s::uuid[], %(topics)s::text[], %(payloads)s::text[])
     WITH ORDINALITY AS r (uuid, topic, payload, rank)
WHERE EXISTS (SELECT FROM messaging_webhook w
              WHERE w.territory_id = %(territory_id)s AND w.state = 'active' AND w.topics ? r.topic)
ORDER BY r.rank
"""


def outbox_append(*events: OutboxEvent) -> int:
    """Write events of the current territory, in the caller's transaction; return how many.

    What no active webhook wants is not written, at the price of looking. Call it after the rows
    it tells of are written: their locks keep two events of one thing in order.

    Raises:
        TerritoryContextError: the code runs outside ``acting_for``, which is the transaction.
    """
    if not events:
        return 0
    columns = outbox_columns(
        required_territory_id(), [(event.topic, event_json(event)) for event in events], at=now()
    )
    with connection.cursor() as cursor:
        cursor.execute(_INSERT_WANTED, columns)
        return int(cursor.rowcount)


def outbox_wanted(topic: str) -> bool:
    """Tell whether an active webhook of the current territory wants a topic."""
    with connection.cursor() as cursor:
        cursor.execute(WANTED_SELECT, {"territory_id": required_territory_id(), "topic": topic})
        return bool(cursor.fetchone()[0])


def outbox_columns(
    territory_id: int, events: Sequence[tuple[str, str]], *, at: datetime
) -> dict[str, Any]:
    """Return the parameters of :data:`OUTBOX_INSERT` for events as ``(topic, JSON text)``."""
    return {
        "territory_id": territory_id,
        "created_at": at,
        "event_uuids": _uuids(events),
        "topics": [topic for topic, _ in events],
        "payloads": [payload for _, payload in events],
    }


def event_json(event: OutboxEvent) -> str:
    """Return an event as JSON text: instants in ISO 8601, UUIDs as text, NUL left out."""
    content = msgspec.to_builtins(event, str_keys=True)
    # A backslash-u-0000 is JSON, and no jsonb.
    return json.dumps(_storable(content), ensure_ascii=False, separators=(",", ":"))


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {str(_storable(key)): _storable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(inner) for inner in value]
    return value


def _uuids(events: Iterable[object]) -> list[UUID]:
    return [uuid7() for _ in events]
