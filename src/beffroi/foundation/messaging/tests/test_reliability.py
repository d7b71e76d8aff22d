"""What the guide promises when processes die and several work at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta

import pytest
from django.db import connection

from beffroi.foundation.database.api import acting_for
from beffroi.foundation.database.testing import TestDatabase
from beffroi.foundation.messaging.api import deliveries_page, outbox_append
from beffroi.foundation.messaging.models import Delivery, OutboxRow
from beffroi.foundation.messaging.sending import LEASE, run_sender, work_once
from beffroi.foundation.messaging.testing import (
    HERE,
    Happened,
    Received,
    Receiver,
    identifiers,
    make_webhook,
    receiving,
)
from beffroi.foundation.territories.models import Territory
from beffroi.foundation.territories.testing import make_territory
from beffroi.kernel.clock import frozen_at, now

PROGRAM = "beffroi.foundation.messaging.tests.sending_program"


@pytest.fixture
def committed(transactional_db: None) -> Territory:  # noqa: ARG001 - the database comes first
    return make_territory()


def tell(town: Territory, numbers: range) -> None:
    with acting_for(town.pk):
        outbox_append(*(Happened(number=number) for number in numbers))


def start(database: TestDatabase, *arguments: str) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "beffroi.site.settings",
        "DATABASE_URL": database.urls.application,
        "BEFFROI_WEBHOOK_NETWORKS": "127.0.0.0/8",
    }
    return subprocess.Popen([sys.executable, "-m", PROGRAM, *arguments], env=environment)  # noqa: S603 - our own program


def killed_while_sending(
    database: TestDatabase, receiver: Receiver, *arguments: str
) -> list[Received]:
    """Run a sender, kill it once its message is there and before it is answered.

    Returns:
        What had arrived.
    """
    process = start(database, *arguments)

    def kill(_got: Received) -> None:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    receiver.meanwhile = kill
    assert process.wait(timeout=60) == -signal.SIGKILL
    receiver.meanwhile = lambda _got: None
    arrived = list(receiver.received)
    receiver.received.clear()
    return arrived


def test_a_sender_killed_between_sending_and_noting_sends_again_under_the_same_name(
    committed: Territory, receiver: Receiver, test_database: TestDatabase
) -> None:
    webhook = make_webhook(committed, url=receiver.url)
    tell(committed, range(3))
    first = killed_while_sending(test_database, receiver, "careful")
    work_once(way=HERE)
    assert receiver.received == []  # still claimed by the dead one
    with frozen_at(now() + LEASE + timedelta(seconds=1)):
        work_once(way=HERE)
    assert receiver.numbers == [0, 1, 2]
    assert identifiers(receiver.received) == identifiers(first)
    assert receiver.received[0].body == first[0].body
    with acting_for(committed.pk):
        (one,) = deliveries_page(webhook.uuid).deliveries
    assert (one.state.value, one.attempts) == ("delivered", 1)


def test_a_sender_that_notes_before_it_sends_is_caught(
    committed: Territory, receiver: Receiver, test_database: TestDatabase
) -> None:
    make_webhook(committed, url=receiver.url)
    tell(committed, range(3))
    killed_while_sending(test_database, receiver, "careless", str(committed.pk))
    with frozen_at(now() + LEASE + timedelta(seconds=1)):
        work_once(way=HERE)
    assert receiver.numbers == []


def test_several_senders_at_once_send_each_thing_once_and_in_order(
    committed: Territory, receiver: Receiver
) -> None:
    other = make_territory()
    with receiving() as second:
        make_webhook(committed, url=receiver.url)
        make_webhook(other, url=second.url)
        make_webhook(committed, url=second.url)
        stop = threading.Event()
        rounds = 6
        sender = threading.Thread(target=run_sender, args=(stop,))
        sender.start()
        try:
            for turn in range(rounds):
                for town in (committed, other):
                    tell(town, range(turn * 150, (turn + 1) * 150))
            assert wait_until_nothing_waits(committed, other)
        finally:
            stop.set()
            sender.join()
        expected = list(range(rounds * 150))
        assert receiver.numbers == expected
        for town in (committed, other):
            mine = [one for one in second.received if one.content["territory"] == town.slug]
            assert [number for one in mine for number in one.numbers] == expected


def wait_until_nothing_waits(*towns: Territory) -> bool:
    """Tell whether the outbox and the lines of some towns are empty within a minute."""
    limit = now() + timedelta(minutes=1)
    idle = threading.Event()
    while now() < limit:
        left = 0
        for town in towns:
            with acting_for(town.pk):
                left += OutboxRow.objects.count()
                left += Delivery.objects.filter(state="waiting").count()
        if not left:
            return True
        idle.wait(0.05)
    return False


def test_a_sender_sees_the_rows_of_no_town_but_the_one_it_acts_for(
    committed: Territory, receiver: Receiver
) -> None:
    make_webhook(committed, url=receiver.url)
    tell(committed, range(1))
    assert OutboxRow.objects.count() == 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT messaging_due(%s)", [now()])
        assert cursor.fetchall() == [(committed.pk,)]
