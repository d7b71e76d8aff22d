from __future__ import annotations

import gzip
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

import mapbox_vector_tile
import pytest
from django.db import connection

from beffroi.city.assets import api
from beffroi.city.assets.cells import FIRST_ZOOM, LAST_ZOOM, cells_rebuild, cells_refresh
from beffroi.city.assets.models import Asset, AssetCell
from beffroi.city.assets.quads import quad_of
from beffroi.city.assets.tests.samples import SOUTH, WEST, grid, upsert
from beffroi.city.assets.tiles import tile_cache_clear
from beffroi.foundation.accounts.contracts import Scope
from beffroi.foundation.accounts.testing import agent_client
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.testing import make_area, make_territory
from beffroi.kernel.geometry import BoundingBox, Position, Tile, tile_of

pytestmark = pytest.mark.django_db
Pinned = Callable[[int], AbstractContextManager[object]]
NORTH_EAST = Position(WEST + 0.05, SOUTH + 0.05)


def _tiles(zoom: int) -> list[Tile]:
    south_west = tile_of(Position(WEST, SOUTH), zoom=zoom)
    north_east = tile_of(NORTH_EAST, zoom=zoom)
    return [
        Tile(zoom, x, y)
        for x in range(south_west.x, north_east.x + 1)
        for y in range(north_east.y, south_west.y + 1)
    ]


def _features(tile: Tile, layer: str, *, scope: Scope = api.WHOLE, **options: object) -> list[dict]:  # type: ignore[type-arg]  # GeoJSON
    domains = options.get("domains")
    encoded = api.asset_tile(tile, domains=domains, scope=scope)  # type: ignore[arg-type]  # a list
    if encoded.content is None:
        return []
    return list(mapbox_vector_tile.decode(gzip.decompress(encoded.content))[layer]["features"])


@pytest.mark.parametrize("zoom", [3, 6, 9, 10, 11, 12, 13, 14])
def test_the_counts_of_all_tiles_make_up_the_total(zoom: int) -> None:
    town = make_territory()
    with acting_for(town.pk):
        upsert(grid(900))
        upsert(grid(100, prefix="P"), type_key="car_park")
        squares = [feature for tile in _tiles(zoom) for feature in _features(tile, "cells")]
        assert sum(square["properties"]["n"] for square in squares) == 1_000
        only = [
            feature
            for tile in _tiles(zoom)
            for feature in _features(tile, "cells", domains=["parking"])
        ]
        assert sum(square["properties"]["n"] for square in only) == 100
        assert {square["properties"]["domain"] for square in only} == {"parking"}


def test_from_street_zoom_each_asset_is_sent_once_with_what_the_map_draws() -> None:
    town = make_territory()
    with acting_for(town.pk):
        upsert(grid(300))
        points = [feature for tile in _tiles(15) for feature in _features(tile, "assets")]
        assert len(points) == 300
        named = Asset.objects.get(external_key="L00001")
        found = next(point for point in points if point["id"] == named.pk)
        assert found["properties"] == {
            "uuid": str(named.uuid),
            "type": "light_point",
            "domain": "street_lighting",
            "state": 0,
        }
        tile = tile_of(Position(named.lon, named.lat), zoom=18)
        (there,) = (point for point in _features(tile, "assets") if point["id"] == named.pk)
        assert there["properties"]["name"] == "Lanterne 1"


def test_a_point_is_drawn_where_it_stands() -> None:
    town = make_territory()
    with acting_for(town.pk):
        upsert([replace(grid(1)[0], lon=3.8796, lat=43.6085)])
        tile = tile_of(Position(3.8796, 43.6085), zoom=17)
        (feature,) = _features(tile, "assets")
    bounds = tile.bounds()
    x, y = feature["geometry"]["coordinates"]
    lon = bounds.west + x / 4096 * (bounds.east - bounds.west)
    # The library turns y back so that it grows northwards.
    lat = bounds.south + y / 4096 * (bounds.north - bounds.south)
    assert (lon, lat) == (pytest.approx(3.8796, abs=1e-6), pytest.approx(43.6085, abs=1e-6))


def test_squares_computed_bit_by_bit_equal_those_computed_at_once() -> None:
    town = make_territory()
    with acting_for(town.pk):
        upsert(grid(400))
        some = list(Asset.objects.order_by("id")[:3])
        api.asset_remove(some[0].uuid, scope=api.WHOLE)
        api.asset_update(some[1].uuid, scope=api.WHOLE, changes={"lon": 3.9, "lat": 43.62})
        api.assets_state_refresh(states={some[2].pk: 2})
        bit_by_bit = _stored_cells()
        cells_rebuild(["street_lighting"])
        assert bit_by_bit == _stored_cells()
        for zoom in range(FIRST_ZOOM, LAST_ZOOM + 1):
            rows = AssetCell.objects.filter(zoom=zoom)
            assert sum(row.n for row in rows) == 399
            assert sum(row.alarm for row in rows) == 1


def test_far_more_changes_than_squares_are_worth_a_rebuild() -> None:
    town = make_territory()
    with acting_for(town.pk):
        upsert(grid(10))
        far = [("street_lighting", quad_of(Position(lon / 10, 10))) for lon in range(600)]
        assert cells_refresh(far) is not None
        assert cells_refresh([]) is None
        assert sum(AssetCell.objects.filter(zoom=13).values_list("n", flat=True)) == 10


def _stored_cells() -> set[tuple[object, ...]]:
    rows = AssetCell.objects.values_list(
        "zoom", "cell", "domain_key", "area_id", "n", "warn", "alarm", "lon", "lat"
    )
    return {(*row[:-2], round(row[-2], 9), round(row[-1], 9)) for row in rows}


def test_a_role_limited_to_a_service_and_an_area_sees_no_more_in_tiles() -> None:
    town = make_territory()
    area = make_area(town, bounds=(WEST - 0.1, SOUTH - 0.1, WEST + 0.00105, SOUTH + 1))
    with acting_for(town.pk):
        upsert(grid(100))
        upsert(grid(100, prefix="P"), type_key="car_park")
        inside = Asset.objects.filter(area_id=area.pk, domain_key="parking").count()
        assert 0 < inside < 100
        limited = Scope(everything=False, allowed=frozenset({("parking", area.pk)}))
        nothing = Scope(everything=False, allowed=frozenset())
        for zoom, layer in ((10, "cells"), (15, "assets")):
            seen = [f for tile in _tiles(zoom) for f in _features(tile, layer, scope=limited)]
            count = sum(f["properties"].get("n", 1) for f in seen)
            assert count == inside
            assert not [f for tile in _tiles(zoom) for f in _features(tile, layer, scope=nothing)]


def test_a_tile_costs_two_queries_and_one_when_it_is_known(
    django_assert_num_queries: Pinned,
) -> None:
    town = make_territory()
    with acting_for(town.pk):
        upsert(grid(50))
        tile_cache_clear()
        for zoom in (12, 15):
            tile = _tiles(zoom)[0]
            with django_assert_num_queries(2):
                api.asset_tile(tile, domains=None, scope=api.WHOLE)
            with django_assert_num_queries(1):
                api.asset_tile(tile, domains=None, scope=api.WHOLE)


def test_a_browser_asks_again_and_is_told_that_nothing_changed() -> None:
    town = make_territory("ville-des-tuiles")
    with acting_for(town.pk):
        upsert(grid(50))
    client = agent_client(town, verbs=["assets.see"])
    tile = tile_of(Position(WEST, SOUTH), zoom=15)
    url = f"/t/ville-des-tuiles/tuiles/equipements/{tile.z}/{tile.x}/{tile.y}.mvt"
    first = client.get(url, headers={"accept-encoding": "gzip"})
    assert (first.status_code, first["Content-Encoding"]) == (200, "gzip")
    assert first["Content-Type"] == "application/vnd.mapbox-vector-tile"
    plain = client.get(url)
    assert gzip.decompress(first.content) == plain.content
    again = client.get(url, headers={"if-none-match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    with acting_for(town.pk):
        api.asset_remove(Asset.objects.order_by("id")[0].uuid, scope=api.WHOLE)
    changed = client.get(url, headers={"if-none-match": first["ETag"]})
    assert changed.status_code == 200
    assert changed["ETag"] != first["ETag"]


@pytest.mark.parametrize(
    "place",
    [
        "14/99999999/0",
        "0/0/1",
        "99/0/0",
        "23/0/0",
        "14/0/999999999999999999999999",
        "-1/0/0",
        "14/1.5/0",
        "14/%00/0",
        "14/1/1'--",
        f"14/{'9' * 5000}/0",
    ],
)
def test_tiles_that_do_not_exist_are_not_found(place: str) -> None:
    town = make_territory("ville-hostile")
    client = agent_client(town, verbs=["assets.see"])
    for kind in ("equipements", "fond"):
        assert client.get(f"/t/ville-hostile/tuiles/{kind}/{place}.mvt").status_code == 404


def test_hostile_domains_are_left_out() -> None:
    town = make_territory("ville-domaines")
    with acting_for(town.pk):
        upsert(grid(5))
    client = agent_client(town, verbs=["assets.see"])
    tile = tile_of(Position(WEST, SOUTH), zoom=15)
    url = f"/t/ville-domaines/tuiles/equipements/{tile.z}/{tile.x}/{tile.y}.mvt"
    assert client.get(url, {"domaines": "street_lighting"}).status_code == 200
    for domains in ("", "parking", "'; DROP TABLE assets_asset", "\x00", "a" * 5000):
        assert client.get(url, {"domaines": domains}).status_code == 204


def test_an_agent_without_the_verb_gets_no_tile() -> None:
    town = make_territory("ville-fermee")
    client = agent_client(town, verbs=["people.see"])
    assert client.get("/t/ville-fermee/tuiles/equipements/14/0/0.mvt").status_code == 403


def test_a_view_gives_what_lies_in_it_and_what_is_wrong_first() -> None:
    town = make_territory()
    with acting_for(town.pk):
        upsert(grid(100))
        worst = Asset.objects.get(external_key="L00012")
        api.assets_state_refresh(states={worst.pk: 2})
        box = BoundingBox(WEST - 0.0001, SOUTH - 0.0001, WEST + 0.0022, SOUTH + 0.0015)
        found = api.assets_in_view(box, scope=api.WHOLE)
        assert found[0].id == worst.pk
        expected = Asset.objects.filter(
            lon__range=(box.west, box.east), lat__range=(box.south, box.north)
        )
        assert {item.id for item in found} == set(expected.values_list("id", flat=True))
        assert len(found) == 12


def test_the_planner_reads_a_tile_from_the_index() -> None:
    town = make_territory()
    with acting_for(town.pk):
        upsert(grid(3_000, step=0.0003))
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(
                "EXPLAIN SELECT id FROM assets_asset"
                " WHERE removed_at IS NULL AND quad BETWEEN 1 AND 1000"
            )
            plan = "\n".join(row[0] for row in cursor.fetchall())
    # A condition that is not leak-proof would be a filter after the policy.
    assert "assets_asset_place" in plan
    assert "quad >= 1" in plan.split("Index Cond:")[1].split("\n")[0]
