from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from typing import Any

import mapbox_vector_tile
import pytest
import shapely
from shapely.geometry.base import BaseGeometry

from beffroi.city.basemap import api
from beffroi.city.basemap.models import BasemapAddress, BasemapFeature, BasemapTile
from beffroi.city.basemap.street_classes import street_class
from beffroi.foundation.accounts.testing import agent_client
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.testing import make_territory
from beffroi.kernel.errors import InvalidInput
from beffroi.kernel.geometry import Position, Tile, tile_of

pytestmark = pytest.mark.django_db
WEST, SOUTH = 3.87, 43.60


def _square(lon: float, lat: float, side: float) -> BaseGeometry:
    return shapely.box(lon, lat, lon + side, lat + side)


def _fill() -> None:
    """Store a small town: two districts, a lake, houses, an avenue in two parts, a lane."""
    for layer, features in {
        "district": [
            api.NewFeature(geometry=_square(WEST, SOUTH, 0.02), name="Écusson"),
            api.NewFeature(geometry=_square(WEST + 0.02, SOUTH, 0.02), name="Antigone"),
        ],
        "water": [api.NewFeature(geometry=_square(WEST + 0.03, SOUTH, 0.004), name="Lac")],
        "building": [
            api.NewFeature(geometry=_square(WEST + rank * 0.0005, SOUTH + 0.001, 0.0002))
            for rank in range(10)
        ],
        "street": [
            api.NewFeature(
                geometry=shapely.LineString([(WEST, SOUTH + 0.002), (WEST + 0.02, SOUTH + 0.002)]),
                name="Avenue de la Mer",
                class_name="AV",
            ),
            api.NewFeature(
                geometry=shapely.LineString(
                    [(WEST + 0.02, SOUTH + 0.002), (WEST + 0.04, SOUTH + 0.002)]
                ),
                name="Avenue de la Mer",
                class_name="AV",
            ),
            api.NewFeature(
                geometry=shapely.LineString([(WEST, SOUTH), (WEST, SOUTH + 0.0005)]),
                name="Impasse du Puits",
                class_name="IMP",
            ),
        ],
    }.items():
        api.basemap_features_replace(features, layer=layer, source=layer, attribution="Ville")


def _decoded(tile: Tile) -> Mapping[str, Any]:
    ready = api.basemap_tile(tile)
    assert ready is not None
    return dict(mapbox_vector_tile.decode(gzip.decompress(ready.content)))


def _names(tile: Tile, layer: str) -> set[str]:
    features = _decoded(tile).get(layer, {"features": []})["features"]
    return {item["properties"]["name"] for item in features if "name" in item["properties"]}


def test_a_source_imported_again_takes_its_own_place_and_no_other() -> None:
    town = make_territory()
    with acting_for(town.pk):
        _fill()
        before = BasemapFeature.objects.count()
        _fill()
        assert BasemapFeature.objects.count() == before == 16
        other = [api.NewFeature(geometry=_square(WEST, SOUTH, 0.001))]
        api.basemap_features_replace(other, layer="water", source="autre", attribution="Agglo")
        assert BasemapFeature.objects.filter(layer="water").count() == 2
        assert api.basemap_attributions() == ["Ville", "Agglo"]
        assert [item.feature_count for item in api.basemap_sources()] == [10, 2, 3, 1, 1]


def test_what_has_not_the_form_of_its_layer_is_counted_as_refused() -> None:
    town = make_territory()
    point, line = shapely.Point(WEST, SOUTH), shapely.LineString([(WEST, SOUTH), (3.9, SOUTH)])
    with acting_for(town.pk):
        done = api.basemap_features_replace(
            [None, api.NewFeature(geometry=point), api.NewFeature(geometry=line)],
            layer="street",
            source="x",
        )
        assert (done.stored, done.refused) == (1, 2)
        with pytest.raises(api.UnknownLayer):
            api.basemap_features_replace([], layer="volcano", source="x")


def test_each_zoom_shows_what_can_be_seen_there() -> None:
    town = make_territory()
    centre = Position(WEST + 0.001, SOUTH + 0.0012)
    with acting_for(town.pk):
        _fill()
        steps: list[tuple[int, int]] = []
        built = api.basemap_build(progress=lambda done, total: steps.append((done, total)))
        assert steps[-1] == (6, 6)
        assert built.tiles == BasemapTile.objects.count() > 6
        city, street = tile_of(centre, zoom=11), tile_of(centre, zoom=15)
        assert "building" not in _decoded(city)
        assert len(_decoded(street)["building"]["features"]) >= 3
        assert _names(city, "street") == set()
        assert "Avenue de la Mer" in _names(street, "street")
        # A lane of fifty metres is not drawn on the map of the city; an avenue is, as one line.
        assert len(_decoded(city)["street"]["features"]) == 1
        assert _decoded(city)["street"]["features"][0]["properties"] == {"class": "secondary"}
        # A district's name stands on one point, so that no tile repeats it.
        near = [
            Tile(15, street.x + right, street.y + down)
            for right in range(-1, 6)
            for down in range(-3, 2)
        ]
        points = [
            (tile.x, tile.y)
            for tile in near
            if api.basemap_tile(tile) is not None and "Écusson" in _names(tile, "district")
        ]
        assert len(points) == 1


def test_building_twice_gives_the_same_tiles() -> None:
    town = make_territory()
    with acting_for(town.pk):
        _fill()
        api.basemap_build()
        first = set(BasemapTile.objects.values_list("z", "x", "y", "etag"))
        api.basemap_build()
        assert set(BasemapTile.objects.values_list("z", "x", "y", "etag")) == first


def test_polygons_are_wound_so_that_the_map_fills_them() -> None:
    town = make_territory()
    with acting_for(town.pk):
        _fill()
        api.basemap_build()
        tile = tile_of(Position(WEST + 0.032, SOUTH + 0.002), zoom=14)
        (lake,) = _decoded(tile)["water"]["features"]
    # Vector Tile Specification 2.1, section 4.3.4.4: an outer ring is clockwise on the screen.
    ring = shapely.Polygon(lake["geometry"]["coordinates"][0])
    assert ring.is_valid
    assert not ring.exterior.is_ccw


def test_a_tile_is_sent_compressed_and_only_once() -> None:
    town = make_territory("ville-fond")
    with acting_for(town.pk):
        _fill()
        api.basemap_build()
    client = agent_client(town, verbs=["assets.see"])
    tile = tile_of(Position(WEST + 0.001, SOUTH + 0.001), zoom=14)
    url = f"/t/ville-fond/tuiles/fond/{tile.z}/{tile.x}/{tile.y}.mvt"
    sent = client.get(url, headers={"accept-encoding": "gzip"})
    assert (sent.status_code, sent["Content-Encoding"]) == (200, "gzip")
    assert client.get(url).content == gzip.decompress(sent.content)
    again = client.get(url, headers={"if-none-match": sent["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/t/ville-fond/tuiles/fond/14/0/0.mvt").status_code == 204


def test_one_territory_sees_no_street_of_another() -> None:
    town, neighbour = make_territory("ville-a"), make_territory("ville-b")
    with acting_for(town.pk):
        _fill()
        api.basemap_build()
        api.basemap_addresses_replace(
            [api.NewAddress(number="3", street="Rue Foch", lon=WEST, lat=SOUTH)], source="a"
        )
        tile = tile_of(Position(WEST + 0.001, SOUTH + 0.001), zoom=14)
        assert api.basemap_tile(tile) is not None
        assert api.address_search("3 rue foch")
    with acting_for(neighbour.pk):
        assert api.basemap_tile(tile) is None
        assert api.basemap_sources() == []
        assert api.address_search("3 rue foch") == []
        assert api.address_search("avenue de la mer") == []
        api.basemap_build()
    with acting_for(town.pk):
        assert api.basemap_tile(tile) is not None


def test_words_lead_to_addresses_streets_and_districts() -> None:
    town = make_territory()
    with acting_for(town.pk):
        _fill()
        numbers = [
            api.NewAddress(number=number, street="Rue de l'Aiguillerie", lon=WEST, lat=SOUTH)
            for number in ("12", "12 bis", "2")
        ]
        done = api.basemap_addresses_replace([*numbers, None], source="a", attribution="Ville")
        assert (done.stored, done.refused) == (3, 1)
        api.basemap_addresses_replace(numbers, source="a", attribution="Ville")
        assert BasemapAddress.objects.count() == 3

        def labels(text: str) -> list[str]:
            return [place.label for place in api.address_search(text)]

        assert labels("12 rue de l’aiguillerie") == ["12 Rue de l'Aiguillerie"]
        assert labels("12 bis aiguillerie") == ["12bis Rue de l'Aiguillerie"]
        assert labels("ecusson") == ["Écusson"]
        assert labels("avenue mer") == ["Avenue de la Mer"]
        (avenue,) = api.address_search("Avenue de la Mer")
        assert avenue.lat == pytest.approx(SOUTH + 0.002)
        for text in ("", "av", "%%%", "\x00\x00\x00", "999 rue inconnue", "' OR 1=1"):
            assert labels(text) == []


def test_a_town_file_feeds_a_layer() -> None:
    town = make_territory()
    content = json.dumps(
        {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "properties": {"LIB_OFF": "Rue Foch", "TYPVOI": "RUE"},
                    "geometry": {
                        "type": "LineString",
                        "coordinates": [[3.87, 43.61], [3.88, 43.61]],
                    },
                },
                {"type": "Feature", "properties": {"LIB_OFF": "?"}, "geometry": None},
            ],
        }
    ).encode()
    with acting_for(town.pk):
        for replaced in (0, 1):
            done = api.basemap_import(
                content, layer="street", name="voies", name_column="lib_off", class_column="TYPVOI"
            )
            assert (done.stored, done.refused, done.replaced) == (1, 1, replaced)
        assert BasemapFeature.objects.get().class_key == "local"
        with pytest.raises(InvalidInput):
            api.basemap_import(content, layer="street", name_column="absente")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("AV", "secondary"),
        ("Boulevard", "secondary"),
        ("AUTO", "motorway"),
        ("RUE", "local"),
        ("Sentier", "path"),
        ("primary", "primary"),
        ("Avenue de Toulouse", "secondary"),
        ("", ""),
    ],
)
def test_streets_are_as_wide_as_their_type_says(text: str, expected: str) -> None:
    assert street_class(text) == expected
