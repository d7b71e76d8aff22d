from __future__ import annotations

import pytest

from beffroi.foundation.territories.naming import proper_name


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("MONTPELLIER CENTRE", "Montpellier Centre"),
        ("HOPITAUX-FACULTES", "Hopitaux-Facultes"),
        ("PRES D'ARENE", "Pres d'Arene"),
        ("CROIX D’ARGENT", "Croix d’Argent"),
        ("LES CEVENNES", "Les Cevennes"),
        ("SAINT-GERMAIN-DES-PRÉS", "Saint-Germain-des-Prés"),
        ("QUARTIER DE L'ÉGLISE", "Quartier de l'Église"),
        ("ZONE A", "Zone A"),
        ("JEAN XXIII", "Jean XXIII"),
        ("SECTEUR 2", "Secteur 2"),
    ],
)
def test_capitals_become_a_name(source: str, shown: str) -> None:
    assert proper_name(source) == shown


@pytest.mark.parametrize("name", ["Près d’Arènes", "ZA", "Cité U", "", "12"])
def test_a_name_that_is_written_properly_stays(name: str) -> None:
    assert proper_name(name) == name
