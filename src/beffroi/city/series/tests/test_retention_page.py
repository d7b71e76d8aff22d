from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client

from beffroi.city.series.models import Stream
from beffroi.city.series.retention import retention_rules
from beffroi.city.series.services import series_maintain
from beffroi.city.series.testing import record
from beffroi.foundation.accounts.testing import make_agent, sign_in
from beffroi.foundation.audit.api import audit_page
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.models import Territory

RULE = {"measure": "power_w", "raw": "30", "hourly": "365", "daily": "", "reason": "CNIL"}


@pytest.fixture
def page(client: Client, territory: Territory, stream: Stream) -> str:
    record(stream, [(datetime(2025, 6, 3, 10, tzinfo=UTC), 1.0)])
    sign_in(client, make_agent(territory))
    return f"/t/{territory.slug}/series/conservation/"


def test_a_rule_is_tried_then_kept_written_down_and_shown(
    client: Client, territory: Territory, page: str
) -> None:
    assert "tout est gardé sans limite" in client.get(page).content.decode()
    series_maintain(datetime(2025, 6, 20, tzinfo=UTC))
    tried = client.post(page, {**RULE, "action": "preview"}).content.decode()
    plain = tried.replace("\u202f", " ").replace("\xa0", " ")
    assert "Valeurs : 1, heures : 0, jours : 0, séries : 1" in plain
    with acting_for(territory.pk):
        assert retention_rules() == {}
    assert client.post(page, {**RULE, "action": "save"}).status_code == 302
    with acting_for(territory.pk):
        assert retention_rules()["power_w"][0].hourly == 365
        lines = audit_page().entries
        assert lines[0].verb == "series.retention_changed"
    series_maintain(datetime(2026, 6, 20, tzinfo=UTC))
    shown = client.get(page).content.decode()
    assert "CNIL" in shown
    assert "03/06/2025" in shown


def test_days_that_go_before_their_hours_are_refused_beside_the_field(
    client: Client, page: str
) -> None:
    told = client.post(page, {**RULE, "hourly": "10", "action": "save"}).content.decode()
    assert "au moins aussi longtemps que les valeurs" in told


def test_who_does_not_manage_the_town_changes_nothing(
    client: Client, territory: Territory, page: str
) -> None:
    sign_in(client, make_agent(territory, verbs=["assets.see"]))
    assert client.post(page, {**RULE, "action": "save"}).status_code == 403
