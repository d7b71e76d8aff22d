from __future__ import annotations

import re

from django.test import Client

from beffroi.city.assets.models import Asset, AssetChange
from beffroi.city.assets.testing import make_asset
from beffroi.foundation.accounts.testing import agent_client
from beffroi.foundation.database.api import acting_for
from beffroi.modules.control_room.tests.conftest import Town
from beffroi.modules.control_room.tests.reading import HTMX, read, text_of


def _url(town: Town, path: str = "") -> str:
    return town.url(f"equipements/{town.lamp.uuid}/{path}")


def _read_at(client: Client, url: str) -> str:
    found = re.search(r'name="read_at" value="([^"]+)"', client.get(url).content.decode())
    assert found is not None
    return found[1]


def _form(**changed: str) -> dict[str, str]:
    return {"name": "Lanterne", "lon": "3,85", "lat": "43,61", **changed}


def test_who_saves_second_is_told_what_changed_and_decides(town: Town, agent: Client) -> None:
    colleague = agent_client(town.territory)
    url = _url(town, "modifier/")
    mine, theirs = _read_at(agent, url), _read_at(colleague, url)
    first = colleague.post(url, _form(name="De la collègue", read_at=theirs))
    assert first.status_code == 302
    page = agent.post(url, _form(name="La mienne", read_at=mine))
    words = text_of(page)
    assert "Quelqu’un a modifié cet équipement" in words
    assert "Lanterne du Nord → De la collègue" in words
    assert 'value="La mienne"' in page.content.decode()
    with acting_for(town.territory.pk):
        assert Asset.objects.get(pk=town.lamp.pk).name == "De la collègue"
    known = re.search(r'name="read_at" value="([^"]+)"', page.content.decode())
    assert known is not None
    assert agent.post(url, _form(name="La mienne", read_at=known[1])).status_code == 302
    with acting_for(town.territory.pk):
        assert Asset.objects.get(pk=town.lamp.pk).name == "La mienne"


def test_a_parent_is_found_by_its_name_and_never_turns_round(town: Town, agent: Client) -> None:
    other = make_asset(
        town.territory, type_key="lighting_cabinet", name="Armoire Foch", external_key="ARM-2"
    )
    url = _url(town, "modifier/")
    options = agent.get(_url(town, "modifier/parents/?parent=armoire"), headers=HTMX)
    assert "Armoire Foch · ARM-2" in options.content.decode()
    assert "Plusieurs équipements correspondent" in text_of(
        agent.post(url, _form(parent="armoire"))
    )
    assert "Aucun équipement" in text_of(agent.post(url, _form(parent="beffroi")))
    for words in ("Armoire Foch", "ARM-2", "Armoire Foch · ARM-2"):
        assert agent.post(url, _form(parent=words)).status_code == 302
        with acting_for(town.territory.pk):
            assert Asset.objects.get(pk=town.lamp.pk).parent_id == other.pk
    assert agent.post(url, _form(parent="")).status_code == 302
    assert agent.post(url, _form(parent=f"Armoire Comédie · {town.cabinet.external_key}"))
    back = town.url(f"equipements/{town.cabinet.uuid}/modifier/")
    refused = agent.post(back, _form(name="Armoire Comédie", parent="L-001"))
    assert "dépend déjà de cet équipement" in text_of(refused)


def test_an_asset_is_taken_out_with_a_reason_and_put_back(town: Town, agent: Client) -> None:
    assert _url(town, "retirer/") in agent.get(_url(town)).content.decode()
    asked = read(agent, _url(town, "retirer/"))
    assert "0004a30b001c1234" in asked
    assert "Il reste" in text_of(agent.post(_url(town, "retirer/"), {"reason": " "}))
    done = agent.post(_url(town, "retirer/"), {"reason": "Mât déposé"})
    assert done.status_code == 302
    page = read(agent, _url(town))
    assert "Cet équipement a été retiré" in page
    assert "Mât déposé" in page
    assert "Lanterne du Nord" not in read(agent, town.url("ville/liste/"))
    assert "Lanterne du Nord" in read(agent, town.url("ville/liste/?etat=hors_service"))
    assert agent.get(_url(town, "remettre/")).status_code == 405
    assert agent.post(_url(town, "remettre/")).status_code == 302
    assert "Lanterne du Nord" in read(agent, town.url("ville/liste/"))
    assert "Remis en place" in read(agent, _url(town))


def test_nobody_takes_out_what_their_role_does_not_let_them(town: Town, limited: Client) -> None:
    editor = agent_client(town.territory, verbs=["assets.see", "assets.edit"])
    northern = agent_client(
        town.territory,
        verbs=["assets.see"],
        grants=[("assets.delete", "street_lighting", town.north.pk)],
    )
    southern = town.url(f"equipements/{town.southern_lamp.uuid}/retirer/")
    for client in (editor, limited):
        assert client.post(_url(town, "retirer/"), {"reason": "x"}).status_code == 403
        assert client.post(_url(town, "remettre/")).status_code == 403
        assert _url(town, "retirer/") not in client.get(_url(town)).content.decode()
    assert northern.post(southern, {"reason": "x"}).status_code == 404
    assert northern.post(_url(town, "retirer/"), {"reason": "x"}).status_code == 302
    with acting_for(town.territory.pk):
        gone = Asset.objects.filter(removed_at__isnull=False)
        assert list(gone.values_list("pk", flat=True)) == [town.lamp.pk]


def test_what_a_file_no_longer_names_is_checked_once(town: Town, agent: Client) -> None:
    with acting_for(town.territory.pk):
        Asset.objects.filter(pk=town.lamp.pk).update(absent_from="éclairage.csv")
    assert "Lanterne du Nord" in read(agent, town.url("ville/liste/?etat=a_verifier"))
    assert "« éclairage.csv »" in read(agent, _url(town)).replace("\xa0", " ")
    assert agent.post(_url(town, "verifie/")).status_code == 302
    assert "éclairage.csv »" not in read(agent, _url(town))
    with acting_for(town.territory.pk):
        assert AssetChange.objects.count() == 1


def test_the_form_says_how_to_move_the_asset_without_a_mouse(town: Town, agent: Client) -> None:
    page = agent.get(_url(town, "modifier/"))
    content = page.content.decode()
    assert 'data-island="place" data-lon="id_lon" data-lat="id_lat"' in content
    assert 'id="id_lon"' in content
    assert page.context["map"]["point"] == [town.lamp.lon, town.lamp.lat]
