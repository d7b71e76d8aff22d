from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from django.test import Client

from beffroi.site.licences import components

ROOT = Path(__file__).resolve().parents[4]


def test_every_library_states_a_licence() -> None:
    assert len(components()) > 20
    assert [one.name for one in components() if not one.licence] == []


@pytest.mark.django_db
def test_anybody_reads_what_the_site_runs_and_whose_data_it_shows(client: Client) -> None:
    page = client.get("/sources-et-licences/")
    text = page.content.decode()
    assert page.status_code == 200
    for part in ("GNU Affero", "Licence Ouverte", "psycopg", "LGPL"):
        assert part in text


@pytest.mark.django_db
def test_the_page_of_sign_in_leads_there(client: Client) -> None:
    assert "/sources-et-licences/" in client.get("/compte/connexion/", follow=True).content.decode()


def test_every_dependency_is_named_in_the_readme() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = (ROOT / "README.md").read_text(encoding="utf-8").lower()
    asked = [re.split(r"[\[><=;]", text)[0] for text in project["dependencies"]]
    assert [name for name in asked if name not in named] == []
