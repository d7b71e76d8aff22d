"""The page on which a sample is tried: nothing is stored before the mapping is saved."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from beffroi.city.assets.testing import make_asset, make_device
from beffroi.city.ingest.models import IngestError, Message, Source, UnclaimedDevice
from beffroi.city.ingest.testing import MadeSource, make_source
from beffroi.foundation.accounts.testing import make_agent, sign_in
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.models import Territory

CSV = "Station;Date;Heure;Temp;Porte\nS1;14/07/2026;12:00;21,5;ouverte\nS2;30/02/2026;12:00;3;x\n"


@pytest.fixture
def plain(town: Territory) -> MadeSource:
    return make_source(town, connector="plain_json")


@pytest.fixture
def browser(town: Territory) -> Client:
    client = Client()
    sign_in(client, make_agent(town))
    return client


def url(town: Territory, source: MadeSource) -> str:
    return reverse(
        "ingest:source_sample", kwargs={"territory": town.slug, "source": source.row.uuid}
    )


def fields_of(page: str) -> dict[str, Any]:
    """Return what a browser would send of the page's form, but for the sample."""
    form = page.split("<main", 1)[1]
    found = {
        name: value
        for tag in re.findall(r"<input [^>]*>", form)
        for name, value in [(_attribute(tag, "name"), _attribute(tag, "value"))]
        if name and _attribute(tag, "type") != "file"
    }
    for name, body in re.findall(
        r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL
    ):
        chosen = re.search(r'<option value="([^"]*)" selected', body)
        found[name] = chosen[1] if chosen else ""
    return found


def _attribute(tag: str, name: str) -> str:
    match = re.search(rf' {name}="([^"]*)"', tag)
    return match[1] if match else ""


def test_a_sample_is_read_the_mapping_corrected_and_saved(
    town: Territory, plain: MadeSource, browser: Client
) -> None:
    asset = make_asset(town, type_key="tiny_station", domain_key="tiny")
    make_device(town, identifier="S1", asset=asset, source_id=plain.row.id)
    here = url(town, plain)
    assert browser.get(here).status_code == 200
    guessed = browser.post(here, {"sample": CSV, "faire": "essayer"}).content.decode()
    sent = {**fields_of(guessed), "sample": CSV, "content_type": "text/csv"}
    assert sent["part_device"] == "Station"
    assert sent["part_time_of_day"] == "Heure"
    assert "<code>S1</code>" in guessed
    assert "14/07/2026 12:00:00" in guessed
    assert "30/02/2026 12:00" in guessed  # the second row is refused, with what it holds
    row = next(name for name, value in sent.items() if value == "Temp" and name.endswith("-path"))
    sent[row.replace("path", "key")] = "temperature"
    sent[row.replace("path", "factor")] = "2"
    tried = browser.post(here, {**sent, "faire": "essayer"}).content.decode()
    assert "<strong>43,0</strong>" in tried
    with acting_for(town.id):
        assert Source.objects.get().settings["mapping"] == {}
        assert not Message.objects.exists()
        assert not UnclaimedDevice.objects.exists()
        assert not IngestError.objects.exists()
    saved = browser.post(here, {**sent, "faire": "enregistrer"})
    assert saved.status_code == 302
    with acting_for(town.id):
        mapping = Source.objects.get().settings["mapping"]
    assert mapping["measures"]["temperature"] == {"path": "Temp", "factor": 2.0}
    assert mapping["time_zone"] == "Europe/Paris"
    again = browser.post(here, {"sample": CSV, "faire": "essayer"}).content.decode()
    assert "<strong>43,0</strong>" in again


def test_a_wrong_mapping_is_told_and_not_saved(
    town: Territory, plain: MadeSource, browser: Client
) -> None:
    here = url(town, plain)
    page = browser.post(here, {"sample": CSV, "faire": "essayer"}).content.decode()
    sent = {**fields_of(page), "sample": CSV, "content_type": "text/csv"}
    sent["part_time_zone"] = "Mars/Olympus"
    told = browser.post(here, {**sent, "faire": "enregistrer"})
    assert told.status_code == 200
    assert "Mars/Olympus" in told.content.decode()
    with acting_for(town.id):
        assert Source.objects.get().settings["mapping"] == {}


def test_the_beginning_of_a_file_takes_the_place_of_the_text(
    town: Territory, plain: MadeSource, browser: Client
) -> None:
    rows = "".join(f"S{n};2026-07-14T12:00:00Z;{n}\n" for n in range(30_000))
    content = f"Station;Date;Température\n{rows}".encode("cp1252")
    file = SimpleUploadedFile("relevés.csv", content, content_type="text/csv")
    page = browser.post(url(town, plain), {"file": file, "faire": "essayer"}).content.decode()
    assert "Température" in page
    assert "<code>S49</code>" in page
    assert "<code>S50</code>" not in page


@pytest.mark.parametrize("sample", ["", "   ", "[1]", "{", "\x00\x01", "a" * 300_000])
def test_what_cannot_be_read_is_told(
    town: Territory, plain: MadeSource, browser: Client, sample: str
) -> None:
    answer = browser.post(url(town, plain), {"sample": sample, "faire": "essayer"})
    assert answer.status_code == 200
    assert "error-summary" in answer.content.decode()


def test_a_source_of_any_connector_is_tried_with_its_own_settings(
    town: Territory, source: MadeSource, browser: Client
) -> None:
    sample = '[{"device": "d", "key": "k", "at": "2026-03-02T07:31:22Z", "readings": {"t": 4}}, {}]'
    page = browser.post(url(town, source), {"sample": sample, "faire": "essayer"}).content.decode()
    assert "<code>d</code>" in page
    assert "m-TOTAL_FORMS" not in page


def test_who_may_only_see_does_not_try(town: Territory, plain: MadeSource) -> None:
    seeing = Client()
    sign_in(seeing, make_agent(town, verbs=["sources.see"]))
    assert seeing.get(url(town, plain)).status_code == 403
