from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from uuid import UUID

import pytest

from beffroi.city.assets import api
from beffroi.city.assets.contracts import AssetState, NewAsset
from beffroi.city.assets.models import Asset
from beffroi.city.assets.testing import make_asset, make_device
from beffroi.city.assets.tests.samples import grid, upsert
from beffroi.foundation.accounts.contracts import Scope
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.testing import make_area, make_territory
from beffroi.kernel.errors import InvalidInput
from beffroi.kernel.identifiers import uuid7

pytestmark = pytest.mark.django_db
Pinned = Callable[[int], AbstractContextManager[object]]


@pytest.mark.parametrize("order", sorted(api.ORDERS))
@pytest.mark.parametrize("reverse", [False, True])
def test_pages_give_each_asset_once_forwards_and_backwards(order: str, *, reverse: bool) -> None:
    town = make_territory()
    with acting_for(town.pk):
        upsert(grid(47))
        api.assets_state_refresh(
            states=dict.fromkeys(Asset.objects.values_list("id", flat=True)[:9], 1)
        )
        pages: list[api.AssetPage] = []
        after = ""
        while True:
            page = api.assets_page(
                api.AssetFilter(),
                scope=api.WHOLE,
                order=order,
                reverse=reverse,
                after=after,
                limit=10,
            )
            pages.append(page)
            after = page.after
            if not after:
                break
        ids = [row.id for page in pages for row in page.rows]
        assert [len(page.rows) for page in pages] == [10, 10, 10, 10, 7]
        assert len(set(ids)) == 47
        back = api.assets_page(
            api.AssetFilter(),
            scope=api.WHOLE,
            order=order,
            reverse=reverse,
            before=pages[2].before,
            limit=10,
        )
        assert [row.id for row in back.rows] == [row.id for row in pages[1].rows]
        assert pages[0].before == ""


def test_a_list_is_narrowed_by_each_of_its_filters() -> None:
    town = make_territory()
    area = make_area(town, bounds=(3.7, 43.5, 3.802, 43.7))
    with acting_for(town.pk):
        upsert(grid(36))
        upsert(grid(4, prefix="P"), type_key="car_park")
        worst = Asset.objects.get(external_key="P00001")
        api.assets_state_refresh(states={worst.pk: 2})

        def count(**wanted: object) -> int:
            return api.assets_page(api.AssetFilter(**wanted), scope=api.WHOLE).total  # type: ignore[arg-type]  # each its own

        assert count() == 40
        assert count(domain_key="parking") == 4
        assert count(type_key="light_point") == 36
        assert count(state=AssetState.ALARM) == 1
        assert count(text="LANTERNE 1") == 10
        assert count(text="aiguillerie 35") == 1
        assert count(text="100%_") == 0
        assert 0 < count(area_id=area.pk) < 40


def test_names_are_in_the_order_a_french_reader_expects() -> None:
    town = make_territory()
    for name in ("Œuvre", "Étoile", "eau", "Zénith", "École"):
        make_asset(town, name=name)
    with acting_for(town.pk):
        page = api.assets_page(api.AssetFilter(), scope=api.WHOLE)
        assert [row.name for row in page.rows] == ["eau", "École", "Étoile", "Œuvre", "Zénith"]


@pytest.mark.parametrize(
    "cursor", ["x", "////", "bnVsbA", "W10", "WzEsMl0", "é", "WyJhXHUwMDAwIiwxXQ"]
)
def test_a_damaged_cursor_is_refused_in_words(cursor: str) -> None:
    town = make_territory()
    with acting_for(town.pk), pytest.raises(InvalidInput):
        api.assets_page(api.AssetFilter(), scope=api.WHOLE, order="updated", after=cursor)


def test_a_page_costs_two_queries_and_an_asset_two(django_assert_num_queries: Pinned) -> None:
    town = make_territory()
    asset = make_asset(town)
    make_device(town, asset=asset)
    with acting_for(town.pk):
        upsert(grid(60))
        with django_assert_num_queries(2):
            api.assets_page(api.AssetFilter(), scope=api.WHOLE)
        with django_assert_num_queries(2):
            api.asset_get(asset.uuid, scope=api.WHOLE)
        with django_assert_num_queries(1):
            api.counts_by_type(scope=api.WHOLE)


def test_what_is_outside_the_scope_does_not_exist() -> None:
    town = make_territory()
    lamp = make_asset(town)
    parking = Scope(everything=False, allowed=frozenset({("parking", None)}))
    with acting_for(town.pk):
        for call in (
            lambda: api.asset_get(lamp.uuid, scope=parking),
            lambda: api.asset_history(lamp.uuid, scope=parking),
            lambda: api.asset_update(lamp.uuid, scope=parking, changes={"name": "x"}),
            lambda: api.asset_remove(lamp.uuid, scope=parking),
            lambda: api.asset_get(uuid7(), scope=api.WHOLE),
        ):
            with pytest.raises(api.AssetNotFound):
                call()
        assert api.assets_page(api.AssetFilter(), scope=parking).total == 0
        assert api.assets_by_uuid([lamp.uuid], scope=parking) == {}
        assert set(api.assets_by_uuid([lamp.uuid, UUID(int=0)], scope=api.WHOLE)) == {lamp.uuid}
        assert set(api.assets_by_id([lamp.pk], scope=api.WHOLE)) == {lamp.pk}


def test_counts_say_how_many_are_not_normal() -> None:
    town = make_territory()
    with acting_for(town.pk):
        upsert(grid(10))
        ids = list(Asset.objects.values_list("id", flat=True))
        api.assets_state_refresh(states={ids[0]: 1, ids[1]: 2, ids[2]: 2})
        (count,) = api.counts_by_type(scope=api.WHOLE)
        assert (count.total, count.attention, count.alarm, count.silent) == (10, 1, 2, 0)


def test_an_asset_is_found_by_name_key_address_and_device() -> None:
    town = make_territory()
    lamp = make_asset(
        town,
        name="Mât de l’Évêché",
        external_key="EP-0042",
        properties={"adresse": "12 rue de l'Ancien Courrier", "parent_rue_nord": 3},
    )
    make_device(town, identifier="70b3d5e75e004242", asset=lamp)
    make_asset(town, name="Autre", external_key="EP-0043")
    other = Scope(everything=False, allowed=frozenset({("parking", None)}))
    with acting_for(town.pk):
        for text in (
            "mât de l'évêché",
            "mat de l",
            "eveche",
            "EP-0042",
            "ep 0042",
            "ancien courrier",
            "courrier 12",
            "70B3D5E75E004242",
            "70b3d5e7",
        ):
            assert [item.id for item in api.assets_search(text, scope=api.WHOLE)] == [lamp.pk], text
            assert api.assets_search(text, scope=other) == []
        for text in ("", "a", "%", "zzzz", "\x00\x00", "' OR 1=1 --"):
            assert api.assets_search(text, scope=api.WHOLE) == []


def test_a_search_costs_a_bounded_number_of_queries(django_assert_max_num_queries: Pinned) -> None:
    town = make_territory()
    with acting_for(town.pk):
        upsert(grid(30))
        with django_assert_max_num_queries(1):
            assert len(api.assets_search("lanterne", scope=api.WHOLE, limit=5)) == 5
        with django_assert_max_num_queries(5):
            api.assets_search("zz zz", scope=api.WHOLE)


def test_an_asset_made_by_hand_has_its_place_and_its_history() -> None:
    town = make_territory()
    area = make_area(town, bounds=(3.7, 43.5, 4.0, 43.7))
    new = NewAsset(external_key="EP-1", lon=3.88, lat=43.61, name="Mât 1")
    with acting_for(town.pk):
        asset = api.asset_create(new, type_key="light_point")
        assert (asset.area_id, asset.domain_key) == (area.pk, "street_lighting")
        with pytest.raises(api.AssetKeyTaken):
            api.asset_create(new, type_key="light_point")
        with pytest.raises(InvalidInput):
            api.asset_create(
                NewAsset(external_key="EP-2", lon=200, lat=43.61), type_key="light_point"
            )
        with pytest.raises(InvalidInput):
            api.asset_update(asset.uuid, scope=api.WHOLE, changes={"territory_id": 1})
        api.asset_update(asset.uuid, scope=api.WHOLE, changes={"name": "Mât 1"})
        api.asset_update(asset.uuid, scope=api.WHOLE, changes={"name": "Mât un", "lon": 3.5})
        detail = api.asset_get(asset.uuid, scope=api.WHOLE)
        assert (detail.summary.title, detail.summary.area_id) == ("Mât un", None)
        history = api.asset_history(asset.uuid, scope=api.WHOLE)
        assert len(history) == 2
        assert history[0].changes == {"name": ("Mât 1", "Mât un"), "lon": (3.88, 3.5)}
        assert api.assets_search("mat un", scope=api.WHOLE)[0].id == asset.pk
