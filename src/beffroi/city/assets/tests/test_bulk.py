from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import DatabaseError, connection, transaction

from beffroi.city.assets import api
from beffroi.city.assets.contracts import ChangeKind, NewAsset, Why
from beffroi.city.assets.models import Asset, AssetChange
from beffroi.city.assets.tests.samples import grid, upsert
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.testing import make_area, make_territory
from beffroi.kernel.errors import InvalidInput

pytestmark = pytest.mark.django_db


def test_the_same_rows_twice_change_nothing_the_second_time() -> None:
    town = make_territory()
    with acting_for(town.pk):
        first = upsert(grid(200), origin="real", attribution="Ville")
        version = api.tiles_version()
        second = upsert(grid(200), origin="real", attribution="Ville")
        assert (first.created, first.total) == (200, 200)
        assert (second.unchanged, second.total) == (200, 200)
        assert Asset.objects.count() == 200
        assert AssetChange.objects.count() == 200
        assert api.tiles_version() == version


def test_only_what_differs_is_written_and_told() -> None:
    town = make_territory()
    rows = grid(50)
    with acting_for(town.pk):
        upsert(rows)
        moved = replace(rows[3], lon=3.9, properties={"lantern_type": "Boule"})
        counts = upsert([*rows[:3], moved, *rows[4:]])
        assert (counts.updated, counts.unchanged) == (1, 49)
        asset = Asset.objects.get(external_key=moved.external_key)
        assert (asset.lon, asset.properties["lantern_type"]) == (3.9, "Boule")
        history = api.asset_history(asset.uuid, scope=api.WHOLE)
        assert [line.kind for line in history] == [ChangeKind.UPDATED, ChangeKind.CREATED]
        assert history[0].why is Why.IMPORT
        assert history[0].changes == {
            "lon": (rows[3].lon, 3.9),
            "properties.lantern_type": ("Style", "Boule"),
        }


def test_facts_that_the_rows_do_not_give_stay_and_none_removes_one() -> None:
    town = make_territory()
    row = grid(1)[0]
    with acting_for(town.pk):
        upsert([row])
        upsert([replace(row, name="", properties={"height_m": 8, "lantern_type": None})])
        asset = Asset.objects.get()
        assert asset.name == row.name
        assert asset.properties["height_m"] == 8
        assert "lantern_type" not in asset.properties
        assert "adresse" in asset.properties


def test_a_removed_asset_that_comes_again_is_restored() -> None:
    town = make_territory()
    with acting_for(town.pk):
        upsert(grid(2))
        uuid = Asset.objects.order_by("id")[0].uuid
        api.asset_remove(uuid, scope=api.WHOLE)
        assert api.assets_page(api.AssetFilter(), scope=api.WHOLE).total == 1
        counts = upsert(grid(2))
        assert (counts.restored, counts.unchanged) == (1, 1)
        kinds = [line.kind for line in api.asset_history(uuid, scope=api.WHOLE)]
        assert kinds == [ChangeKind.RESTORED, ChangeKind.REMOVED, ChangeKind.CREATED]


def test_children_find_their_parent_whichever_comes_first() -> None:
    town = make_territory()
    lamps = [replace(row, parent_key="A1") for row in grid(3)]
    cabinet = NewAsset(external_key="A1", lon=3.87, lat=43.6, name="Armoire 1")
    with acting_for(town.pk):
        upsert(lamps[:2])
        upsert([cabinet], type_key="lighting_cabinet")
        upsert(lamps[2:])
        parent = Asset.objects.get(type_key="lighting_cabinet")
        assert Asset.objects.filter(parent=parent).count() == 3
        detail = api.asset_get(parent.uuid, scope=api.WHOLE)
        assert detail.children_count == 3
        page = api.assets_page(api.AssetFilter(parent_id=parent.pk), scope=api.WHOLE)
        assert page.total == 3


def test_assets_know_the_area_they_stand_in() -> None:
    town = make_territory()
    west = make_area(town, name="Ouest", bounds=(3.70, 43.5, 3.85, 43.7))
    with acting_for(town.pk):
        upsert([replace(grid(1)[0], lon=3.84), NewAsset(external_key="E", lon=3.9, lat=43.6)])
        areas = dict(Asset.objects.values_list("lon", "area_id"))
        assert areas == {3.84: west.pk, 3.9: None}
    east = make_area(town, name="Est", bounds=(3.85, 43.5, 4.0, 43.7))
    with acting_for(town.pk):
        assert api.areas_reassign() == 1
        assert Asset.objects.get(external_key="E").area_id == east.pk
        assert api.areas_reassign() == 0


def test_thousands_of_rows_cost_a_handful_of_statements(
    django_assert_max_num_queries: object,
) -> None:
    town = make_territory()
    with acting_for(town.pk), django_assert_max_num_queries(24):  # type: ignore[operator]  # a fixture
        upsert(grid(3_000))


def test_a_type_that_nobody_declares_is_refused() -> None:
    town = make_territory()
    with acting_for(town.pk), pytest.raises(InvalidInput):
        upsert(grid(1), type_key="flying_carpet")


def test_history_cannot_be_rewritten() -> None:
    town = make_territory()
    with acting_for(town.pk):
        upsert(grid(1))
        with pytest.raises(DatabaseError), transaction.atomic():
            AssetChange.objects.update(why="edit")
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("DELETE FROM assets_change")
