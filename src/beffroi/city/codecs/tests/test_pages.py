from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from beffroi.city.codecs.model_services import model_create
from beffroi.city.codecs.models import CodecTrouble, DeviceModel, Script, ScriptVersion
from beffroi.city.codecs.references import script_reference
from beffroi.city.codecs.services import checked_examples, payload_of
from beffroi.city.codecs.testing import (
    BROKEN,
    ENDLESS,
    PROBE,
    PROBE_EXAMPLES,
    make_library_model,
    make_model,
    make_script,
)
from beffroi.city.codecs.town_contracts import MAX_SOURCE, ScriptRefused
from beffroi.foundation.accounts.testing import make_agent, sign_in
from beffroi.foundation.audit.api import AuditFilter, audit_page
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.models import Territory
from beffroi.foundation.territories.testing import make_territory
from beffroi.kernel.clock import now

KEEP = {"faire": "garder"}


@pytest.fixture
def town(transactional_db: None) -> Territory:  # noqa: ARG001 - the database comes first
    return make_territory()


@pytest.fixture
def browser(town: Territory) -> Client:
    client = Client()
    sign_in(client, make_agent(town))
    return client


def url(town: Territory, name: str, **kwargs: Any) -> str:
    return reverse(f"codecs:{name}", kwargs={"territory": town.slug, **kwargs})


def asked(**fields: Any) -> dict[str, Any]:
    return {"name": "Sonde", "source": PROBE, "examples": "", **KEEP, **fields}


def test_a_script_is_tried_then_kept_with_what_its_examples_give(
    town: Territory, browser: Client
) -> None:
    here = url(town, "script_new")
    given = asked(examples=json.dumps(list(PROBE_EXAMPLES)))
    tried = browser.post(here, {**given, "faire": "essayer"}).content.decode()
    assert tried.count("Réussi") == 2
    assert tried.count("Échoué") == 1
    with acting_for(town.id):
        assert not Script.objects.exists()
    kept = browser.post(here, given)
    with acting_for(town.id):
        script = Script.objects.get()
        verbs = [entry.verb for entry in audit_page(AuditFilter()).entries]
    assert (script.passed, script.version) == (2, 1)
    assert "codecs.script_added" in verbs
    page = browser.get(kept["Location"]).content.decode()
    assert page.count("Échoué") == 1
    assert "decodeUplink" in page
    assert "Sonde" in browser.get(url(town, "scripts")).content.decode()


def test_a_syntax_error_is_told_with_its_line_and_nothing_is_kept(
    town: Territory, browser: Client
) -> None:
    page = browser.post(url(town, "script_new"), asked(source=BROKEN)).content.decode()
    assert "Ligne 2" in page
    with acting_for(town.id):
        assert not Script.objects.exists()


@pytest.mark.parametrize(
    "octets",
    [
        b"function decodeUplink(i) { return {data: {}}; }\x00",
        b"\xff\xfe\x00\x00",
        b"PK\x03\x04 an archive",
        b"x" * (MAX_SOURCE + 1),
        b"",
        "é".encode("latin-1"),
    ],
)
def test_a_file_that_is_no_script_is_refused_in_words(
    town: Territory, browser: Client, octets: bytes
) -> None:
    upload = SimpleUploadedFile("codec.js", octets)
    page = browser.post(url(town, "script_new"), asked(source="", file=upload))
    assert page.status_code == 200
    assert "error-summary" in page.content.decode()
    with acting_for(town.id):
        assert not Script.objects.exists()


def test_a_file_is_kept_as_it_was_sent(town: Territory, browser: Client) -> None:
    upload = SimpleUploadedFile("codec.js", b"\xef\xbb\xbf" + PROBE.replace("\n", "\r\n").encode())
    browser.post(url(town, "script_new"), asked(source="", file=upload))
    with acting_for(town.id):
        assert Script.objects.get().source == PROBE


@pytest.mark.parametrize(
    "examples", ["{", "3", '[{"input": 1}]', '[{"input": {"bytes": "zz"}}]', "[" * 100_000]
)
def test_examples_of_another_form_are_refused(
    town: Territory, browser: Client, examples: str
) -> None:
    page = browser.post(url(town, "script_new"), asked(examples=examples))
    assert page.status_code == 200
    assert "error-summary" in page.content.decode()


def test_examples_are_read_in_both_forms_and_hold_nothing_that_the_database_refuses() -> None:
    kept = checked_examples(
        [{"name": "a\x00", "input": {"bytes": [0, 215], "fPort": 2}, "output": {"x": "\x00"}}]
    )
    assert kept[0]["input"] == {"bytes": "00d7", "fPort": 2}
    assert "\x00" not in json.dumps(kept)
    assert "\\u0000" not in json.dumps(kept)
    assert payload_of("0x00 D7:01") == b"\x00\xd7\x01"
    with pytest.raises(ScriptRefused):
        payload_of("0")


def test_a_change_is_a_new_version_and_the_former_ones_stay(
    town: Territory, browser: Client
) -> None:
    script = make_script(town)
    browser.post(
        url(town, "script_edit", script=script.uuid), asked(source=PROBE.replace("10", "100"))
    )
    with acting_for(town.id):
        assert Script.objects.get().version == 2
        assert [row.source == PROBE for row in ScriptVersion.objects.order_by("version")] == [
            True,
            False,
        ]
    old = browser.get(f"{url(town, 'script', script=script.uuid)}?version=1").content.decode()
    assert "Texte de la version 1" in old
    assert browser.get(f"{url(town, 'script', script=script.uuid)}?version=x").status_code == 200


def test_a_frame_is_decoded_on_the_page_and_kept_as_an_example(
    town: Territory, browser: Client
) -> None:
    script = make_script(town)
    here = url(town, "script", script=script.uuid)
    page = browser.post(here, {"payload": "00 d7", "f_port": "1"}).content.decode()
    assert "21.5" in page
    assert "pas une trame" in browser.post(here, {"payload": "xyz", "f_port": "1"}).content.decode()
    browser.post(
        url(town, "example_keep", script=script.uuid),
        {"payload": "00 d7", "f_port": "1", "name": "Vraie"},
    )
    with acting_for(town.id):
        kept = Script.objects.get()
    assert (kept.version, kept.passed) == (2, 1)
    assert kept.examples[0]["expected"] == {"TempC_SHT": 21.5}


def test_a_script_that_never_ends_is_shown_so_and_the_page_answers(
    town: Territory, browser: Client
) -> None:
    examples = [{"input": {"bytes": "00", "fPort": 1}, "expected": {}}] * 20
    script = make_script(town, source=ENDLESS, examples=examples)
    page = browser.get(url(town, "script", script=script.uuid)).content.decode()
    assert "trop de temps" in page


def test_a_script_left_aside_is_shown_and_put_back(town: Territory, browser: Client) -> None:
    script = make_script(town)
    with acting_for(town.id):
        CodecTrouble.objects.create(
            territory_id=town.id,
            codec_key=script_reference(script.uuid),
            sha256=script.sha256,
            code="codec.timeout",
            held_until=now(),
            error={"message": "The script {script} took too long on this frame and was stopped.",
                   "params": {"script": "Sonde"}},
        )  # fmt: skip
    assert "mis de côté" in browser.get(url(town, "scripts")).content.decode()
    page = browser.get(url(town, "script", script=script.uuid)).content.decode()
    assert "trop de temps" in page
    browser.post(url(town, "script_resume", script=script.uuid))
    with acting_for(town.id):
        assert CodecTrouble.objects.get().held_until is None


def test_a_script_in_use_stays_and_one_in_no_use_goes(town: Territory, browser: Client) -> None:
    script = make_script(town)
    model = make_model(town, script=script)
    browser.post(url(town, "script_delete", script=script.uuid))
    with acting_for(town.id):
        assert Script.objects.get().removed_at is None
        DeviceModel.objects.filter(id=model.id).update(codec_key="")
    browser.post(url(town, "script_delete", script=script.uuid))
    with acting_for(town.id):
        assert Script.objects.get().removed_at is not None
        assert ScriptVersion.objects.exists()
    make_script(town)  # its name is free again


def test_a_model_of_the_library_is_found_seen_and_adopted(town: Territory, browser: Client) -> None:
    item = make_library_model(vendor="Milesight", name="AM307", examples=PROBE_EXAMPLES[:1])
    listed = browser.get(url(town, "library"), {"q": "am307 mile"}).content.decode()
    assert "AM307" in listed
    nothing = browser.get(url(town, "library"), {"q": "am308"}).content.decode()
    assert "AM307" not in nothing
    here = url(town, "library_model", library_model=item.uuid)
    assert "Réussi" in browser.get(here).content.decode()
    done = browser.post(here)
    with acting_for(town.id):
        model = DeviceModel.objects.get()
    assert done["Location"].endswith(f"/appareils/modeles/{model.uuid}/")
    assert model.codec_key == f"library:{item.codec.uuid}"
    assert browser.get(done["Location"]).status_code == 200


def test_who_may_only_see_changes_nothing(town: Territory) -> None:
    script = make_script(town)
    item = make_library_model()
    seeing, stranger = Client(), Client()
    sign_in(seeing, make_agent(town, verbs=["sources.see"]))
    sign_in(stranger, make_agent(make_territory()))
    page = seeing.get(url(town, "script", script=script.uuid))
    assert page.status_code == 200
    assert seeing.get(url(town, "script_new")).status_code == 403
    assert seeing.post(url(town, "library_model", library_model=item.uuid)).status_code == 403
    for name in ("script_edit", "example_keep", "script_resume", "script_delete"):
        assert seeing.post(url(town, name, script=script.uuid)).status_code == 403
    assert stranger.get(url(town, "scripts")).status_code == 404


def test_the_script_of_another_town_does_not_exist_here(town: Territory) -> None:
    elsewhere = make_territory()
    script = make_script(town)
    client = Client()
    sign_in(client, make_agent(elsewhere))
    assert client.get(url(elsewhere, "script", script=script.uuid)).status_code == 404
    with acting_for(elsewhere.id), pytest.raises(Exception, match="no codec"):
        model_create(name="Volé", codec_key=script_reference(script.uuid))
