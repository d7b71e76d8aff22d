from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from beffroi.city.assets.models import AssetChange
from beffroi.city.assets.testing import make_asset
from beffroi.city.series.testing import make_stream, record
from beffroi.foundation.accounts.testing import agent_client
from beffroi.foundation.database.api import acting_for
from beffroi.kernel.clock import now
from beffroi.modules.control_room.tests.conftest import Town
from beffroi.modules.control_room.tests.reading import HTMX, read, text_of
from beffroi.sdk.registry import domains

QUERIES = {
    "ville/": 11,
    "ville/liste/": 13,
    "ville/recherche/?q=lanterne": 16,
    "domaines/": 10,
    "domaines/street_lighting/": 13,
}
"""Of a page opened again: session, person, access and territory take eight or nine of them."""


def lamp_url(town: Town, path: str = "") -> str:
    return town.url(f"equipements/{town.lamp.uuid}/{path}")


def many(town: Town, count: int) -> None:
    for rank in range(count):
        asset = make_asset(
            town.territory, name=f"Lampe {rank:03d}", area=town.north, parent=town.cabinet
        )
        record(make_stream(asset), [(now() - timedelta(minutes=rank), 40.0 + rank)])


@pytest.mark.parametrize("path", sorted(QUERIES))
def test_pages_ask_as_much_for_many_as_for_few(
    town: Town, agent: Client, path: str, django_assert_num_queries: Any
) -> None:
    many(town, 12)
    assert agent.get(town.url(path)).status_code == 200
    with django_assert_num_queries(QUERIES[path]):
        agent.get(town.url(path))
    many(town, 30)
    with django_assert_num_queries(QUERIES[path]):
        agent.get(town.url(path))


def test_the_page_of_an_asset_asks_as_much_for_many_children(
    town: Town, agent: Client, django_assert_num_queries: Any
) -> None:
    url = town.url(f"equipements/{town.cabinet.uuid}/")
    agent.get(url)
    with django_assert_num_queries(18):
        agent.get(url)
    many(town, 20)
    with django_assert_num_queries(18):
        words = read(agent, url)
    assert "21 équipements en dépendent" in words


def test_the_map_says_where_its_tiles_are(town: Town, agent: Client) -> None:
    page = agent.get(town.url("ville/?domaines=parking&equipement=not-a-uuid"))
    config = page.context["config"]
    assert config["asset_tiles"] == f"/t/{town.slug}/tuiles/equipements/{{z}}/{{x}}/{{y}}.mvt"
    assert config["base_tiles"] == f"/t/{town.slug}/tuiles/fond/{{z}}/{{x}}/{{y}}.mvt"
    assert config["active"] == ["parking"]
    assert "selected" not in config
    assert "Ville de Montpellier" in page.context["credits"]
    assert f'data-live-url="/live/{town.slug}"' in page.content.decode()
    assert "3" in text_of(page)


def test_services_that_are_all_hidden_stay_hidden_on_the_map_and_the_list(
    town: Town, agent: Client
) -> None:
    page = agent.get(town.url("ville/?domaines=aucun"))
    assert page.context["config"]["active"] == ["aucun"]
    assert page.context["list_url"].endswith("?domaines=aucun")
    assert " checked" not in page.content.decode()
    listed = agent.get(town.url("ville/liste/?domaines=aucun"))
    assert listed.context["page"].total == 0
    assert listed.context["city_url"].endswith("?domaines=aucun")
    # Without script the form of the map sends it beside what is ticked.
    some = agent.get(town.url("ville/?domaines=aucun&domaines=parking"))
    assert some.context["config"]["active"] == ["parking"]


def test_colours_mean_the_same_to_everybody(town: Town, agent: Client, limited: Client) -> None:
    def hues(client: Client) -> dict[str, int]:
        shown = client.get(town.url("ville/")).context["domains"]
        return {item["key"]: item["hue"] for item in shown}

    assert hues(agent)["street_lighting"] == hues(limited)["street_lighting"]


def test_the_list_narrows_by_everything(town: Town, agent: Client) -> None:
    def names(query: str) -> list[str]:
        page = agent.get(town.url(f"ville/liste/?{query}")).context["page"]
        return [row.asset.name for row in page.rows]

    everything = ["Armoire Comédie", "Lanterne du Nord", "Lanterne du Sud", "Parking Antigone"]
    assert names("") == everything
    assert names("tri=-nom") == everything[::-1]
    assert names("domaines=parking") == ["Parking Antigone"]
    assert names("domaines=parking,street_lighting") == everything
    assert names("domaines=parking&domaines=street_lighting") == everything
    assert names("type=lighting_cabinet") == ["Armoire Comédie"]
    assert names(f"quartier={town.south.pk}") == ["Lanterne du Sud"]
    assert names("etat=alarm") == ["Lanterne du Sud"]
    assert names("q=loge") == ["Lanterne du Nord"]
    assert names(f"parent={town.cabinet.uuid}") == ["Lanterne du Nord"]
    assert names("tri=etat")[0] == "Lanterne du Sud"
    # What an address has wrong narrows nothing.
    assert names("quartier=zzz&etat=zzz&tri=zzz&page=zzz&parent=zzz") == everything


def test_the_list_is_read_page_by_page(
    town: Town, agent: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beffroi.modules.control_room.list_selectors.PAGE_SIZE", 3)
    first = agent.get(town.url("ville/liste/?tri=-nom"))
    assert first.context["page"].rows[0].asset.name == "Parking Antigone"
    assert first.context["before_url"] == ""
    second = agent.get(first.context["after_url"])
    assert [row.asset.name for row in second.context["page"].rows] == ["Armoire Comédie"]
    assert second.context["after_url"] == ""
    back = agent.get(second.context["before_url"])
    assert [row.asset.name for row in back.context["page"].rows] == [
        row.asset.name for row in first.context["page"].rows
    ]


def test_the_list_shows_the_headline_value_with_its_age(town: Town, agent: Client) -> None:
    words = read(agent, town.url("ville/liste/"))
    assert "64 %" in words or "64,0 %" in words
    assert "il y a 10 min" in words
    assert "aucune mesure" in words


def test_the_list_becomes_a_file_that_a_french_spreadsheet_reads(town: Town) -> None:
    make_asset(town.territory, name="=cmd|' /C calc'!A0", area=town.north)
    agent = agent_client(town.territory)
    response = agent.get(town.url("ville/liste/?format=csv&type=light_point"))
    assert response["Content-Type"].startswith("text/csv")
    written = b"".join(response).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(written), delimiter=";"))
    by_name = {row["Nom"]: row for row in rows}
    assert "'=cmd|' /C calc'!A0" in by_name
    lamp = by_name["Lanterne du Nord"]
    assert lamp["Latitude"] == "43,6100000"
    assert lamp["Quartier"] == "Nord"
    assert lamp["Adresse de la page"].endswith(lamp_url(town))
    assert {row["Type"] for row in rows} == {"Point lumineux"}


def test_an_asset_says_what_it_is_and_where_it_comes_from(town: Town, agent: Client) -> None:
    words = read(agent, lamp_url(town))
    for expected in (
        "Lanterne du Nord",
        "Point lumineux",
        "Éclairage public",
        "L-001",
        "Nord",
        "Mesures simulées",
        "aucun capteur ne les a envoyées",
        "Ville de Montpellier",
        "3 rue de la Loge",
        "Couleur",
        "Dépend de",
        "Armoire Comédie",
        "0004a30b001c1234",
        "Nœud de lampe",
        "-97 dBm",
        "81 %",
    ):
        assert expected in words, expected


def test_an_asset_shows_its_values_and_their_curve(town: Town, agent: Client) -> None:
    page = agent.get(lamp_url(town, "?periode=semaine"))
    words = text_of(page)
    assert "61,5 W" in words or "62 W" in words
    assert "Lire en tableau" in words
    assert page.context["main"]["value"].measure_key == "power_w"
    assert "points=400" in page.context["main"]["src"]
    assert [label for label, _url, current in page.context["ranges"] if current] == ["Semaine"]
    assert page.context["after_url"] == ""
    earlier = agent.get(lamp_url(town) + page.context["before_url"].removesuffix("#courbe"))
    assert earlier.context["period"].chosen
    assert earlier.context["after_url"] != ""
    assert "Aucune mesure sur cette période" in text_of(earlier)


def test_other_measures_are_folded_and_read_alone(town: Town, agent: Client) -> None:
    other = make_stream(town.lamp, measure_key="dimming_pct", unit="%")
    record(other, [(now(), 80.0)])
    page = agent.get(lamp_url(town, "?periode=mois"))
    folded = next(
        item for item in page.context["others"] if item["value"].measure_key == "dimming_pct"
    )
    assert folded["fold_url"].endswith("/courbe/dimming_pct/?periode=mois")
    fragment = agent.get(folded["fold_url"], headers=HTMX)
    assert 'data-island="chart"' in fragment.content.decode()
    assert "<html" not in fragment.content.decode()
    alone = agent.get(folded["fold_url"])
    assert alone.status_code == 302
    assert alone["Location"].endswith("?periode=mois&mesure=dimming_pct#courbe")
    whole = agent.get(alone["Location"])
    assert whole.context["main"]["value"].measure_key == "dimming_pct"
    assert agent.get(lamp_url(town, "courbe/no_such/"), headers=HTMX).status_code == 404


def test_an_asset_without_measurement_says_what_to_do(town: Town, agent: Client) -> None:
    words = read(agent, town.url(f"equipements/{town.cabinet.uuid}/"))
    assert "Aucun appareil ne parle pour cet équipement" in words
    assert "1 équipement en dépend" in words


def test_the_overview_is_a_fragment(town: Town, agent: Client) -> None:
    fragment = agent.get(lamp_url(town, "apercu/"), headers=HTMX)
    words = text_of(fragment)
    assert "<html" not in fragment.content.decode()
    assert "Lanterne du Nord" in words
    assert "sur les dernières 24 heures" in words
    assert 'class="sparkline"' in fragment.content.decode()
    alone = agent.get(lamp_url(town, "apercu/"))
    assert alone.status_code == 302
    assert alone["Location"] == lamp_url(town)


def test_an_asset_is_corrected_and_its_history_says_so(town: Town, agent: Client) -> None:
    url = lamp_url(town, "modifier/")
    form = {"name": "Lanterne neuve", "lon": "3,85", "lat": "43,55", "p_power_nominal_w": "35"}
    done = agent.post(url, form)
    assert done.status_code == 302
    page = agent.get(done["Location"])
    words = text_of(page)
    assert "Lanterne neuve" in words
    assert "Sud" in words  # it was moved to the other district
    assert "Nom : Lanterne du Nord → Lanterne neuve" in words
    assert "70 → 35" in words
    assert "Agent" in words
    with acting_for(town.territory.pk):
        assert AssetChange.objects.count() == 1
    # Sent again, nothing differs and nothing is written.
    agent.post(url, form)
    with acting_for(town.territory.pk):
        assert AssetChange.objects.count() == 1
        town.lamp.refresh_from_db()
    # What the form does not know stays.
    assert town.lamp.properties["couleur"] == "verte"
    assert "address" not in town.lamp.properties


def test_a_wrong_form_is_refused_in_words(town: Town, agent: Client) -> None:
    page = agent.post(lamp_url(town, "modifier/"), {"name": "x", "lon": "400", "lat": "nord"})
    words = text_of(page)
    assert "Il reste des points à corriger" in words
    with acting_for(town.territory.pk):
        assert AssetChange.objects.count() == 0


def test_search_finds_by_name_address_and_identifier(town: Town, agent: Client) -> None:
    for asked in ("lanterne du n", "rue de la loge", "L-001", "0004a30b"):
        page = read(agent, town.url(f"ville/recherche/?q={asked}"))
        assert "Lanterne du Nord" in page, asked
        assert "Lanterne du Nord" in read(agent, town.url(f"ville/recherche/?q={asked}"), **HTMX)
    suggestion = agent.get(town.url("ville/recherche/?q=L-001"), headers=HTMX).content.decode()
    assert f'data-asset="{town.lamp.uuid}"' in suggestion
    assert 'data-centre="3.879600,43.610000"' in suggestion
    assert "Rien ne porte le nom « zzzz »" in read(agent, town.url("ville/recherche/?q=zzzz"))
    assert read(agent, town.url("ville/recherche/?q=%00<b>"), **HTMX).startswith("Rien ne porte")


def test_a_service_says_how_it_does_and_what_to_do(town: Town, agent: Client) -> None:
    words = read(agent, town.url("domaines/street_lighting/"))
    for expected in (
        "Puissance appelée",
        "Points lumineux",
        "Ce qui ressort",
        "Lanterne du Nord",
        "Règles d’alarme",
        "Arrêté du 27 décembre 2018",
        "Source",
    ):
        assert expected in words, expected
    content = agent.get(town.url("domaines/street_lighting/")).content.decode()
    assert 'href="#fiche-lamp-out"' in content
    assert 'id="fiche-lamp-out"' in content


def test_every_installed_service_has_its_page(town: Town, agent: Client) -> None:
    for key in domains():
        assert agent.get(town.url(f"domaines/{key}/")).status_code == 200
    assert agent.get(town.url("domaines/zzz/")).status_code == 404


def test_indicators_are_kept_for_a_while(
    town: Town, agent: Client, django_assert_max_num_queries: Any
) -> None:
    url = town.url("domaines/street_lighting/")
    with django_assert_max_num_queries(45) as first:
        agent.get(url)
    with django_assert_max_num_queries(QUERIES["domaines/street_lighting/"]):
        agent.get(url)
    assert len(first) > QUERIES["domaines/street_lighting/"]


def test_a_removed_asset_stays_readable_and_says_so(town: Town, agent: Client) -> None:
    with acting_for(town.territory.pk):
        town.lamp.removed_at = now()
        town.lamp.save(update_fields=["removed_at"])
    assert "Cet équipement a été retiré" in read(agent, lamp_url(town))
    assert "Lanterne du Nord" not in read(agent, town.url("ville/liste/"))
