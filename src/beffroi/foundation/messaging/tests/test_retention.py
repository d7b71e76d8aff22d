from __future__ import annotations

from datetime import UTC, datetime, timedelta

from beffroi.foundation.database.api import acting_for
from beffroi.foundation.messaging.api import deliveries_page, outbox_append, webhook_rotate_secret
from beffroi.foundation.messaging.models import Webhook
from beffroi.foundation.messaging.pulse import purge
from beffroi.foundation.messaging.sending import work_once
from beffroi.foundation.messaging.testing import HERE, Happened, Receiver, make_webhook
from beffroi.foundation.territories.models import Territory
from beffroi.kernel.clock import frozen_at

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def test_deliveries_go_when_their_time_has_passed(town: Territory, receiver: Receiver) -> None:
    webhook = make_webhook(town, url=receiver.url)
    receiver.replies += [204, 500]
    for number in range(2):
        with acting_for(town.pk), frozen_at(START):
            outbox_append(Happened(number=number))
        with frozen_at(START):
            work_once(way=HERE)

    def kept() -> list[str]:
        with acting_for(town.pk):
            return [one.state.value for one in deliveries_page(webhook.uuid).deliveries]

    purge(START + timedelta(days=3))
    assert kept() == ["waiting", "delivered"]
    assert purge(START + timedelta(days=3, seconds=1)) == "1 old deliveries removed"
    assert kept() == ["waiting"]
    purge(START + timedelta(days=30, seconds=1))
    assert kept() == []


def test_a_former_secret_goes_when_it_signs_no_more(town: Territory) -> None:
    webhook = make_webhook(town)
    with acting_for(town.pk), frozen_at(START):
        webhook_rotate_secret(webhook.uuid)
    purge(START + timedelta(days=8))
    with acting_for(town.pk):
        assert Webhook.objects.get().former_sealed_secret is None
