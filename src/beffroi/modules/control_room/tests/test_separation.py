"""One territory sees nothing of another; a limited role sees nothing beyond its limit."""

from __future__ import annotations

import pytest
from django.test import Client

from beffroi.city.assets.testing import make_asset
from beffroi.foundation.accounts.testing import agent_client
from beffroi.foundation.territories.testing import make_territory
from beffroi.modules.control_room.tests.conftest import Town, make_town
from beffroi.modules.control_room.tests.reading import HTMX, read

LISTS = ("ville/liste/", "ville/recherche/?q=lanterne", "domaines/street_lighting/")
COUNTED = ("ville/", "domaines/")


def pages_of(town: Town) -> list[str]:
    return [
        f"equipements/{town.lamp.uuid}/",
        f"equipements/{town.lamp.uuid}/modifier/",
        f"equipements/{town.lamp.uuid}/apercu/",
        f"equipements/{town.lamp.uuid}/courbe/power_w/",
    ]


def test_no_page_of_a_town_shows_anything_of_another(town: Town) -> None:
    neighbour = make_town()
    colleague = agent_client(neighbour.territory)
    own = agent_client(town.territory)
    for path in pages_of(town):
        assert colleague.get(neighbour.url(path), headers=HTMX).status_code == 404
        assert own.get(town.url(path), headers=HTMX).status_code == 200
    for path in (*LISTS, *COUNTED, "ville/liste/?format=csv"):
        assert colleague.get(town.url(path)).status_code == 404
        response = colleague.get(neighbour.url(path))
        content = b"".join(response) if response.streaming else response.content
        for asset in (town.lamp, town.southern_lamp, town.car_park, town.cabinet):
            assert str(asset.uuid).encode() not in content


def test_a_town_without_assets_counts_none(town: Town) -> None:
    empty = make_territory()
    client = agent_client(empty)
    assert "Aucun équipement" in read(client, f"/t/{empty.slug}/ville/")
    # The same page counts four in the other town: the test can fail.
    assert "4 équipements" in read(agent_client(town.territory), town.url("ville/"))


def test_a_limited_role_counts_only_what_it_sees(town: Town, limited: Client) -> None:
    page = limited.get(town.url("ville/"))
    assert page.context["total"] == 2
    assert [(item["key"], item["count"]) for item in page.context["domains"]] == [
        ("street_lighting", 2)
    ]
    # The southern lamp is in alarm.
    assert page.context["alarms"] == 0


@pytest.mark.parametrize("path", LISTS)
def test_a_limited_role_reads_only_what_it_sees(town: Town, limited: Client, path: str) -> None:
    words = read(limited, town.url(path))
    assert "Lanterne du Nord" in words
    assert "Lanterne du Sud" not in words
    assert "Parking Antigone" not in words


def test_a_limited_role_exports_only_what_it_sees(town: Town, limited: Client) -> None:
    response = limited.get(town.url("ville/liste/?format=csv"))
    written = b"".join(response).decode()
    assert "Lanterne du Nord" in written
    assert "Lanterne du Sud" not in written
    assert "Antigone" not in written


def test_what_a_limited_role_does_not_see_does_not_exist(town: Town, limited: Client) -> None:
    for asset in (town.southern_lamp, town.car_park):
        for page in ("", "apercu/", "courbe/power_w/"):
            url = town.url(f"equipements/{asset.uuid}/{page}")
            assert limited.get(url, headers=HTMX).status_code == 404
    assert limited.get(town.url(f"equipements/{town.lamp.uuid}/")).status_code == 200
    assert limited.get(town.url("domaines/parking/")).status_code == 404
    assert limited.get(town.url("domaines/street_lighting/")).status_code == 200
    assert limited.get(town.url("ville/recherche/?q=antigone"), headers=HTMX).status_code == 200
    assert "Antigone" not in read(limited, town.url("ville/recherche/?q=antigone"), **HTMX)


def test_a_list_of_a_parent_out_of_sight_does_not_exist(town: Town, limited: Client) -> None:
    url = town.url(f"ville/liste/?parent={town.car_park.uuid}")
    assert limited.get(url).status_code == 404


def test_a_limited_role_gets_no_figure_of_the_whole_town(town: Town, limited: Client) -> None:
    words = read(limited, town.url("domaines/street_lighting/"))
    assert "Puissance appelée" not in words
    assert "les indicateurs, qui portent sur toute la ville, ne sont pas affichés" in words


def test_a_parent_out_of_sight_is_not_named(town: Town) -> None:
    child = make_asset(town.territory, name="Lampe orpheline", area=town.south, parent=town.cabinet)
    grants = [("assets.see", "street_lighting", town.south.pk)]
    client = agent_client(town.territory, verbs=(), grants=grants)
    assert "Armoire Comédie" not in read(client, town.url(f"equipements/{child.uuid}/"))
    everything = agent_client(town.territory)
    assert "Armoire Comédie" in read(everything, town.url(f"equipements/{child.uuid}/"))


def test_nobody_edits_without_the_right(town: Town) -> None:
    url = town.url(f"equipements/{town.lamp.uuid}/modifier/")
    reader = agent_client(town.territory, verbs=("assets.see",))
    assert reader.get(url).status_code == 403
    grants = [("assets.edit", "parking", None)]
    other_service = agent_client(town.territory, verbs=("assets.see",), grants=grants)
    assert other_service.get(url).status_code == 404
    assert other_service.post(url, {"name": "Volée"}).status_code == 404
    words = read(reader, town.url(f"equipements/{town.lamp.uuid}/"))
    assert "Modifier" not in words
    assert "Parquet" not in words
