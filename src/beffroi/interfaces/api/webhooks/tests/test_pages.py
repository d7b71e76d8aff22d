from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from beffroi.foundation.accounts.contracts import VERBS
from beffroi.foundation.accounts.testing import agent_client
from beffroi.foundation.audit.api import AuditFilter, audit_page
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.messaging.api import (
    Filters,
    WebhookState,
    deliveries_page,
    outbox_append,
    webhook_get,
    webhooks_list,
)
from beffroi.foundation.messaging.sending import work_once
from beffroi.foundation.messaging.testing import (
    HERE,
    Happened,
    Receiver,
    loopback_allowed,
    make_webhook,
    receiving,
)
from beffroi.foundation.territories.models import Territory
from beffroi.foundation.territories.testing import make_area, make_territory


@pytest.fixture
def town(db: None) -> Territory:  # noqa: ARG001 - the database comes first
    return make_territory()


@pytest.fixture
def browser(town: Territory) -> Client:
    return agent_client(town)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running, loopback_allowed():
        yield running


def url(town: Territory, name: str, **kwargs: Any) -> str:
    return reverse(f"webhooks:{name}", kwargs={"territory": town.slug, **kwargs})


def verbs(town: Territory) -> set[str]:
    with acting_for(town.pk):
        return {entry.verb for entry in audit_page(AuditFilter()).entries}


def test_a_webhook_is_added_and_its_secret_is_shown_once(town: Territory, browser: Client) -> None:
    make_area(town, name="Gare")
    page = browser.get(url(town, "new")).content.decode()
    assert "Nouvelles mesures" in page
    assert "Un événement par fichier" in page
    with acting_for(town.pk):
        area = re.search(r'<option value="(\d+)">Gare', page)
    assert area is not None
    done = browser.post(
        url(town, "new"),
        {
            "name": "GMAO",
            "url": "https://gmao.exemple.fr/crochet",
            "topics": ["asset.created", "observations"],
            "domains": ["street_lighting"],
            "areas": [area[1]],
        },
    )
    secret = re.search(r"whsec_[A-Za-z0-9+/=]{40,}", done.content.decode())
    assert secret is not None
    assert "no-store" in done["Cache-Control"]
    with acting_for(town.pk):
        (card,) = webhooks_list()
    assert card.topics == ("asset.created", "observations")
    assert card.filters == Filters(domains=("street_lighting",), areas=(int(area[1]),))
    shown = [
        browser.get(url(town, name, **kwargs)).content.decode()
        for name, kwargs in (
            ("list", {}),
            ("webhook", {"webhook": card.uuid}),
            ("edit", {"webhook": card.uuid}),
        )
    ]
    assert all("GMAO" in page for page in shown)
    assert not any("whsec_" in page for page in shown)
    assert "webhooks.created" in verbs(town)


def test_an_address_inside_is_refused_in_french(town: Territory, browser: Client) -> None:
    fields = {"name": "x", "url": "https://169.254.169.254/", "topics": ["asset.created"]}
    page = browser.post(url(town, "new"), fields).content.decode()
    assert "dans un réseau vers lequel rien n’est envoyé" in page
    page = browser.post(url(town, "new"), {**fields, "url": "http://ville.fr/"}).content.decode()
    assert "commence par https://" in page
    with acting_for(town.pk):
        assert webhooks_list() == []


def test_a_test_shows_the_answer(town: Territory, browser: Client, receiver: Receiver) -> None:
    webhook = make_webhook(town, url=receiver.url)
    receiver.replies += [(200, {}, b"<b>bien re\xc3\xa7u</b>"), 500]
    page = browser.post(url(town, "try", webhook=webhook.uuid)).content.decode()
    assert "Le destinataire a accepté. HTTP 200" in page
    assert "&lt;b&gt;bien reçu&lt;/b&gt;" in page
    page = browser.post(url(town, "try", webhook=webhook.uuid)).content.decode()
    assert "Le destinataire a refusé. HTTP 500" in page
    assert "webhooks.tested" in verbs(town)


def test_deliveries_are_seen_filtered_and_sent_again(
    town: Territory, browser: Client, receiver: Receiver
) -> None:
    webhook = make_webhook(town, url=receiver.url)
    receiver.replies += [(500, {}, b"en panne")]
    with acting_for(town.pk):
        outbox_append(Happened(number=7, note="été"))
    work_once(way=HERE)
    here = url(town, "webhook", webhook=webhook.uuid)
    page = browser.get(here).content.decode()
    assert "nouvelle tentative prévue" in page
    assert "Le destinataire n’accepte pas" in page
    assert "Aucun envoi ici" in browser.get(here, {"etat": "delivered"}).content.decode()
    assert "HTTP 500" in browser.get(here, {"etat": "echec"}).content.decode()
    with acting_for(town.pk):
        (delivery,) = deliveries_page(webhook.uuid).deliveries
    there = url(town, "delivery", webhook=webhook.uuid, delivery=delivery.uuid)
    page = browser.get(there).content.decode()
    assert "en panne" in page
    assert "été" in page
    again = url(town, "again", webhook=webhook.uuid, delivery=delivery.uuid)
    assert browser.post(again).status_code == 302
    work_once(way=HERE)
    assert receiver.numbers == [7, 7]
    assert "remis" in browser.get(here, {"etat": "delivered"}).content.decode()
    assert "webhooks.resent" in verbs(town)


def test_paging_goes_back_in_time(town: Territory, browser: Client, receiver: Receiver) -> None:
    webhook = make_webhook(town, url=receiver.url, topics=("test.happened", "test.other"))
    for number in range(60):
        with acting_for(town.pk):
            outbox_append(Happened(number=number))
        work_once(way=HERE)
    page = browser.get(url(town, "webhook", webhook=webhook.uuid)).content.decode()
    more = re.search(r'href="([^"]*avant=\d+)"', page)
    assert more is not None
    assert "Envois précédents" not in browser.get(more[1].replace("&amp;", "&")).content.decode()


def test_it_is_paused_resumed_given_a_new_secret_changed_and_removed(
    town: Territory, browser: Client
) -> None:
    webhook = make_webhook(town)

    def state() -> WebhookState:
        with acting_for(town.pk):
            return webhook_get(webhook.uuid).state

    browser.post(url(town, "stop", webhook=webhook.uuid))
    assert state() is WebhookState.PAUSED
    browser.post(url(town, "restart", webhook=webhook.uuid))
    assert state() is WebhookState.ACTIVE
    renewed = browser.post(url(town, "secret", webhook=webhook.uuid)).content.decode()
    assert "whsec_" in renewed
    assert webhook.secret not in renewed
    fields = {"name": "Autre", "url": "https://autre.exemple.fr/", "topics": ["import.finished"]}
    assert browser.post(url(town, "edit", webhook=webhook.uuid), fields).status_code == 302
    with acting_for(town.pk):
        assert webhook_get(webhook.uuid).topics == ("import.finished",)
    assert "sans retour" in browser.get(url(town, "delete", webhook=webhook.uuid)).content.decode()
    assert browser.post(url(town, "delete", webhook=webhook.uuid)).status_code == 302
    assert browser.get(url(town, "webhook", webhook=webhook.uuid)).status_code == 404
    done = {"paused", "resumed", "rotated", "changed", "removed"}
    assert {f"webhooks.{verb}" for verb in done} <= verbs(town)


def test_who_may_not_manage_sees_nothing(town: Territory) -> None:
    webhook = make_webhook(town)
    stranger = agent_client(town, verbs=VERBS - {"api.manage"})
    for name, kwargs in (("list", {}), ("new", {}), ("webhook", {"webhook": webhook.uuid})):
        assert stranger.get(url(town, name, **kwargs)).status_code == 403


def test_nobody_sends_out_what_their_role_does_not_see(town: Territory) -> None:
    limited = agent_client(
        town, verbs={"api.manage"}, grants=[("assets.see", "street_lighting", None)]
    )
    fields: dict[str, Any] = {
        "name": "GMAO",
        "url": "https://gmao.exemple.fr/",
        "topics": ["asset.created"],
    }
    refused = limited.post(url(town, "new"), fields).content.decode()
    assert "Votre rôle ne voit pas tout cela" in refused
    accepted = limited.post(url(town, "new"), {**fields, "domains": ["street_lighting"]})
    assert "whsec_" in accepted.content.decode()


def test_the_webhooks_of_another_town_do_not_exist(town: Territory, browser: Client) -> None:
    foreign: UUID = make_webhook(make_territory()).uuid
    assert browser.get(url(town, "webhook", webhook=foreign)).status_code == 404
    assert browser.post(url(town, "stop", webhook=foreign)).status_code == 404
