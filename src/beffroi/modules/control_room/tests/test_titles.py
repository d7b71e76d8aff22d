from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from shapely.geometry import LineString

from beffroi.city.assets.testing import make_asset
from beffroi.city.basemap.api import NewFeature, basemap_features_replace
from beffroi.foundation.database.api import acting_for
from beffroi.modules.control_room.tests.conftest import Town
from beffroi.modules.control_room.tests.reading import read

pytestmark = pytest.mark.django_db


def page_of(agent: Client, town: Town, **fields: Any) -> str:
    asset = make_asset(town.territory, **fields)
    return read(agent, town.url(f"equipements/{asset.uuid}/"))


def test_a_lamp_that_nobody_numbered_is_called_by_its_street(town: Town, agent: Client) -> None:
    with acting_for(town.territory.pk):
        street = LineString([(3.88, 43.61), (3.89, 43.61)])
        basemap_features_replace(
            [NewFeature(geometry=street, name="Rue de la Loge")],
            layer="street",
            source="voies",
            attribution="",
        )
    words = page_of(agent, town, external_key="3.885000,43.610050", lon=3.885, lat=43.61005)
    assert "Point lumineux · Rue de la Loge" in words.replace("\xa0", " ")
    assert "3.885000,43.610050" not in words


def test_far_from_a_street_it_is_called_by_its_district(town: Town, agent: Client) -> None:
    words = page_of(
        agent, town, external_key="3.885000,43.610000#2", lon=3.885, lat=43.61, area=town.north
    )
    assert "Point lumineux · Nord" in words.replace("\xa0", " ")


def test_what_has_an_identifier_keeps_it(town: Town, agent: Client) -> None:
    assert "LUM-0042" in page_of(agent, town, external_key="LUM-0042")
