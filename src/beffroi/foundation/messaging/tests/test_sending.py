from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from beffroi.foundation.audit.api import AuditFilter, audit_page
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.messaging import fan_out as fan_out_module
from beffroi.foundation.messaging.api import (
    DeliveryState,
    Filters,
    IssuedWebhook,
    SleepReason,
    WebhookState,
    deliveries_page,
    delivery_resend,
    outbox_append,
    outbox_wanted,
    webhook_get,
    webhook_pause,
    webhook_remove,
    webhook_resume,
    webhook_rotate_secret,
    webhook_test,
)
from beffroi.foundation.messaging.contracts import Failure
from beffroi.foundation.messaging.models import Delivery, OutboxRow
from beffroi.foundation.messaging.sending import back_off, work_once
from beffroi.foundation.messaging.signing import signature_holds
from beffroi.foundation.messaging.testing import (
    HERE,
    Happened,
    Received,
    Receiver,
    identifiers,
    make_webhook,
)
from beffroi.foundation.territories.models import Territory
from beffroi.foundation.territories.testing import make_area, make_territory
from beffroi.kernel.clock import frozen_at, now

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def tell(town: Territory, *numbers: int, topic: str = "test.happened") -> None:
    with acting_for(town.pk):
        outbox_append(*(Happened(number=number) for number in numbers))
        if topic != "test.happened":
            OutboxRow.objects.update(topic=topic)


def work(at: datetime) -> None:
    with frozen_at(at):
        work_once(way=HERE)


def states(town: Territory, webhook: IssuedWebhook) -> list[tuple[int, str, int]]:
    with acting_for(town.pk):
        page = deliveries_page(webhook.uuid)
    return sorted((one.number, one.state.value, one.attempts) for one in page.deliveries)


def test_an_event_arrives_signed_once_and_leaves_the_outbox(
    town: Territory, receiver: Receiver
) -> None:
    webhook = make_webhook(town, url=receiver.url)
    tell(town, 1, 2)
    work(START)
    work(START + timedelta(minutes=1))
    (got,) = receiver.received
    assert got.content["type"] == "test.happened"
    assert got.content["territory"] == town.slug
    assert got.numbers == [1, 2]
    assert got.headers["beffroi-event"] == "test.happened"
    assert got.headers["idempotency-key"] == got.headers["webhook-id"]
    assert got.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert signature_holds(got.body, headers=got.headers, secret=webhook.secret, at=START)
    assert not signature_holds(
        got.body + b" ", headers=got.headers, secret=webhook.secret, at=START
    )
    with acting_for(town.pk):
        assert not OutboxRow.objects.exists()
        card = webhook_get(webhook.uuid)
    assert card.last_success_at == START
    assert states(town, webhook) == [(1, "delivered", 1)]


def test_what_nobody_wants_is_not_written(town: Territory, receiver: Receiver) -> None:
    webhook = make_webhook(town, url=receiver.url)
    elsewhere = make_territory()
    tell(elsewhere, 1)
    with acting_for(elsewhere.pk):
        assert not OutboxRow.objects.exists()
        assert not outbox_wanted("test.happened")
    with acting_for(town.pk):
        assert outbox_wanted("test.happened")
        assert not outbox_wanted("test.other")
        webhook_pause(webhook.uuid)
        assert outbox_append(Happened()) == 0


def test_an_event_goes_with_its_transaction(town: Territory, receiver: Receiver) -> None:
    make_webhook(town, url=receiver.url)
    with acting_for(town.pk):
        assert outbox_append(Happened(number=1)) == 1
        transaction.set_rollback(True)
    work(START)
    assert receiver.received == []


def test_a_receiver_that_fails_gets_the_same_again_in_order_later_and_later(
    town: Territory, receiver: Receiver
) -> None:
    webhook = make_webhook(town, url=receiver.url)
    receiver.replies += [500, (503, {"Retry-After": "120"}, b"plus tard"), 404]
    tell(town, 1)
    work(START)
    tell(town, 2)
    work(START + timedelta(seconds=7))
    assert receiver.numbers == [1]  # the second waits behind the first
    work(START + timedelta(seconds=13))
    work(START + timedelta(seconds=100))
    assert receiver.numbers == [1, 1]  # the receiver asked for two minutes
    with acting_for(town.pk):
        (second, first) = deliveries_page(webhook.uuid).deliveries
        failing = webhook_get(webhook.uuid)
    assert (first.last_status, first.last_failure, first.excerpt) == (
        503,
        Failure.STATUS,
        "plus tard",
    )
    assert second.attempts == 0
    assert failing.failing_since == START
    assert failing.waiting == 2
    work(START + timedelta(seconds=134))
    work(START + timedelta(seconds=200))
    assert receiver.numbers == [1, 1, 1, 1, 2]
    assert len(set(identifiers(receiver.received))) == 2
    assert len({one.body for one in receiver.received[:4]}) == 1
    assert states(town, webhook) == [(1, "delivered", 4), (2, "delivered", 1)]


def test_those_behind_one_put_aside_go_on_and_it_is_given_up_after_three_days(
    town: Territory, receiver: Receiver
) -> None:
    webhook = make_webhook(town, url=receiver.url)
    refused = 1

    def answer(got: Received) -> None:
        receiver.replies[:] = [400 if got.numbers == [refused] else 204]

    receiver.meanwhile = answer
    tell(town, refused)
    at = START
    for turn in range(320):
        work(at)
        at += timedelta(minutes=15)
        if turn % 10 == 0:
            tell(town, 100 + turn)
    others = [number for number in receiver.numbers if number != refused]
    assert others == sorted(others)
    assert len(others) == 32
    with acting_for(town.pk):
        poisoned = deliveries_page(webhook.uuid).deliveries[-1]
        card = webhook_get(webhook.uuid)
    assert poisoned.state is DeliveryState.GIVEN_UP
    assert poisoned.last_status == 400
    assert 50 < poisoned.attempts < 120
    assert card.state is WebhookState.ACTIVE


def test_a_receiver_that_fails_for_days_is_put_to_sleep_and_woken(
    town: Territory, receiver: Receiver
) -> None:
    webhook = make_webhook(town, url=receiver.url)
    receiver.replies += [500] * 1_000
    tell(town, 1)
    at = START
    while at < START + timedelta(days=4):
        work(at)
        at += timedelta(minutes=20)
    with acting_for(town.pk):
        card = webhook_get(webhook.uuid)
        verbs = [entry.verb for entry in audit_page(AuditFilter()).entries]
        assert outbox_append(Happened(number=2)) == 0
    assert (card.state, card.sleep_reason) == (WebhookState.ASLEEP, SleepReason.FAILING)
    assert timedelta(days=2, hours=22) < card.state_changed_at - START < timedelta(days=3, hours=2)
    assert "webhooks.slept" in verbs
    attempts = len(receiver.received)
    assert 60 < attempts < 120
    receiver.replies.clear()
    with acting_for(town.pk), frozen_at(at):
        webhook_resume(webhook.uuid)
        (one,) = deliveries_page(webhook.uuid).deliveries
        delivery_resend(one.uuid, webhook_uuid=webhook.uuid)
    work(at)
    assert len(receiver.received) == attempts + 1
    assert len(set(identifiers(receiver.received))) == 1


def test_a_receiver_that_is_gone_is_left_alone(town: Territory, receiver: Receiver) -> None:
    webhook = make_webhook(town, url=receiver.url)
    receiver.replies += [410]
    tell(town, 1)
    work(START)
    with acting_for(town.pk):
        assert webhook_get(webhook.uuid).sleep_reason is SleepReason.GONE


def test_a_redirect_is_a_failure_and_is_not_followed(town: Territory, receiver: Receiver) -> None:
    webhook = make_webhook(town, url=receiver.url)
    receiver.replies += [(302, {"Location": receiver.url}, b"")]
    tell(town, 1)
    work(START)
    assert len(receiver.received) == 1
    with acting_for(town.pk):
        (one,) = deliveries_page(webhook.uuid).deliveries
    assert one.last_failure is Failure.REDIRECT


def test_two_secrets_sign_during_a_rotation(town: Territory, receiver: Receiver) -> None:
    webhook = make_webhook(town, url=receiver.url)
    with acting_for(town.pk), frozen_at(START):
        renewed = webhook_rotate_secret(webhook.uuid)
    assert renewed.secret != webhook.secret
    later = START + timedelta(days=8)
    for number, at in enumerate((START, later)):
        tell(town, number)
        work(at)
    during, after = receiver.received

    def holds(got: Received, secret: str, at: datetime) -> bool:
        return signature_holds(got.body, headers=got.headers, secret=secret, at=at)

    assert holds(during, webhook.secret, START)
    assert holds(during, renewed.secret, START)
    assert holds(after, renewed.secret, later)
    assert not holds(after, webhook.secret, later)


def test_filters_narrow_what_arrives(town: Territory, receiver: Receiver) -> None:
    centre = make_area(town)
    inner = make_area(town, name="Gare", parent=centre)
    other = make_area(town, name="Port")
    narrowed = Filters(domains=("street_lighting",), areas=(centre.pk,), types=("light_point",))
    make_webhook(town, url=receiver.url, filters=narrowed)
    lamp = {"domain": "street_lighting", "type": "light_point"}
    with acting_for(town.pk):
        outbox_append(
            Happened(number=1, asset={**lamp, "area": inner.pk}),
            Happened(number=2, asset={**lamp, "area": other.pk}),
            Happened(number=3, asset={**lamp, "area": None}),
            Happened(number=4, asset={**lamp, "type": "lighting_cabinet", "area": centre.pk}),
            Happened(number=5, asset={"domain": "waste", "type": "bin", "area": centre.pk}),
        )
    work(START)
    assert receiver.numbers == [1]
    assert receiver.received[0].content["events"][0]["data"]["asset"]["area"] == str(inner.uuid)


def test_events_are_batched_within_bounds_and_topics_keep_their_order(
    town: Territory, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_webhook(town, url=receiver.url, topics=("test.happened", "test.other"))
    tell(town, *range(250))
    work(START)
    assert [len(one.numbers) for one in receiver.received] == [100, 100, 50]
    assert receiver.numbers == list(range(250))
    receiver.received.clear()
    monkeypatch.setattr(fan_out_module, "BATCH_OCTETS", 1_000)
    with acting_for(town.pk):
        outbox_append(*(Happened(number=n, note="é" * 200) for n in range(3)))
    work(START)
    assert [one.numbers for one in receiver.received] == [[0], [1], [2]]


def test_a_ping_is_answered_at_once_and_kept(town: Territory, receiver: Receiver) -> None:
    webhook = make_webhook(town, url=receiver.url)
    receiver.replies += [(418, {}, b"une th\xc3\xa9i\xc3\xa8re")]
    with acting_for(town.pk):
        answer = webhook_test(webhook.uuid)
        (kept,) = deliveries_page(webhook.uuid).deliveries
    assert (answer.status, answer.excerpt, answer.accepted) == (418, "une théière", False)
    (got,) = receiver.received
    assert got.content["type"] == "ping"
    assert signature_holds(got.body, headers=got.headers, secret=webhook.secret, at=now())
    assert (kept.topic, kept.state, kept.last_status) == ("ping", DeliveryState.GIVEN_UP, 418)
    work(now() + timedelta(days=1))
    assert len(receiver.received) == 1


def test_too_many_waiting_put_a_webhook_to_sleep(
    town: Territory, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fan_out_module, "MOST_WAITING", 2)
    webhook = make_webhook(town, url=receiver.url)
    tell(town, *range(301))
    work(START)
    with acting_for(town.pk):
        card = webhook_get(webhook.uuid)
    assert (card.state, card.sleep_reason, card.waiting) == (
        WebhookState.ASLEEP,
        SleepReason.TOO_MANY,
        4,
    )
    assert receiver.received == []


def test_a_webhook_goes_with_its_deliveries(town: Territory, receiver: Receiver) -> None:
    webhook = make_webhook(town, url=receiver.url)
    tell(town, 1)
    work(START)
    with acting_for(town.pk):
        webhook_remove(webhook.uuid)
        assert not Delivery.objects.exists()


def test_waits_double_to_an_hour() -> None:
    assert back_off(1, draw=0.5) == timedelta(seconds=10)
    assert back_off(2, draw=0.5) == timedelta(seconds=20)
    assert back_off(100, draw=0.5) == timedelta(hours=1)
    assert back_off(1, draw=0) == timedelta(seconds=8)
    assert back_off(1, draw=1) == timedelta(seconds=12)
