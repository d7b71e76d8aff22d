"""Serving webhooks: claim one, send the head of its line, note what came back.

Nothing is held in the database while a receiver is waited for: a claim is a name and an end on
the webhook's row. A sender that is killed leaves a claim that ends by itself; what it had sent and
not noted is sent again under the same identifier.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.metadata import version
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection
from django.db.utils import DatabaseError

from beffroi.foundation.database.api import acting_for
from beffroi.foundation.messaging.contracts import (
    EXCERPT_OCTETS,
    GIVE_UP_AFTER,
    PUT_ASIDE_AFTER,
    Answer,
    DeliveryState,
    Failure,
    SleepReason,
    WebhookRefused,
    WebhookState,
)
from beffroi.foundation.messaging.destinations import Policy, parse_destination, parse_networks
from beffroi.foundation.messaging.fan_out import fan_out
from beffroi.foundation.messaging.models import Delivery, Webhook
from beffroi.foundation.messaging.posting import Way, post
from beffroi.foundation.messaging.secrets_at_rest import secrets_of
from beffroi.foundation.messaging.signing import signature_headers
from beffroi.foundation.messaging.states import put_to_sleep
from beffroi.kernel import clock

log = logging.getLogger("beffroi.messaging")

LEASE = timedelta(seconds=90)
"""How long a claim holds without news: longer than a slow name, then a slow receiver."""

AT_ONCE = 50
"""Deliveries sent to one webhook before others get their turn."""

FIRST_WAIT = timedelta(seconds=10)
LONGEST_WAIT = timedelta(hours=1)
BACK_AFTER = timedelta(minutes=15)
"""A receiver that accepts again after failing for so long gets at once what waits for it."""

SENDERS = 4
STEP_S = 1.0
GONE = 410

_HEAD = """
SELECT d.id FROM messaging_delivery d
WHERE d.territory_id = %(territory)s AND d.webhook_id = %(webhook)s AND d.state = 'waiting'
  AND d.next_attempt_at <= %(at)s
  AND (d.aside OR d.number = (
      SELECT min(e.number) FROM messaging_delivery e
      WHERE e.territory_id = %(territory)s AND e.webhook_id = %(webhook)s
        AND e.state = 'waiting' AND NOT e.aside))
ORDER BY d.aside DESC, d.number LIMIT 1
"""

# Least recently served first; another sender's pick is passed over, not waited for.
_CLAIM = """
UPDATE messaging_webhook SET claim = %(claim)s, claimed_until = %(until)s
WHERE territory_id = %(territory)s AND id = (
    SELECT w.id FROM messaging_webhook w
    WHERE w.territory_id = %(territory)s AND w.state = 'active'
      AND (w.claimed_until IS NULL OR w.claimed_until <= %(at)s)
      AND EXISTS (
          SELECT FROM messaging_delivery d
          WHERE d.territory_id = %(territory)s AND d.webhook_id = w.id AND d.state = 'waiting'
            AND d.next_attempt_at <= %(at)s
            AND (d.aside OR NOT EXISTS (
                SELECT FROM messaging_delivery e
                WHERE e.territory_id = %(territory)s AND e.webhook_id = w.id
                  AND e.state = 'waiting' AND NOT e.aside AND e.number < d.number)))
    ORDER BY w.claimed_until NULLS FIRST, w.id
    LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id
"""


@dataclass(frozen=True, slots=True)
class _Claimed:
    territory_id: int
    webhook_id: int
    claim: UUID


@dataclass(frozen=True, slots=True)
class _Next:
    """What is sent next, read in a transaction that has ended."""

    webhook: Webhook
    delivery: Delivery
    secrets: list[str]


def installation_way() -> Way:
    """Return how this installation reaches the outside."""
    return Way(policy=Policy(parse_networks(settings.BEFFROI.webhook_networks)))


def work_once(*, way: Way | None = None, stop: threading.Event | None = None) -> int:
    """Do what is due in every territory; return how many events and deliveries were handled.

    Safe in any number of processes and threads at once; returns early once ``stop`` is set.
    """
    stop = stop or threading.Event()
    done = 0
    for territory_id in _due(clock.now()):
        done += fan_out(territory_id, at=clock.now())
        while not stop.is_set() and (claimed := _claim(territory_id)):
            done += _serve(claimed, way=way or installation_way(), stop=stop)
    return done


def run_sender(stop: threading.Event) -> None:
    """Send until ``stop`` is set, with a few threads: a slow receiver delays its own line only."""
    threads = [
        threading.Thread(target=_send_until, args=(stop,), name=f"sender-{rank}", daemon=True)
        for rank in range(SENDERS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def send_now(
    webhook: Webhook, *, identifier: UUID, topic: str, body: str, way: Way | None = None
) -> Answer:
    """Send one body at once, signed, and return the answer; nothing is written.

    Raises:
        WebhookRefused: the secret cannot be opened.
    """
    at = clock.now()
    secrets = secrets_of(webhook, at=at)
    if secrets is None:
        raise WebhookRefused(
            "The secret of this webhook cannot be opened: SECRET_KEY has changed.",
            field="secret",
            way_out="Make a new secret.",
        )
    return _post(
        webhook.url,
        body=body,
        identifier=identifier,
        topic=topic,
        secrets=secrets,
        way=way or installation_way(),
    )


def back_off(attempts: int, *, draw: float) -> timedelta:
    """Return the wait after that many failed attempts: doubled each time, spread by a fifth.

    Args:
        attempts: from 1.
        draw: between 0 and 1.
    """
    wait: timedelta = min(FIRST_WAIT * 2 ** min(attempts - 1, 30), LONGEST_WAIT)
    return wait * (0.8 + 0.4 * draw)


def _send_until(stop: threading.Event) -> None:
    while not stop.is_set():
        done = 0
        try:
            done = work_once(stop=stop)
        except DatabaseError as problem:
            log.warning("the database does not answer: %s", str(problem).strip())
            connection.close()
        except Exception:
            log.exception("a sender goes on after an error")
            connection.close()
        if not done:
            stop.wait(STEP_S)
    connection.close()


def _due(at: datetime) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT messaging_due(%s)", [at])
        found = [int(row[0]) for row in cursor.fetchall()]
    random.shuffle(found)  # several senders do not all begin with the same town
    return found


def _claim(territory_id: int) -> _Claimed | None:
    at, claim = clock.now(), uuid4()
    with acting_for(territory_id), connection.cursor() as cursor:
        cursor.execute(
            _CLAIM, {"territory": territory_id, "claim": claim, "at": at, "until": at + LEASE}
        )
        row = cursor.fetchone()
    return None if row is None else _Claimed(territory_id, row[0], claim)


def _serve(claimed: _Claimed, *, way: Way, stop: threading.Event) -> int:
    """Send the line of a webhook until it is empty, refused, or others must have their turn."""
    done = 0
    began = time.monotonic()
    try:
        patience = LEASE.total_seconds() / 3
        while done < AT_ONCE and time.monotonic() - began < patience and not stop.is_set():
            following = _next(claimed)
            if following is None:
                break
            answer = _post(
                following.webhook.url,
                body=following.delivery.body,
                identifier=following.delivery.uuid,
                topic=following.delivery.topic,
                secrets=following.secrets,
                way=way,
            )
            done += 1
            if not _settle(claimed, following.delivery, answer):
                break
    finally:
        _release(claimed)
    return done


def _next(claimed: _Claimed) -> _Next | None:
    at = clock.now()
    with acting_for(claimed.territory_id):
        webhook = _mine(claimed)
        if webhook is None:
            return None
        with connection.cursor() as cursor:
            cursor.execute(
                _HEAD, {"territory": claimed.territory_id, "webhook": webhook.id, "at": at}
            )
            row = cursor.fetchone()
        if row is None:
            return None
        secrets = secrets_of(webhook, at=at)
        if secrets is None:
            put_to_sleep(webhook, SleepReason.UNREADABLE_SECRET, at=at)
            return None
        webhook.claimed_until = at + LEASE
        webhook.save(update_fields=["claimed_until"])
        return _Next(webhook, Delivery.objects.get(id=row[0]), secrets)


def _post(
    url: str, *, body: str, identifier: UUID, topic: str, secrets: list[str], way: Way
) -> Answer:
    at = clock.now()
    try:
        # Read again each time: the installation's networks may have changed since it was saved.
        destination = parse_destination(url, policy=way.policy)
    except WebhookRefused as error:
        return Answer(failure=Failure.REFUSED_ADDRESS, detail=str(error)[:300])
    content = body.encode()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": f"Beffroi/{_version()} (webhooks)",
        "Beffroi-Event": topic,
        "Idempotency-Key": str(identifier),
        **signature_headers(content, identifier=identifier, at=at, secrets=secrets),
    }
    return post(destination, content, headers=headers, way=way, at=at)


def _settle(claimed: _Claimed, sent: Delivery, answer: Answer) -> bool:
    """Note what came back; tell whether the line may go on."""
    at = clock.now()
    with acting_for(claimed.territory_id):
        webhook = _mine(claimed)
        if webhook is None and not answer.accepted:
            return False  # somebody else serves it now, and notes its own attempt
        delivery = (
            Delivery.objects.select_for_update()
            .filter(id=sent.id, state=DeliveryState.WAITING.value)
            .first()
        )
        failures = 0
        if webhook is not None:
            failures = _note_on_webhook(webhook, answer, at=at)
        if delivery is not None:
            _note(delivery, answer, failures=failures, at=at)
            if webhook is not None and _took_nothing_since(delivery, webhook):
                put_to_sleep(webhook, SleepReason.FAILING, at=at)
        if webhook is None or webhook.state != WebhookState.ACTIVE.value:
            return False
        if answer.accepted or delivery is None:
            return True
        # One that the receiver refuses, let aside: those behind it go on at once.
        passed = delivery.aside or delivery.state == DeliveryState.GIVEN_UP.value
        return passed and answer.status is not None


def _note_on_webhook(webhook: Webhook, answer: Answer, *, at: datetime) -> int:
    """Return how many attempts have failed since the last that did not."""
    if answer.accepted:
        if webhook.failing_since is not None and at - webhook.failing_since >= BACK_AFTER:
            Delivery.objects.filter(
                webhook_id=webhook.id, state=DeliveryState.WAITING.value, next_attempt_at__gt=at
            ).update(next_attempt_at=at)
        webhook.last_success_at, webhook.failing_since, webhook.failures = at, None, 0
    else:
        webhook.failing_since = webhook.failing_since or at
        webhook.failures += 1
    webhook.save(update_fields=["last_success_at", "failing_since", "failures"])
    if answer.status == GONE:
        put_to_sleep(webhook, SleepReason.GONE, at=at)
    return webhook.failures


def _note(delivery: Delivery, answer: Answer, *, failures: int, at: datetime) -> None:
    delivery.attempts += 1
    delivery.first_attempt_at = delivery.first_attempt_at or at
    delivery.last_attempt_at = at
    delivery.last_status = answer.status
    delivery.last_failure = answer.failure or ""
    delivery.last_error = answer.detail[:300]
    delivery.excerpt = answer.excerpt[:EXCERPT_OCTETS]
    if answer.accepted:
        delivery.state, delivery.aside = DeliveryState.DELIVERED.value, False
    else:
        # Behind a receiver that is down, a new delivery does not begin again from ten seconds.
        failed = max(delivery.attempts, failures)
        wait = back_off(failed, draw=random.random())  # noqa: S311 - spreads retries
        delivery.next_attempt_at = at + max(wait, answer.retry_after or timedelta(0))
        delivery.aside = delivery.attempts >= PUT_ASIDE_AFTER
        if delivery.next_attempt_at - delivery.first_attempt_at > GIVE_UP_AFTER:
            delivery.state = DeliveryState.GIVEN_UP.value
    delivery.save()


def _took_nothing_since(delivery: Delivery, webhook: Webhook) -> bool:
    """Tell whether a delivery was given up and nothing was accepted while it was tried."""
    given_up = delivery.state == DeliveryState.GIVEN_UP.value
    began, failing = delivery.first_attempt_at, webhook.failing_since
    return given_up and began is not None and failing is not None and failing <= began


def _mine(claimed: _Claimed) -> Webhook | None:
    """Return the webhook, locked, as long as the claim on it is ours."""
    return (
        Webhook.objects.select_for_update()
        .filter(id=claimed.webhook_id, claim=claimed.claim, state=WebhookState.ACTIVE.value)
        .first()
    )


def _release(claimed: _Claimed) -> None:
    with acting_for(claimed.territory_id):
        Webhook.objects.filter(id=claimed.webhook_id, claim=claimed.claim).update(
            claim=None, claimed_until=clock.now()
        )


@cache
def _version() -> str:
    return version("beffroi")
