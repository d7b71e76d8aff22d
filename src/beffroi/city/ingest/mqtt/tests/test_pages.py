from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from beffroi.city.ingest.mqtt.contracts import BrokerDescription
from beffroi.city.ingest.mqtt.models import Broker, BrokerAccount, BrokerState, Subscription
from beffroi.city.ingest.mqtt.passwords import is_password_of
from beffroi.city.ingest.mqtt.services import address_of, broker_create
from beffroi.city.ingest.mqtt.testing import Mosquitto, free_port
from beffroi.city.ingest.testing import MadeSource
from beffroi.foundation.accounts.testing import make_agent, sign_in
from beffroi.foundation.audit.api import AuditFilter, audit_page
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.models import Territory
from beffroi.foundation.territories.testing import make_territory
from beffroi.kernel.clock import now

SECRET = "motdepasse-du-serveur"
DESCRIBED = {
    "name": "Réseau", "host": "127.0.0.1", "port": "1883", "protocol": "5", "username": "beffroi",
    "password": SECRET, "keep_alive_s": "30",
}  # fmt: skip


@pytest.fixture
def browser(town: Territory) -> Client:
    client = Client()
    sign_in(client, make_agent(town))
    return client


def url(source: MadeSource, town: Territory, name: str, **kwargs: Any) -> str:
    known = {"territory": town.slug, "source": source.row.uuid, **kwargs}
    return reverse(f"ingest:{name}", kwargs=known)


def made(town: Territory, *, port: int = 1) -> Broker:
    with acting_for(town.id):
        return broker_create(
            BrokerDescription(name="Réseau", host="127.0.0.1", port=port, tls=False)
        )


def test_a_broker_is_described_and_its_secret_is_never_shown(
    town: Territory, source: MadeSource, browser: Client
) -> None:
    answer = browser.post(url(source, town, "broker_new"), DESCRIBED)
    assert answer["Location"] == url(source, town, "source_mqtt")
    with acting_for(town.id):
        broker = Broker.objects.get()
        assert address_of(broker).password == SECRET
        assert SECRET.encode() not in bytes(broker.sealed_password or b"")
    edit = url(source, town, "broker_edit", broker=broker.uuid)
    assert SECRET not in browser.get(edit).content.decode()
    browser.post(edit, {**DESCRIBED, "password": "", "port": "1884"})
    with acting_for(town.id):
        broker = Broker.objects.get()
        assert (broker.port, address_of(broker).password) == (1884, SECRET)
        verbs = {entry.verb for entry in audit_page(AuditFilter()).entries}
    assert {"brokers.created", "brokers.changed"} <= verbs


@pytest.mark.parametrize(
    ("field", "value"),
    [("host", "mqtt://x"), ("port", "70000"), ("shared_group", "a/b"), ("name", ""),
     ("keep_alive_s", "1")],
)  # fmt: skip
def test_what_does_not_fit_is_said_on_the_form(
    town: Territory, source: MadeSource, browser: Client, field: str, value: str
) -> None:
    page = browser.post(url(source, town, "broker_new"), {**DESCRIBED, field: value})
    assert page.status_code == 200
    assert "error-summary" in page.content.decode()
    with acting_for(town.id):
        assert not Broker.objects.exists()


def test_a_source_is_subscribed_and_no_more(
    town: Territory, source: MadeSource, browser: Client
) -> None:
    broker = made(town)
    posted = {"broker": str(broker.uuid), "topic": "net/{device}/up", "qos": "1"}
    for _twice in range(2):
        page = browser.post(url(source, town, "source_subscribe"), posted)
    assert "error-summary" in page.content.decode()
    wrong = browser.post(url(source, town, "source_subscribe"), {**posted, "topic": "a/#/b"})
    assert "error-summary" in wrong.content.decode()
    with acting_for(town.id):
        row = Subscription.objects.get()
    assert "net/{device}/up" in browser.get(url(source, town, "source_mqtt")).content.decode()
    browser.post(url(source, town, "source_unsubscribe", subscription=row.uuid))
    with acting_for(town.id):
        assert not Subscription.objects.exists()


def test_the_page_says_how_the_connection_is(
    town: Territory, source: MadeSource, browser: Client
) -> None:
    broker = made(town)
    with acting_for(town.id):
        BrokerState.objects.create(
            territory_id=town.id, broker=broker, process="machine-1", updated_at=now(),
            connected_since=now(), received=12_345, rate=4.25,
            error={"message": "{host} does not answer on port {port}.",
                   "params": {"host": "mqtt.example.fr", "port": "8883"}},
            error_at=now(),
        )  # fmt: skip
    page = browser.get(url(source, town, "source_mqtt")).content.decode()
    for part in ("connecté depuis le", "4,2", "mqtt.example.fr ne répond pas sur le port 8883"):
        assert part in page
    browser.post(url(source, town, "broker_stop", broker=broker.uuid))
    with acting_for(town.id):
        assert not Broker.objects.get().enabled
    browser.post(url(source, town, "broker_resume", broker=broker.uuid))
    with acting_for(town.id):
        assert Broker.objects.get().enabled


def test_trying_a_broker_says_what_happened(
    town: Territory, source: MadeSource, browser: Client, mosquitto: Mosquitto
) -> None:
    good, bad = made(town, port=mosquitto.port), free_port()
    here = url(source, town, "broker_test", broker=good.uuid)
    assert "nous laisse entrer" in browser.post(here, follow=True).content.decode()
    with acting_for(town.id):
        Broker.objects.update(port=bad)
    told = browser.post(here, follow=True).content.decode()
    assert f"Rien n’écoute sur le port {bad} de 127.0.0.1" in told


def test_a_password_is_given_once_then_revoked(
    town: Territory, source: MadeSource, browser: Client
) -> None:
    broker = made(town)
    here = url(source, town, "broker_accounts", broker=broker.uuid)
    page = browser.post(here, {"username": "lampe-7"}).content.decode()
    with acting_for(town.id):
        account = BrokerAccount.objects.get()
    password = _secret_of(page, account)
    assert is_password_of(password, account.password_hash)
    assert password not in browser.get(here).content.decode()
    refused = browser.post(here, {"username": "a/b"}).content.decode()
    assert "error-summary" in refused
    browser.post(url(source, town, "account_revoke", broker=broker.uuid, account=account.uuid))
    assert "révoqué" in browser.get(here).content.decode()


def _secret_of(page: str, account: BrokerAccount) -> str:
    for word in re.findall(r"[A-Za-z0-9_-]{43}", page):
        if is_password_of(word, account.password_hash):
            return str(word)
    raise AssertionError("the password is not shown")


def test_only_who_manages_sources_changes_anything(town: Territory, source: MadeSource) -> None:
    broker = made(town)
    seeing, stranger = Client(), Client()
    sign_in(seeing, make_agent(town, verbs=["sources.see"]))
    elsewhere = make_territory()
    sign_in(stranger, make_agent(elsewhere))
    assert seeing.get(url(source, town, "source_mqtt")).status_code == 200
    for name in ("broker_edit", "broker_accounts", "broker_stop", "broker_test"):
        path = url(source, town, name, broker=broker.uuid)
        assert seeing.post(path).status_code == 403
        assert stranger.post(path).status_code == 404
        own = url(source, elsewhere, name, broker=broker.uuid)
        assert stranger.post(own).status_code == 404
