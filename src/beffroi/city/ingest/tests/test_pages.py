from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.translation import gettext, override

from beffroi.city.assets.models import Asset, Device
from beffroi.city.assets.testing import make_asset, make_device
from beffroi.city.ingest.models import Source
from beffroi.city.ingest.testing import MadeSource, post, tiny_message
from beffroi.city.ingest.tests.test_door import station, values
from beffroi.foundation.accounts.testing import make_agent, sign_in
from beffroi.foundation.audit.api import AuditFilter, audit_page
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.models import Territory
from beffroi.foundation.territories.testing import make_territory
from beffroi.kernel.clock import now

DEVICE = "a81758fffe000077"


@pytest.fixture
def browser(town: Territory) -> Client:
    client = Client()
    sign_in(client, make_agent(town))
    return client


def url(town: Territory, name: str, **kwargs: Any) -> str:
    return reverse(f"ingest:{name}", kwargs={"territory": town.slug, **kwargs})


def test_a_source_is_added_and_its_secret_is_shown_once(town: Territory, browser: Client) -> None:
    assert "Tiny network" in browser.get(url(town, "source_new")).content.decode()
    page = browser.post(
        f"{url(town, 'source_new')}?connecteur=tiny", {"name": "Réseau", "setting_room": "x"}
    )
    with acting_for(town.id):
        row = Source.objects.get()
        verbs = [entry.verb for entry in audit_page(AuditFilter()).entries]
    text = page.content.decode()
    secret = text.split("Authorization: Bearer ", 1)[1].split("&#x27;", 1)[0]
    assert len(secret) >= 43
    assert f"/ingest/tiny/{row.key}" in text
    assert page["Cache-Control"].startswith("max-age=0, no-cache, no-store")
    assert "sources.created" in verbs
    listed = browser.get(url(town, "sources")).content.decode()
    shown = browser.get(url(town, "source", source=row.uuid)).content.decode()
    assert "Réseau" in listed
    assert secret not in listed + shown


def test_a_new_secret_and_a_stop(town: Territory, source: MadeSource, browser: Client) -> None:
    page = browser.post(url(town, "source_secret", source=source.row.uuid))
    assert "Authorization: Bearer" in page.content.decode()
    browser.post(url(town, "source_stop", source=source.row.uuid))
    with acting_for(town.id):
        row = Source.objects.get()
    assert not row.enabled
    assert bytes(row.former_secret_hash or b"") == bytes(source.row.secret_hash or b"")
    browser.post(url(town, "source_resume", source=source.row.uuid))
    with acting_for(town.id):
        assert Source.objects.get().enabled


def test_the_page_of_a_source_shows_what_went_wrong_and_the_message_that_caused_it(
    town: Territory, source: MadeSource, door: int, browser: Client
) -> None:
    station(town, DEVICE)
    post(door, source.path, tiny_message(DEVICE, now(), hex="ffee"), headers=source.headers)
    post(door, source.path, b"<half", headers=source.headers)
    here = url(town, "source", source=source.row.uuid)
    failed = browser.get(here, {"vue": "echecs"}).content.decode()
    with override("fr"):
        told = gettext("The frame begins with {octet}.").format(octet="ff")
    assert "ff ee" in failed
    assert told in failed
    assert "&lt;half" in browser.get(here, {"vue": "erreurs"}).content.decode()
    assert browser.post(url(town, "source_redecode", source=source.row.uuid)).status_code == 302


def test_a_device_is_previewed_then_claimed(
    town: Territory, source: MadeSource, door: int, browser: Client
) -> None:
    asset = make_asset(town, type_key="tiny_station", domain_key="tiny", name="Cour d’école")
    message = tiny_message(DEVICE, now() - timedelta(minutes=1), hex="00d7", name="Cour")
    post(door, source.path, message, headers=source.headers)
    listed = browser.get(url(town, "devices"), {"etat": "inconnus"}).content.decode()
    assert DEVICE in listed
    assert "Elsys" in listed
    here = f"{url(town, 'claim')}?source={source.row.uuid}&appareil={DEVICE}&q=cour"
    assert "Cour d’école" in browser.get(here).content.decode()
    chosen = {"asset": str(asset.uuid), "codec_key": "tiny", "mapping": ""}
    preview = browser.post(here, {**chosen, "faire": "essayer"}).content.decode()
    assert "<strong>21,5</strong>" in preview
    with acting_for(town.id):
        assert not Device.objects.exists()
    done = browser.post(here, {**chosen, "faire": "rattacher"})
    with acting_for(town.id):
        device = Device.objects.get()
    assert done["Location"] == url(town, "device", device=device.uuid)
    assert values(town, asset)["temperature"] == [21.5]
    page = browser.get(done["Location"]).content.decode()
    there = reverse("control_room:asset", kwargs={"territory": town.slug, "asset": asset.uuid})
    assert f'<a href="{there}">Cour d’école</a>' in page
    assert browser.get(here).status_code == 404


def test_an_asset_without_name_is_called_by_its_type_on_the_page_of_its_device(
    town: Territory, source: MadeSource, browser: Client
) -> None:
    place = "lamps@3.876000,43.610000"
    asset = make_asset(town, type_key="tiny_station", domain_key="tiny", external_key=place)
    device = make_device(town, identifier=DEVICE, asset=asset, source_id=source.row.id)
    page = browser.get(url(town, "device", device=device.uuid)).content.decode()
    listed = browser.get(url(town, "devices")).content.decode()
    assert ">Tiny station</a>" in page
    assert "Tiny station" in listed
    assert place not in page + listed
    blind = Client()
    sign_in(blind, make_agent(town, verbs=["sources.see"]))
    unlinked = blind.get(url(town, "device", device=device.uuid)).content.decode()
    assert "Tiny station" in unlinked
    assert str(asset.uuid) not in unlinked


def test_the_messages_of_a_source_lead_to_the_claim_and_name_what_they_measure(
    town: Territory, source: MadeSource, door: int, browser: Client
) -> None:
    station(town, "a81758fffe000078")
    sent = [
        tiny_message(DEVICE, now(), hex="00d7"),
        tiny_message("a81758fffe000078", now(), hex="00d763", readings={"odd": 4}),
    ]
    post(door, source.path, sent, headers=source.headers)
    page = browser.get(url(town, "source", source=source.row.uuid)).content.decode()
    claim = f"{url(town, 'claim')}?source={source.row.uuid}&amp;appareil={DEVICE}"
    assert f'<a href="{claim}">' in page
    assert page.count("appareil=") == 1
    with override("fr"):
        assert f"{gettext('Temperature')} <strong>21,5</strong>" in page
    assert browser.get(claim.replace("&amp;", "&")).status_code == 200


def test_a_new_asset_is_made_at_the_place_that_is_given(
    town: Territory, source: MadeSource, door: int, browser: Client
) -> None:
    message = tiny_message(DEVICE, now(), hex="00d7")
    post(door, source.path, message, headers=source.headers)
    here = f"{url(town, 'claim')}?source={source.row.uuid}&appareil={DEVICE}"
    asked = {"asset": "nouveau", "codec_key": "tiny", "faire": "rattacher", "lat": "43.6"}
    refused = browser.post(here, asked)
    assert refused.status_code == 200
    with acting_for(town.id):
        assert not Asset.objects.exists()
    browser.post(here, {**asked, "type_key": "tiny_station", "lon": "3.88", "name": "Station"})
    with acting_for(town.id):
        asset = Asset.objects.get()
    assert (asset.name, asset.lon, asset.lat) == ("Station", 3.88, 43.6)


def test_a_device_is_read_otherwise_then_replaced(
    town: Territory, source: MadeSource, door: int, browser: Client
) -> None:
    asset = station(town, DEVICE)
    sent = tiny_message(DEVICE, now(), values={"t": 4})
    post(door, source.path, sent, headers=source.headers)
    with acting_for(town.id):
        uuid = Device.objects.get().uuid
    reading = {"model": "T1", "codec_key": "", "mapping": "t = temperature\n"}
    browser.post(url(town, "device_reading", device=uuid), reading)
    assert values(town, asset) == {"temperature": [4.0]}
    bad = browser.post(url(town, "device_reading", device=uuid), {"mapping": "nothing"})
    assert bad.status_code == 200
    done = browser.post(
        url(town, "device_replace", device=uuid), {"identifier": "A8-17-58-FF-FE-00-FF-00"}
    )
    with acting_for(town.id):
        assert done["Location"] == url(
            town, "device", device=Device.objects.get(identifier="a81758fffe00ff00").uuid
        )
    assert "a81758fffe00ff00" in browser.get(url(town, "devices"), {"q": "A81"}).content.decode()


@pytest.mark.parametrize("name", ["sources", "devices"])
def test_only_who_may_see_sources_opens_the_pages(town: Territory, name: str) -> None:
    blind, seeing, stranger = Client(), Client(), Client()
    sign_in(blind, make_agent(town, verbs=["assets.see"]))
    sign_in(seeing, make_agent(town, verbs=["sources.see"]))
    sign_in(stranger, make_agent(make_territory()))
    assert blind.get(url(town, name)).status_code == 403
    assert seeing.get(url(town, name)).status_code == 200
    assert stranger.get(url(town, name)).status_code == 404


def test_who_may_only_see_changes_nothing(town: Territory, source: MadeSource) -> None:
    seeing = Client()
    sign_in(seeing, make_agent(town, verbs=["sources.see", "assets.see"]))
    page = seeing.get(url(town, "source", source=source.row.uuid)).content.decode()
    assert "csrfmiddlewaretoken" not in page.split("<main", 1)[1]
    for name in ("source_secret", "source_stop", "source_redecode", "source_edit"):
        assert seeing.post(url(town, name, source=source.row.uuid)).status_code == 403


def test_the_source_of_another_territory_does_not_exist_here(
    town: Territory, source: MadeSource
) -> None:
    elsewhere = make_territory()
    browser = Client()
    sign_in(browser, make_agent(elsewhere))
    for name in ("source", "source_edit"):
        assert browser.get(url(elsewhere, name, source=source.row.uuid)).status_code == 404
    assert browser.post(url(elsewhere, "source_secret", source=source.row.uuid)).status_code == 404
    with acting_for(town.id):
        assert Source.objects.get().former_secret_hash is None
