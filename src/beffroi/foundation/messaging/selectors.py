from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Count

from beffroi.foundation.messaging.contracts import (
    DeliveryCard,
    DeliveryNotFound,
    DeliveryPage,
    DeliveryState,
    Failure,
    Filters,
    SleepReason,
    WebhookCard,
    WebhookNotFound,
    WebhookState,
)
from beffroi.foundation.messaging.models import Delivery, Webhook

PAGE = 50


def webhooks_list() -> list[WebhookCard]:
    """Return the webhooks of the current territory by name."""
    rows = list(Webhook.objects.order_by("name"))
    waiting = _waiting([row.id for row in rows])
    return [_card(row, waiting=waiting.get(row.id, 0)) for row in rows]


def webhook_get(uuid: UUID) -> WebhookCard:
    """Return one webhook.

    Raises:
        WebhookNotFound: there is none.
    """
    row = Webhook.objects.filter(uuid=uuid).first()
    if row is None:
        raise WebhookNotFound("There is no such webhook here.")
    return _card(row, waiting=_waiting([row.id]).get(row.id, 0))


def deliveries_page(
    webhook_uuid: UUID,
    *,
    states: Sequence[DeliveryState] = (),
    topic: str = "",
    failed: bool = False,
    before: int | None = None,
    limit: int = PAGE,
) -> DeliveryPage:
    """Return deliveries of a webhook, latest first.

    Args:
        webhook_uuid: the webhook.
        states: in one of these; empty means any.
        topic: of this topic; empty means any.
        failed: whose last attempt failed.
        before: only those of a smaller number.
        limit: most of them.
    """
    rows = Delivery.objects.filter(webhook__uuid=webhook_uuid).defer("body")
    if states:
        rows = rows.filter(state__in=[state.value for state in states])
    if topic:
        rows = rows.filter(topic=topic)
    if failed:
        rows = rows.exclude(last_failure="")
    if before is not None:
        rows = rows.filter(number__lt=before)
    found = list(rows.order_by("-number")[: limit + 1])
    shown = found[:limit]
    more = len(found) > limit
    return DeliveryPage(
        deliveries=tuple(_delivery(row) for row in shown),
        before=shown[-1].number if more else None,
    )


def delivery_get(uuid: UUID, *, webhook_uuid: UUID) -> DeliveryCard:
    """Return one delivery with its body.

    Raises:
        DeliveryNotFound: there is none.
    """
    row = Delivery.objects.filter(uuid=uuid, webhook__uuid=webhook_uuid).first()
    if row is None:
        raise DeliveryNotFound("There is no such delivery here.")
    return _delivery(row, body=row.body)


def _waiting(webhook_ids: Sequence[int]) -> dict[int, int]:
    rows = (
        Delivery.objects.filter(webhook_id__in=webhook_ids, state=DeliveryState.WAITING.value)
        .values_list("webhook_id")
        .annotate(Count("id"))
    )
    return dict(rows)


def _card(row: Webhook, *, waiting: int) -> WebhookCard:
    return WebhookCard(
        uuid=row.uuid,
        name=row.name,
        url=row.url,
        topics=tuple(row.topics),
        filters=Filters(**{key: tuple(values) for key, values in row.filters.items()}),
        state=WebhookState(row.state),
        sleep_reason=SleepReason(row.sleep_reason) if row.sleep_reason else None,
        state_changed_at=row.state_changed_at,
        created_at=row.created_at,
        created_by=row.created_by_name,
        former_secret_until=row.former_secret_until,
        last_success_at=row.last_success_at,
        failing_since=row.failing_since,
        waiting=waiting,
    )


def _delivery(row: Delivery, *, body: str = "") -> DeliveryCard:
    return DeliveryCard(
        uuid=row.uuid,
        number=row.number,
        topic=row.topic,
        state=DeliveryState(row.state),
        aside=row.aside,
        event_count=row.event_count,
        created_at=row.created_at,
        attempts=row.attempts,
        first_attempt_at=row.first_attempt_at,
        last_attempt_at=row.last_attempt_at,
        next_attempt_at=row.next_attempt_at if row.state == DeliveryState.WAITING.value else None,
        last_status=row.last_status,
        last_failure=Failure(row.last_failure) if row.last_failure else None,
        last_error=row.last_error,
        excerpt=row.excerpt,
        body=body,
    )
