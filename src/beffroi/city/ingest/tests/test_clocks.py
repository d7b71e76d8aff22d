"""Clocks that are wrong: quarantined beyond a declared limit, visible, and accepted after all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from beffroi.city.ingest.clocks import (
    AHEAD,
    BEHIND,
    ClockLimits,
    checked_clock_settings,
    clock_limits,
)
from beffroi.city.ingest.contracts import SourceRefused, Status
from beffroi.city.ingest.models import Message
from beffroi.city.ingest.quarantine import (
    clock_faults_of_device,
    clock_faults_of_source,
    quarantine_accept,
)
from beffroi.city.ingest.redecoding import messages_redecode
from beffroi.city.ingest.services import source_update
from beffroi.city.ingest.testing import MadeSource, post, tiny_message
from beffroi.city.ingest.tests.test_door import station, values
from beffroi.city.ingest.web.quarantine import skew_label
from beffroi.foundation.accounts.testing import make_agent, sign_in
from beffroi.foundation.audit.api import AuditFilter, audit_page
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.models import Territory
from beffroi.kernel.clock import now

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DEVICE = "a81758fffe000088"
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("late", "believed"),
    [
        (timedelta(0), True),
        (timedelta(minutes=10), True),
        (timedelta(minutes=10, microseconds=1), False),
        (HOUR, False),  # local time sent as UTC, in winter
        (2 * HOUR, False),  # in summer
        (-HOUR, True),
        (timedelta(days=-3_650), True),
        (datetime(2000, 1, 1, tzinfo=UTC) - NOON, True),
        (datetime(1999, 12, 31, 23, 59, tzinfo=UTC) - NOON, False),
    ],
)
def test_what_is_believed_where_nothing_is_declared(late: timedelta, *, believed: bool) -> None:
    assert ClockLimits().believes(NOON + late, received_at=NOON) is believed
    assert clock_limits({}).believes(NOON + late, received_at=NOON) is believed


def test_a_source_declares_how_wrong_its_clocks_may_be() -> None:
    limits = clock_limits({AHEAD: 60, BEHIND: 2})
    assert limits.believes(NOON + HOUR, received_at=NOON)
    assert not limits.believes(NOON + HOUR + timedelta(seconds=1), received_at=NOON)
    assert limits.believes(NOON - timedelta(days=2), received_at=NOON)
    assert not limits.believes(NOON - timedelta(days=2, seconds=1), received_at=NOON)
    assert not clock_limits({AHEAD: 0}).believes(NOON + timedelta(seconds=1), received_at=NOON)
    assert clock_limits({BEHIND: 0}).behind is None


@pytest.mark.parametrize("value", [-1, 10_081, 1.5, True, "12"])
def test_a_limit_that_is_no_number_of_minutes_is_refused(value: Any) -> None:
    with pytest.raises(SourceRefused):
        checked_clock_settings({AHEAD: value})


@pytest.mark.parametrize(
    ("skew", "told"),
    [
        (3 * HOUR, "clock 3 h ahead"),
        (timedelta(hours=-1), "clock 1 h behind"),
        (timedelta(minutes=20), "clock 20 min ahead"),
        (timedelta(days=-9_000), "clock 9000 days behind"),
    ],
)
def test_how_wrong_a_clock_is_in_words(skew: timedelta, told: str) -> None:
    with override("en"):
        assert skew_label(skew) == told


def sent(door: int, source: MadeSource, *late: timedelta) -> None:
    messages = [tiny_message(DEVICE, now() + one, readings={"temperature": 20}) for one in late]
    post(door, source.path, messages, headers=source.headers)


def declare(town: Territory, source: MadeSource, **settings: int) -> None:
    with acting_for(town.id):
        source_update(source.row.uuid, name=source.row.name, settings=settings, default_codec="")


def instants() -> list[datetime]:
    """When the observations of the territory are of."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT observed_at FROM series_reading ORDER BY 1")
        return [row[0] for row in cursor.fetchall()]


def states(town: Territory) -> list[str]:
    with acting_for(town.id):
        return list(Message.objects.order_by("id").values_list("status", flat=True))


def test_a_declared_limit_holds_at_the_door(town: Territory, source: MadeSource, door: int) -> None:
    station(town, DEVICE)
    declare(town, source, clock_ahead_minutes=120, clock_behind_days=1)
    sent(door, source, HOUR, 3 * HOUR, timedelta(hours=-2), timedelta(hours=-25))
    assert sorted(states(town)) == sorted(
        [Status.DECODED, Status.QUARANTINED, Status.DECODED, Status.QUARANTINED]
    )


def test_a_wrong_clock_is_seen_and_its_messages_accepted_at_their_reception(
    town: Territory, source: MadeSource, door: int
) -> None:
    asset = station(town, DEVICE)
    sent(door, source, 3 * HOUR, 3 * HOUR + timedelta(minutes=1))
    assert values(town, asset) == {}
    with acting_for(town.id):
        (fault,) = clock_faults_of_source(source.row.uuid)
        assert [fault] == clock_faults_of_device(DEVICE)
    assert (fault.device, fault.count) == (DEVICE, 2)
    assert abs(fault.skew - 3 * HOUR) < timedelta(minutes=2)
    with acting_for(town.id):
        count = quarantine_accept(source.row.uuid, device=DEVICE)
        verbs = [entry.verb for entry in audit_page(AuditFilter()).entries]
        kept = list(Message.objects.values_list("observed_at", "received_at"))
        at = instants()
    assert (count.messages, count.decoded) == (2, 2)
    assert "sources.times_accepted" in verbs
    assert all(observed_at > received_at + HOUR for observed_at, received_at in kept)
    received = kept[0][1]
    assert all(abs(one - received) < timedelta(milliseconds=2) for one in at)
    with acting_for(town.id):
        messages_redecode(source=source.row)
        assert instants() == at
        assert clock_faults_of_source(source.row.uuid) == []


def test_messages_are_accepted_at_their_own_time_corrected(
    town: Territory, source: MadeSource, door: int
) -> None:
    station(town, DEVICE)
    sent(door, source, 3 * HOUR)
    with acting_for(town.id):
        assert quarantine_accept(source.row.uuid, shift=-HOUR).decoded == 0
        assert states(town) == [Status.QUARANTINED]
        assert quarantine_accept(source.row.uuid, shift=-3 * HOUR).decoded == 1
        (at,) = instants()
        (message,) = Message.objects.values_list("observed_at", flat=True)
    assert abs(message - at - 3 * HOUR) < timedelta(milliseconds=2)


def test_the_pages_say_it_and_give_the_way_out(
    town: Territory, source: MadeSource, door: int
) -> None:
    asset = station(town, DEVICE)
    sent(door, source, 3 * HOUR)
    browser = Client()
    sign_in(browser, make_agent(town))
    there = {"territory": town.slug, "source": source.row.uuid}
    page = browser.get(reverse("ingest:source", kwargs=there)).content.decode()
    assert "en avance" in page
    assert reverse("ingest:source_times", kwargs=there) in page
    wrong = browser.post(
        reverse("ingest:source_times", kwargs=there), {"device": DEVICE, "by": "decalage"}
    )
    assert wrong.status_code == 302
    assert values(town, asset) == {}
    asked = {"device": DEVICE, "by": "decalage", "hours": "-3"}
    browser.post(reverse("ingest:source_times", kwargs=there), asked)
    assert values(town, asset) == {"temperature": [20.0]}
    seeing = Client()
    sign_in(seeing, make_agent(town, verbs=["sources.see"]))
    assert seeing.post(reverse("ingest:source_times", kwargs=there), asked).status_code == 403


def test_the_limits_of_a_source_are_set_on_its_page(town: Territory, source: MadeSource) -> None:
    browser = Client()
    sign_in(browser, make_agent(town))
    here = reverse("ingest:source_edit", kwargs={"territory": town.slug, "source": source.row.uuid})
    assert "setting_clock_ahead_minutes" in browser.get(here).content.decode()
    form = {"name": "Réseau", "setting_clock_ahead_minutes": "90"}
    assert browser.post(here, form).status_code == 302
    with acting_for(town.id):
        source.row.refresh_from_db()
    assert source.row.settings["clock_ahead_minutes"] == 90
    assert "clock_behind_days" not in source.row.settings
