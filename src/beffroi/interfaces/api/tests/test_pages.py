"""The page of keys and the documentation."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client

from beffroi.foundation.accounts.testing import agent_client
from beffroi.foundation.database.api import acting_for
from beffroi.interfaces.api.models import ApiKey
from beffroi.interfaces.api.publication import openapi
from beffroi.interfaces.api.testing import bearer
from beffroi.interfaces.api.tests.conftest import Town

pytestmark = pytest.mark.django_db


def test_a_key_is_made_shown_once_used_and_revoked(client: Client, town: Town) -> None:
    agent = agent_client(town.territory)
    here = f"/t/{town.territory.slug}/cles-api/"
    made = agent.post(
        f"{here}nouvelle/",
        {
            "name": "Site de la ville",
            "verbs": ["assets.see"],
            "domains": ["street_lighting"],
            "origins": "https://carte.exemple.fr",
            "requests_per_minute": "60",
            "rows_per_minute": "10000",
            "expires_on": "2199-12-31",
        },
    )
    key = re.findall(r"bff_[\w-]{43}", unescape(made.content.decode()))[0]
    assert "no-store" in made["Cache-Control"]
    assert client.get(f"{town.url}/assets", headers=bearer(key)).status_code == 200
    listed = agent.get(here).content.decode()
    assert "Site de la ville" in listed
    assert key not in listed
    assert key[:12] in listed
    with acting_for(town.territory.pk):
        row = ApiKey.objects.get(name="Site de la ville")
    assert row.origins == ["https://carte.exemple.fr"]
    agent.post(f"{here}{row.uuid}/revoquer/")
    assert client.get(f"{town.url}/assets", headers=bearer(key)).status_code == 401


def test_what_is_wrong_with_a_key_is_said_beside_its_field(town: Town) -> None:
    agent = agent_client(town.territory)
    page = agent.post(
        f"/t/{town.territory.slug}/cles-api/nouvelle/",
        {
            "name": "x", "verbs": ["assets.see"], "origins": "pas une origine",
            "requests_per_minute": "60", "rows_per_minute": "10000", "expires_on": "2001-01-01",
        },
    ).content.decode()  # fmt: skip
    assert "error-summary" in page
    with acting_for(town.territory.pk):
        assert ApiKey.objects.count() == 1


def test_only_who_manages_the_api_makes_keys(town: Town) -> None:
    reader = agent_client(town.territory, verbs=("assets.see",))
    assert reader.get(f"/t/{town.territory.slug}/cles-api/").status_code == 403
    page = reader.get(f"/t/{town.territory.slug}/api/")
    assert page.status_code == 200
    assert "cles-api" not in page.content.decode()


def test_the_documentation_shows_every_operation(client: Client, town: Town) -> None:
    public = client.get("/api/v1/docs").content.decode()
    own = agent_client(town.territory).get(f"/t/{town.territory.slug}/api/").content.decode()
    for path, methods in openapi()["paths"].items():
        for details in methods.values():
            for page in (public, own):
                assert f'id="{details["operationId"]}"' in page
                assert path in page
    assert "http" not in "".join(re.findall(r'<script[^>]+src="([^"]+)"', public))
    identifiers = re.findall(r' id="([^"]+)"', public)
    assert len(identifiers) == len(set(identifiers))
