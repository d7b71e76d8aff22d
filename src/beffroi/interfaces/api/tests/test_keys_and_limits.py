"""Who may read, how much, and from which pages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from beffroi.foundation.accounts.testing import agent_client, make_access, make_agent, sign_in
from beffroi.foundation.audit.api import AuditFilter, audit_page
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.testing import make_area
from beffroi.interfaces.api.budgets import BUDGETS
from beffroi.interfaces.api.contracts import KeyInvalid, NewKey
from beffroi.interfaces.api.keys import hash_of, key_create, key_revoke, keys_list
from beffroi.interfaces.api.models import ApiKey
from beffroi.interfaces.api.testing import bearer, make_key
from beffroi.interfaces.api.tests.conftest import Ask, Town, make_town
from beffroi.kernel.clock import frozen_at, now

pytestmark = pytest.mark.django_db
ORIGIN = "https://carte.exemple.fr"
PERIOD = "start=2026-03-01T00:00:00Z&end=2026-04-01T00:00:00Z"


def test_a_key_is_kept_as_its_hash_and_found_by_it(ask: Ask, town: Town) -> None:
    with acting_for(town.territory.pk):
        row = ApiKey.objects.get()
    assert bytes(row.key_hash) == hash_of(town.key)
    assert town.key.startswith(row.prefix)
    assert town.key not in repr(row.__dict__)
    assert ask("/assets").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer bff_jamais-donnee"},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer "},
        {"X-API-Key": "\u00e9"},
    ],
)
def test_nobody_reads_without_a_key(client: Client, town: Town, headers: dict[str, str]) -> None:
    for url in (town.url, f"{town.url}/assets", "/api/v1/territories"):
        answer = client.get(url, headers=headers)
        assert answer.status_code == 401, url
        assert answer["WWW-Authenticate"] == 'Bearer realm="beffroi"'
        assert answer.json()["code"] == "api.unauthenticated"


def test_the_other_header_works_too(client: Client, town: Town) -> None:
    assert client.get(town.url, headers={"X-API-Key": town.key}).status_code == 200


def test_a_key_ends_when_it_is_revoked_and_when_its_time_has_come(ask: Ask, town: Town) -> None:
    short = make_key(town.territory, expires_at=now() + timedelta(hours=1))
    assert ask(key=short).status_code == 200
    with frozen_at(now() + timedelta(hours=1)):
        assert ask(key=short).json()["detail"].startswith("Cette clé a expiré")
    with acting_for(town.territory.pk):
        key_revoke(ApiKey.objects.get(key_hash=hash_of(town.key)).uuid)
    # Its requests in hand are of no use: the key itself is read each time.
    assert ask().status_code == 401
    with acting_for(town.territory.pk):
        verbs = [entry.verb for entry in audit_page(AuditFilter()).entries]
    assert verbs[:2] == ["api.key_revoked", "api.key_created"]


def test_a_key_of_one_town_finds_nothing_in_another(ask: Ask) -> None:
    other = make_town("sete")
    for path in ("", "/assets", "/latest", f"/assets/{other.cabinet.uuid}"):
        answer = ask(other.url + path)
        assert answer.status_code == 404, path
    for path in (
        f"/assets/{other.cabinet.uuid}",
        f"/streams/{other.stream.uuid}",
        f"/devices/{other.device.uuid}",
        f"/streams/{other.stream.uuid}/aggregates?{PERIOD}",
    ):
        assert ask(path).status_code == 404, path
    assert ask(f"/assets?id={other.cabinet.uuid}").json()["items"] == []
    assert ask(f"/latest?asset={other.cabinet.uuid}").json()["items"] == []
    assert ask(f"/assets?parent={other.cabinet.uuid}").json()["items"] == []
    assert ask(other.url, key=other.key).status_code == 200, "negative control"


def test_a_key_reads_what_it_holds_and_no_more(ask: Ask, town: Town) -> None:
    period = "start=2026-03-01T00:00:00Z&end=2026-04-01T00:00:00Z"
    sees = make_key(town.territory, verbs=("assets.see",))
    assert ask("/assets", key=sees).status_code == 200
    for path in ("/sources", "/devices", f"/observations?type=lighting_cabinet&{period}"):
        refused = ask(path, key=sees)
        assert refused.status_code == 403, path
        assert refused.json()["code"] == "api.scope_missing"
    sources = make_key(town.territory, verbs=("sources.see",))
    assert ask("/sources", key=sources).status_code == 200
    assert ask("/assets", key=sources).status_code == 403
    assert ask("/devices", key=sources).json()["items"] == []


def test_a_key_is_limited_to_services_and_areas(ask: Ask, town: Town) -> None:
    parking = make_key(town.territory, domains=("parking",))
    assert ask("/assets", key=parking).json()["items"] == []
    assert ask(f"/assets/{town.cabinet.uuid}", key=parking).status_code == 404
    assert ask(f"/streams/{town.stream.uuid}", key=parking).status_code == 404
    assert ask("/latest", key=parking).json()["items"] == []
    area = make_area(town.territory, name="Centre", code="c", bounds=(3.87, 43.6, 3.89, 43.62))
    with acting_for(town.territory.pk):
        type(town.cabinet).objects.filter(pk=town.cabinet.pk).update(area=area)
    centre = make_key(town.territory, areas=(area.uuid,))
    (row,) = ask("/assets", key=centre).json()["items"]
    assert (row["id"], row["area"]) == (str(town.cabinet.uuid), str(area.uuid))
    assert len(ask("/latest", key=centre).json()["items"]) == 1


def test_nobody_gives_a_key_what_they_do_not_hold(town: Town) -> None:
    access = make_access(
        town.territory, verbs=("api.manage",), grants=[("assets.see", "parking", None)]
    )
    with acting_for(town.territory.pk):
        for wanted in (
            NewKey(name="a", verbs=("assets.see",)),
            NewKey(name="b", verbs=("sources.see",), domains=("parking",)),
            NewKey(name="c", verbs=("assets.see",), domains=("parking", "street_lighting")),
        ):
            with pytest.raises(KeyInvalid):
                key_create(wanted, access=access)
        key_create(NewKey(name="d", verbs=("assets.see",), domains=("parking",)), access=access)
        assert next(card.name for card in keys_list()) == "d"


@pytest.mark.parametrize(
    "fields",
    [
        {"name": " "},
        {"verbs": ()},
        {"verbs": ("people.manage",)},
        {"domains": ("nowhere",)},
        {"origins": ("carte.exemple.fr",)},
        {"origins": ("https://carte.exemple.fr/page",)},
        {"origins": ("*",)},
        {"requests_per_minute": 0},
        {"rows_per_minute": 10**10},
    ],
)
def test_a_key_that_makes_no_sense_is_refused(town: Town, fields: dict[str, object]) -> None:
    with acting_for(town.territory.pk), pytest.raises(KeyInvalid):
        key_create(NewKey(**{"name": "x", "verbs": ("assets.see",), **fields}))  # type: ignore[arg-type]  # wrong on purpose


def test_an_agent_reads_in_their_browser_with_their_own_rights(town: Town) -> None:
    other = make_town("sete")
    agent = agent_client(town.territory, verbs=("assets.see",))
    assert agent.get(f"{town.url}/assets").status_code == 200
    assert agent.get(f"{town.url}/sources").status_code == 403
    assert agent.get(f"{other.url}/assets").status_code == 404
    slugs = [row["slug"] for row in agent.get("/api/v1/territories").json()["items"]]
    assert slugs == [town.territory.slug]
    weak = Client()
    sign_in(weak, make_agent(town.territory), second_factor_shown=False)
    assert weak.get(f"{town.url}/assets").status_code == 401
    limited = agent_client(town.territory, verbs=(), grants=[("assets.see", "parking", None)])
    assert limited.get(f"{town.url}/assets").json()["items"] == []


def test_requests_are_counted_and_come_back_with_time(ask: Ask, town: Town) -> None:
    key = make_key(town.territory, requests_per_minute=3)
    at = now()
    with frozen_at(at):
        told = [ask(key=key) for _turn in range(4)]
    assert [answer.status_code for answer in told] == [200, 200, 200, 429]
    assert [answer["RateLimit-Remaining"] for answer in told] == ["2", "1", "0", "0"]
    assert told[0]["RateLimit-Limit"] == "3"
    assert told[-1]["Retry-After"] == "20"
    assert told[-1].json()["code"] == "api.too_many_requests"
    with frozen_at(at + timedelta(seconds=19)):
        assert ask(key=key).status_code == 429
    with frozen_at(at + timedelta(seconds=21)):
        assert [ask(key=key).status_code for _turn in range(2)] == [200, 429]
    with frozen_at(at + timedelta(hours=1)):
        assert [ask(key=key).status_code for _turn in range(4)] == [200, 200, 200, 429]


def test_two_processes_together_grant_no_more_than_the_budget(ask: Ask, town: Town) -> None:
    key = make_key(town.territory, requests_per_minute=40)
    granted = 0
    with frozen_at(now()):
        for _turn in range(60):
            # Another process: what this one holds is unknown to it.
            BUDGETS.forget()
            granted += ask(key=key).status_code == 200
    assert granted <= 40


def test_rows_are_counted_too(ask: Ask, town: Town) -> None:
    key = make_key(town.territory, rows_per_minute=100)
    path = "/observations?type=lighting_cabinet&start=2026-03-01T00:00:00Z&end=2026-04-01T00:00:00Z"
    at = now()
    with frozen_at(at):
        assert len(ask(path, key=key).json()["items"]) == 200
        refused = ask(key=key)
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) in {60, 61}
    with frozen_at(at + timedelta(seconds=62)):
        assert ask(key=key).status_code == 200


def test_last_use_is_written_once_a_minute(ask: Ask, town: Town) -> None:
    def used() -> object:
        with acting_for(town.territory.pk):
            return ApiKey.objects.get().last_used_at

    at = now()
    for seconds, expected in ((0, 0), (30, 0), (61, 61)):
        with frozen_at(at + timedelta(seconds=seconds)):
            ask()
        assert used() == at + timedelta(seconds=expected)


def test_pages_of_declared_origins_may_read(client: Client, ask: Ask, town: Town) -> None:
    key = make_key(town.territory, origins=(ORIGIN,))
    answer = ask("/assets", key=key, Origin=ORIGIN)
    assert answer["Access-Control-Allow-Origin"] == ORIGIN
    assert "Access-Control-Allow-Credentials" not in answer
    assert "Origin" in answer["Vary"]
    assert "Access-Control-Allow-Origin" not in ask("/assets", Origin=ORIGIN)
    assert "Access-Control-Allow-Origin" not in ask("/assets", key=key, Origin="https://x.fr")
    refused = ask("/assets?limit=zero", key=key, Origin=ORIGIN)
    assert (refused.status_code, refused["Access-Control-Allow-Origin"]) == (422, ORIGIN)
    session = agent_client(town.territory).get(f"{town.url}/assets", headers={"Origin": ORIGIN})
    assert "Access-Control-Allow-Origin" not in session
    preflight = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}
    told = client.options(f"{town.url}/assets", headers=preflight)
    assert told.status_code == 204
    assert told["Access-Control-Allow-Origin"] == ORIGIN
    assert "Authorization" in told["Access-Control-Allow-Headers"]
    stranger = client.options(
        f"{town.url}/assets", headers={**preflight, "Origin": "https://ailleurs.fr"}
    )
    assert "Access-Control-Allow-Origin" not in stranger


def test_a_key_shown_by_nobody_is_not_readable_by_the_database_role(town: Town) -> None:
    with acting_for(None):
        assert not ApiKey.objects.exists()
    with acting_for(None, source_key=hash_of(town.key).hex()):
        assert ApiKey.objects.count() == 1
    assert bearer(town.key) == {"Authorization": f"Bearer {town.key}"}
