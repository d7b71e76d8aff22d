from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from beffroi.city.assets.models import Device
from beffroi.city.assets.testing import make_asset, make_device
from beffroi.city.codecs.api import FieldRule, script_reference
from beffroi.city.codecs.models import DeviceModel
from beffroi.city.codecs.testing import make_library_model, make_model, make_script
from beffroi.city.ingest.device_models import reread_part
from beffroi.city.ingest.models import Rereading
from beffroi.city.ingest.testing import MadeSource, post, tiny_message
from beffroi.city.ingest.tests.test_door import values
from beffroi.foundation.accounts.testing import make_agent, sign_in
from beffroi.foundation.audit.api import AuditFilter, audit_page
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.models import Territory
from beffroi.foundation.territories.testing import make_territory
from beffroi.kernel.clock import now

DEVICE = "a81758fffe000061"


@pytest.fixture
def browser(town: Territory) -> Client:
    client = Client()
    sign_in(client, make_agent(town))
    return client


def url(town: Territory, name: str, **kwargs: Any) -> str:
    return reverse(f"ingest:{name}", kwargs={"territory": town.slug, **kwargs})


def test_a_model_is_added_and_changed(town: Territory, browser: Client) -> None:
    script = make_script(town)
    reference = script_reference(script.uuid)
    asked = {"name": "ERS", "vendor": "Elsys", "codec_key": reference}
    done = browser.post(url(town, "model_new"), asked)
    with acting_for(town.id):
        model = DeviceModel.objects.get()
    assert done["Location"] == url(town, "model", model=model.uuid)
    assert "Sonde" in browser.get(done["Location"]).content.decode()
    twice = browser.post(url(town, "model_new"), asked).content.decode()
    assert "Il y a déjà un modèle" in twice
    browser.post(url(town, "model_edit", model=model.uuid), {**asked, "codec_key": "tiny"})
    with acting_for(town.id):
        assert DeviceModel.objects.get().codec_key == "tiny"
        verbs = {entry.verb for entry in audit_page(AuditFilter()).entries}
    assert {"models.added", "models.changed"} <= verbs
    assert "Elsys ERS" in browser.get(url(town, "models")).content.decode()


def test_the_fields_are_proposed_corrected_and_the_past_is_read_again(
    town: Territory, source: MadeSource, door: int, browser: Client
) -> None:
    asset = make_asset(town, type_key="tiny_station", domain_key="tiny")
    model = make_model(town, script=make_script(town))
    make_device(town, identifier=DEVICE, asset=asset, model="SONDE-1")
    post(door, source.path, tiny_message(DEVICE, now(), hex="00d761"), headers=source.headers)
    given = {"q": "sonde"}
    here = url(town, "model_devices", model=model.uuid)
    assert "1 appareil serait" in browser.post(here, given).content.decode()
    browser.post(here, {**given, "faire": "donner"})
    with acting_for(town.id):
        assert Device.objects.get().model_ref_id == model.id
    page = browser.get(url(town, "model", model=model.uuid)).content.decode()
    assert "TempC_SHT" in page
    assert "21,5" in page
    assert "Le nom dit" in page
    asked = {
        "lignes": "2",
        "f0-path": "TempC_SHT", "f0-measure": "temperature", "f0-factor": "2", "f0-offset": "-1",
        "f1-path": "battery", "f1-measure": "battery_pct",
        "nouveau-path": "log[*].temp", "nouveau-measure": "temperature", "nouveau-time": "at",
        "faire": "relire",
    }  # fmt: skip
    browser.post(url(town, "model_mapping", model=model.uuid), asked)
    with acting_for(town.id):
        kept = DeviceModel.objects.get()
        run = Rereading.objects.get()
        assert set(kept.mapping) == {"TempC_SHT", "battery", "log[*].temp"}
    going = browser.get(url(town, "model", model=model.uuid)).content.decode()
    assert "0 messages sur 1" in going
    with acting_for(town.id):
        while reread_part(run.uuid):
            pass
    page = browser.get(url(town, "model", model=model.uuid)).content.decode()
    assert "ont été relus" in page
    assert "donne 42" in page
    assert values(town, asset) == {"temperature": [42.0], "battery_pct": [97.0]}
    shown = browser.get(url(town, "device", device=_device(town))).content.decode()
    assert url(town, "model", model=model.uuid) in shown


def test_what_is_written_wrong_is_told_and_nothing_is_kept(
    town: Territory, browser: Client
) -> None:
    model = make_model(town, rules={"a": FieldRule(measure="temperature")})
    here = url(town, "model_mapping", model=model.uuid)
    for wrong in (
        {"f0-choices": "open"}, {"f0-choices": "a = nan"}, {"f0-factor": "x"},
        {"f0-measure": "nothing"}, {"f0-factor": "inf"},
    ):  # fmt: skip
        asked = {"lignes": "1", "f0-path": "a", "f0-measure": "temperature", **wrong}
        page = browser.post(here, asked)
        assert page.status_code == 200
        assert "error-summary" in page.content.decode()
    with acting_for(town.id):
        assert DeviceModel.objects.get().mapping == {"a": {"measure": "temperature"}}
    assert browser.post(here, {"lignes": "x" * 9}).status_code == 302


def test_a_model_with_devices_stays_and_one_without_goes(town: Territory, browser: Client) -> None:
    model = make_model(town)
    make_device(town, identifier=DEVICE, model_ref_id=model.id)
    browser.post(url(town, "model_delete", model=model.uuid))
    with acting_for(town.id):
        assert DeviceModel.objects.get().removed_at is None
        Device.objects.update(model_ref_id=None)
    browser.post(url(town, "model_delete", model=model.uuid))
    assert browser.get(url(town, "model", model=model.uuid)).status_code == 404


def test_a_device_chooses_its_model_on_its_page(town: Territory, browser: Client) -> None:
    model = make_model(town, codec_key="tiny")
    make_device(town, identifier=DEVICE)
    reading = {"model": "T", "model_ref": str(model.uuid), "codec_key": "", "mapping": ""}
    browser.post(url(town, "device_reading", device=_device(town)), reading)
    with acting_for(town.id):
        assert Device.objects.get().model_ref_id == model.id
    page = browser.get(url(town, "device", device=_device(town))).content.decode()
    assert "Vendeur Modèle" in page


def test_the_claim_page_proposes_the_model_of_the_library(
    town: Territory, source: MadeSource, door: int, browser: Client
) -> None:
    proposed = make_library_model(vendor="Milesight", name="AM307")
    make_library_model(vendor="Dragino", name="LHT65")
    message = tiny_message(DEVICE, now(), hex="00d7616263", name="Bureau AM307")
    post(door, source.path, message, headers=source.headers)
    here = f"{url(town, 'claim')}?source={source.row.uuid}&appareil={DEVICE}"
    page = browser.get(here).content.decode()
    assert f'value="bibliotheque:{proposed.uuid}" selected' in page
    assert "LHT65" not in page
    asked = {
        "asset": "nouveau", "type_key": "tiny_station", "lon": "3.88", "lat": "43.6",
        "model_ref": f"bibliotheque:{proposed.uuid}", "mapping": "TempC_SHT = temperature",
    }  # fmt: skip
    assert "21,5" in browser.post(here, {**asked, "faire": "essayer"}).content.decode()
    browser.post(here, {**asked, "faire": "rattacher"})
    with acting_for(town.id):
        assert DeviceModel.objects.get().library_model == proposed.uuid


def test_who_may_only_see_changes_nothing(town: Territory) -> None:
    model = make_model(town)
    seeing, stranger = Client(), Client()
    sign_in(seeing, make_agent(town, verbs=["sources.see", "assets.see"]))
    elsewhere = make_territory()
    sign_in(stranger, make_agent(elsewhere))
    page = seeing.get(url(town, "model", model=model.uuid)).content.decode()
    assert "csrfmiddlewaretoken" not in page.split("<main", 1)[1]
    for name in (
        "model_edit",
        "model_mapping",
        "model_reread",
        "model_devices",
        "model_delete",
        "model_resume",
    ):
        assert seeing.post(url(town, name, model=model.uuid)).status_code == 403
    assert stranger.get(url(elsewhere, "model", model=model.uuid)).status_code == 404


def _device(town: Territory) -> Any:
    with acting_for(town.id):
        return Device.objects.get(identifier=DEVICE).uuid
