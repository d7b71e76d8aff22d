from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction

from beffroi.foundation.audit.api import SYSTEM, Actor
from beffroi.foundation.database.api import required_territory_id
from beffroi.foundation.messaging import journal
from beffroi.foundation.messaging.contracts import (
    MAX_NAME,
    MAX_WEBHOOKS,
    PING,
    ROTATION_OVERLAP,
    Answer,
    DeliveryNotFound,
    DeliveryState,
    Filters,
    IssuedWebhook,
    WebhookNotFound,
    WebhookRefused,
    WebhookState,
)
from beffroi.foundation.messaging.destinations import parse_destination
from beffroi.foundation.messaging.fan_out import body_of, event_of, instant
from beffroi.foundation.messaging.models import Delivery, Webhook
from beffroi.foundation.messaging.posting import Way
from beffroi.foundation.messaging.secrets_at_rest import sealed
from beffroi.foundation.messaging.sending import installation_way, send_now
from beffroi.foundation.messaging.signing import new_secret
from beffroi.foundation.messaging.states import state_set
from beffroi.foundation.messaging.topics import topics_all
from beffroi.foundation.territories.api import areas_list, territory_by_id
from beffroi.kernel.clock import now
from beffroi.kernel.identifiers import uuid7
from beffroi.sdk.registry import asset_types, domains, measures


@transaction.atomic
def webhook_create(
    *,
    name: str,
    url: str,
    topics: Sequence[str],
    filters: Filters | None = None,
    actor: Actor = SYSTEM,
    ip: str = "",
) -> IssuedWebhook:
    """Add a webhook; its secret is returned here and never again.

    Raises:
        WebhookRefused: the name, the address, a topic or a filter does not fit.
    """
    if Webhook.objects.count() >= MAX_WEBHOOKS:
        raise WebhookRefused(
            "A town has at most {limit} webhooks.", field="name", params={"limit": MAX_WEBHOOKS}
        )
    secret = new_secret()
    webhook = Webhook(
        territory_id=required_territory_id(),
        name=_checked_name(name),
        url=_checked_url(url),
        topics=_checked_topics(topics),
        filters=_checked_filters(filters or Filters()),
        created_by_id=actor.user_id,
        created_by_name=actor.name[:200],
    )
    webhook.sealed_secret = sealed(secret, webhook=webhook.uuid)
    _save(webhook)
    journal.tell(
        journal.CREATED, webhook, actor=actor, ip=ip, url=webhook.url, topics=webhook.topics
    )
    return IssuedWebhook(uuid=webhook.uuid, secret=secret)


@transaction.atomic
def webhook_change(
    uuid: UUID,
    *,
    name: str,
    url: str,
    topics: Sequence[str],
    filters: Filters,
    actor: Actor = SYSTEM,
    ip: str = "",
) -> None:
    """Change what a webhook is called, where it sends and what it wants.

    What waits already goes to the new address.

    Raises:
        WebhookNotFound: there is none.
        WebhookRefused: a value does not fit.
    """
    webhook = _locked(uuid)
    webhook.name = _checked_name(name)
    webhook.url = _checked_url(url)
    webhook.topics = _checked_topics(topics)
    webhook.filters = _checked_filters(filters)
    _save(webhook)
    journal.tell(
        journal.CHANGED, webhook, actor=actor, ip=ip, url=webhook.url, topics=webhook.topics
    )


@transaction.atomic
def webhook_rotate_secret(
    uuid: UUID, *, overlap: timedelta = ROTATION_OVERLAP, actor: Actor = SYSTEM, ip: str = ""
) -> IssuedWebhook:
    """Make a new secret; both sign until the overlap ends (0: the former ends at once).

    Raises:
        WebhookNotFound: there is none.
    """
    webhook = _locked(uuid)
    secret = new_secret()
    until = now() + overlap if overlap > timedelta(0) else None
    webhook.former_sealed_secret = webhook.sealed_secret if until is not None else None
    webhook.former_secret_until = until
    webhook.sealed_secret = sealed(secret, webhook=webhook.uuid)
    webhook.save(update_fields=["sealed_secret", "former_sealed_secret", "former_secret_until"])
    journal.tell(journal.ROTATED, webhook, actor=actor, ip=ip)
    return IssuedWebhook(uuid=webhook.uuid, secret=secret, former_valid_until=until)


@transaction.atomic
def webhook_pause(uuid: UUID, *, actor: Actor = SYSTEM, ip: str = "") -> None:
    """Stop sending; what happens meanwhile is not kept for it, what waits stays.

    Raises:
        WebhookNotFound: there is none.
    """
    webhook = _locked(uuid)
    if state_set(webhook, WebhookState.PAUSED, at=now()):
        journal.tell(journal.PAUSED, webhook, actor=actor, ip=ip)


@transaction.atomic
def webhook_resume(uuid: UUID, *, actor: Actor = SYSTEM, ip: str = "") -> None:
    """Send again, beginning at once with what waits.

    Raises:
        WebhookNotFound: there is none.
    """
    webhook = _locked(uuid)
    if not state_set(webhook, WebhookState.ACTIVE, at=now()):
        return
    webhook.failing_since, webhook.failures = None, 0
    webhook.save(update_fields=["failing_since", "failures"])
    waiting = Delivery.objects.filter(webhook_id=webhook.id, state=DeliveryState.WAITING.value)
    waiting.update(next_attempt_at=now(), first_attempt_at=None)
    journal.tell(journal.RESUMED, webhook, actor=actor, ip=ip)


@transaction.atomic
def webhook_remove(uuid: UUID, *, actor: Actor = SYSTEM, ip: str = "") -> None:
    """Remove a webhook with its deliveries.

    Raises:
        WebhookNotFound: there is none.
    """
    webhook = _locked(uuid)
    Webhook.objects.filter(id=webhook.id).delete()
    journal.tell(journal.REMOVED, webhook, actor=actor, ip=ip, url=webhook.url)


def webhook_test(
    uuid: UUID, *, way: Way | None = None, actor: Actor = SYSTEM, ip: str = ""
) -> Answer:
    """Send a signed ``ping`` at once, keep it among the deliveries, and return the answer.

    Waits for the receiver, at most as long as a delivery does. It is not tried again.

    Raises:
        WebhookNotFound: there is none.
        WebhookRefused: the secret cannot be opened.
    """
    webhook = _found(uuid)
    at, identifier = now(), uuid7()
    territory = territory_by_id(webhook.territory_id).slug
    event = event_of(uuid7(), {"webhook": str(webhook.uuid), "name": webhook.name}, at=at)
    body = body_of(PING, [event], territory=territory, since=instant(at))
    answer = send_now(webhook, identifier=identifier, topic=PING, body=body, way=way)
    with transaction.atomic():
        _keep_test(uuid, identifier, body, answer, at=at)
        told = str(answer.status) if answer.status is not None else str(answer.failure)
        journal.tell(journal.TESTED, webhook, actor=actor, ip=ip, answer=told)
    return answer


@transaction.atomic
def delivery_resend(uuid: UUID, *, webhook_uuid: UUID, actor: Actor = SYSTEM, ip: str = "") -> None:
    """Send a delivery again at once, delivered or given up, under the same identifier.

    It goes beside the line: those that wait do not wait for it.

    Raises:
        DeliveryNotFound: there is none.
    """
    delivery = (
        Delivery.objects.select_for_update(of=("self",))
        .select_related("webhook")
        .filter(uuid=uuid, webhook__uuid=webhook_uuid)
        .exclude(topic=PING)
        .first()
    )
    if delivery is None:
        raise DeliveryNotFound("There is no such delivery here.")
    if delivery.state != DeliveryState.WAITING.value:
        delivery.aside = True
    delivery.state = DeliveryState.WAITING.value
    delivery.first_attempt_at = None
    delivery.next_attempt_at = now()
    delivery.save(update_fields=["aside", "state", "first_attempt_at", "next_attempt_at"])
    journal.tell(journal.RESENT, delivery.webhook, actor=actor, ip=ip, delivery=delivery.number)


def _keep_test(uuid: UUID, identifier: UUID, body: str, answer: Answer, *, at: datetime) -> None:
    webhook = _locked(uuid)
    webhook.last_number += 1
    webhook.save(update_fields=["last_number"])
    state = DeliveryState.DELIVERED if answer.accepted else DeliveryState.GIVEN_UP
    Delivery.objects.create(
        territory_id=webhook.territory_id,
        uuid=identifier,
        webhook_id=webhook.id,
        number=webhook.last_number,
        topic=PING,
        event_count=1,
        body=body,
        state=state.value,
        created_at=at,
        attempts=1,
        first_attempt_at=at,
        last_attempt_at=at,
        next_attempt_at=at,
        last_status=answer.status,
        last_failure=answer.failure or "",
        last_error=answer.detail[:300],
        excerpt=answer.excerpt,
    )


def _found(uuid: UUID) -> Webhook:
    webhook = Webhook.objects.filter(uuid=uuid).first()
    if webhook is None:
        raise WebhookNotFound("There is no such webhook here.")
    return webhook


def _locked(uuid: UUID) -> Webhook:
    webhook = Webhook.objects.select_for_update().filter(uuid=uuid).first()
    if webhook is None:
        raise WebhookNotFound("There is no such webhook here.")
    return webhook


def _save(webhook: Webhook) -> None:
    try:
        with transaction.atomic():
            webhook.save()
    except IntegrityError as problem:
        raise WebhookRefused(
            "There is already a webhook called {value}.", field="name", value=webhook.name
        ) from problem


def _checked_name(name: str) -> str:
    plain = " ".join(name.replace("\x00", "").split())
    if not plain or len(plain) > MAX_NAME:
        raise WebhookRefused(
            "A webhook has a name of at most {limit} characters.",
            field="name",
            value=name,
            params={"limit": MAX_NAME},
        )
    return plain


def _checked_url(url: str) -> str:
    plain = url.strip()
    parse_destination(plain, policy=installation_way().policy)
    return plain


def _checked_topics(topics: Sequence[str]) -> list[str]:
    known = {topic.key for topic in topics_all()}
    chosen = sorted(set(topics))
    if not chosen:
        raise WebhookRefused("Choose at least one kind of event.", field="topics")
    for topic in chosen:
        if topic not in known:
            raise WebhookRefused("There is no event {value}.", field="topics", value=topic)
    return chosen


def _checked_filters(filters: Filters) -> dict[str, list[object]]:
    known: dict[str, set[object]] = {
        "domains": set(domains()),
        "types": set(asset_types()),
        "measures": set(measures()),
        "areas": {card.id for card in areas_list()} if filters.areas else set(),
    }
    for name, values in asdict(filters).items():
        for value in values:
            if value not in known[name]:
                raise WebhookRefused("{value} is not known here.", field=name, value=value)
    kept: dict[str, list[object]] = json.loads(json.dumps(asdict(filters)))
    return {name: sorted(set(values), key=str) for name, values in kept.items() if values}
