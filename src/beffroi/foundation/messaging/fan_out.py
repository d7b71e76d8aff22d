"""From events to deliveries: each event once for each webhook that wants it, in order."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from beffroi.foundation.database.api import acting_for
from beffroi.foundation.messaging.contracts import (
    BATCH_EVENTS,
    BATCH_OCTETS,
    MOST_WAITING,
    DeliveryState,
    Filters,
    SleepReason,
    WebhookState,
)
from beffroi.foundation.messaging.matching import Narrowing, narrowing_of
from beffroi.foundation.messaging.models import Delivery, OutboxRow, Webhook
from beffroi.foundation.messaging.states import put_to_sleep
from beffroi.foundation.territories.api import areas_list, areas_within, territory_by_id

EVENTS_AT_ONCE = 2_000
FAN_OUT_LOCK = 0x4F555442
"""First half of the advisory lock of one fan-out per territory ("OUTB")."""


@dataclass(slots=True)
class _Line:
    """The deliveries that one webhook gets from one fan-out."""

    webhook: Webhook
    narrowing: Narrowing
    deliveries: list[Delivery] = field(default_factory=list)
    topic: str = ""
    events: list[str] = field(default_factory=list)
    octets: int = 0
    since: str = ""


def fan_out(territory_id: int, *, at: datetime) -> int:
    """Put the oldest events of a territory in deliveries; return how many events went.

    One process at a time does it for a territory; another that comes meanwhile returns 0.
    """
    with acting_for(territory_id):
        if not _alone(territory_id):
            return 0
        rows = list(OutboxRow.objects.order_by("id")[:EVENTS_AT_ONCE])
        if not rows:
            return 0
        slug = territory_by_id(territory_id).slug
        lines = _lines()
        for row in rows:
            for line in lines:
                if row.topic in line.webhook.topics:
                    _add(line, row, slug=slug, at=at)
        for line in lines:
            _close(line, slug=slug, at=at)
            _store(line, at=at)
        OutboxRow.objects.filter(id__in=[row.id for row in rows]).delete()
        return len(rows)


def body_of(topic: str, events: Iterable[str], *, territory: str, since: str) -> str:
    """Return the JSON text of a delivery; ``events`` are JSON texts."""
    head = json.dumps(
        {"type": topic, "timestamp": since, "territory": territory}, ensure_ascii=False
    )
    return f'{head[:-1]}, "events": [{", ".join(events)}]}}'


def event_of(uuid: UUID, data: dict[str, Any], *, at: datetime) -> str:
    """Return the JSON text of one event of a delivery."""
    return json.dumps({"id": str(uuid), "at": instant(at), "data": data}, ensure_ascii=False)


def instant(at: datetime) -> str:
    """Return an instant of UTC as it is sent."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _alone(territory_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [FAN_OUT_LOCK, territory_id])
        return bool(cursor.fetchone()[0])


def _lines() -> list[_Line]:
    # Locked: the number of the last delivery is counted on, and a sender writes the row too.
    webhooks = list(
        Webhook.objects.select_for_update().filter(state=WebhookState.ACTIVE.value).order_by("id")
    )
    filters = [Filters(**{key: tuple(v) for key, v in one.filters.items()}) for one in webhooks]
    below = areas_within({area for one in filters for area in one.areas})
    names = {card.id: str(card.uuid) for card in areas_list()} if webhooks else {}
    return [
        _Line(webhook, narrowing_of(one, below=below, area_names=names))
        for webhook, one in zip(webhooks, filters, strict=True)
    ]


def _add(line: _Line, row: OutboxRow, *, slug: str, at: datetime) -> None:
    data = line.narrowing.written(row.payload)
    if data is None:
        return
    text = event_of(row.uuid, data, at=row.created_at)
    octets = len(text.encode())
    full = len(line.events) >= BATCH_EVENTS or line.octets + octets > BATCH_OCTETS
    if line.events and (line.topic != row.topic or full):
        _close(line, slug=slug, at=at)
    if not line.events:
        line.topic, line.since = row.topic, instant(row.created_at)
    line.events.append(text)
    line.octets += octets


def _close(line: _Line, *, slug: str, at: datetime) -> None:
    """Make a delivery of the events gathered so far."""
    if not line.events:
        return
    line.webhook.last_number += 1
    line.deliveries.append(
        Delivery(
            territory_id=line.webhook.territory_id,
            webhook_id=line.webhook.id,
            number=line.webhook.last_number,
            topic=line.topic,
            event_count=len(line.events),
            body=body_of(line.topic, line.events, territory=slug, since=line.since),
            created_at=at,
            next_attempt_at=at,
        )
    )
    line.events, line.octets = [], 0


def _store(line: _Line, *, at: datetime) -> None:
    if not line.deliveries:
        return
    Delivery.objects.bulk_create(line.deliveries, batch_size=200)
    line.webhook.save(update_fields=["last_number"])
    waiting = Delivery.objects.filter(
        webhook_id=line.webhook.id, state=DeliveryState.WAITING.value
    )[: MOST_WAITING + 1]
    if waiting.count() > MOST_WAITING:
        put_to_sleep(line.webhook, SleepReason.TOO_MANY, at=at)
