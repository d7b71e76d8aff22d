from __future__ import annotations

from importlib.resources import files

import pytest

from beffroi.foundation.territories import reference
from beffroi.kernel.identifiers import is_insee, is_siren


def test_montpellier_is_as_insee_publishes_it() -> None:
    # INSEE, legal population 2023 in force on 1 January 2026; SIREN of the DGCL's list.
    fact = reference.commune("34172")
    assert fact is not None
    assert (fact.name, fact.siren, fact.population) == ("Montpellier", "213401722", 310_240)
    assert (fact.epci_siren, fact.departement, fact.region) == ("243400017", "34", "76")
    assert fact.lon == pytest.approx(3.896, abs=0.01)
    assert fact.lat == pytest.approx(43.599, abs=0.01)
    assert fact.postal_codes[0] == "34000"


def test_the_metropole_has_its_thirty_one_members() -> None:
    body = reference.epci("243400017")
    assert body is not None
    assert body.name == "Montpellier Méditerranée Métropole"
    names = [fact.name for fact in reference.members("243400017")]
    assert len(names) == 31
    assert "Castelnau-le-Lez" in names
    assert names[0] == "Baillargues"


def test_lists_are_whole_and_well_formed() -> None:
    communes = reference.communes()
    assert len(communes) == 34_969
    assert len(reference.epcis()) == 1_266
    assert len(reference.departements()) == 109
    assert len(reference.regions()) == 26
    assert all(is_insee(code) for code in communes)
    assert all(not fact.siren or is_siren(fact.siren) for fact in communes.values())
    assert all(
        not fact.epci_siren or fact.epci_siren in reference.epcis() for fact in communes.values()
    )
    departement, region = reference.departement("34"), reference.region("76")
    assert departement is not None
    assert region is not None
    assert (departement.name, region.name) == ("Hérault", "Occitanie")


def test_what_is_not_in_the_lists_is_none() -> None:
    assert reference.commune("99999") is None
    assert reference.epci("") is None
    assert reference.members("") == ()


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("montpellier", "34172"),
        ("Évreux", "27229"),
        ("saint etienne", "42218"),
        ("34172", "34172"),
        ("67000", "67482"),
        ("SAINT-DENIS", "97411"),
    ],
)
def test_a_town_is_found_by_name_or_code(text: str, first: str) -> None:
    assert reference.search(text)[0].insee == first


def test_an_empty_search_finds_nothing() -> None:
    assert reference.search("  ") == ()
    assert reference.search("zzzzzz") == ()


def test_the_lists_travel_light_and_with_their_licence() -> None:
    folder = files("beffroi.foundation.territories.reference")
    size = sum(len(one.read_bytes()) for one in folder.iterdir() if one.name.endswith(".xz"))
    assert size < 3_000_000
    assert "Licence Ouverte" in (folder / "LICENCE").read_text(encoding="utf-8")
    assert "INSEE" in (folder / "README.md").read_text(encoding="utf-8")
