from __future__ import annotations

import pytest
from shapely.geometry import LineString

from beffroi.city.basemap.api import NewFeature, basemap_features_replace, streets_near
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.testing import make_territory

pytestmark = pytest.mark.django_db
METRE = 1 / 111_195


def street(name: str, lat: float) -> NewFeature:
    return NewFeature(geometry=LineString([(3.87, lat), (3.88, lat)]), name=name)


def import_streets(*streets: NewFeature) -> None:
    basemap_features_replace(streets, layer="street", source="voies", attribution="")


def test_a_thing_stands_in_the_nearest_street() -> None:
    with acting_for(make_territory().pk):
        import_streets(
            street("Rue de la Loge", 43.61),
            street("Rue Foch", 43.61 + 60 * METRE),
            street("", 43.6),
        )
        points = [
            (3.875, 43.61 + 20 * METRE),
            (3.875, 43.61 + 38 * METRE),
            (3.875, 43.61 + 160 * METRE),
            (3.875, 43.6),
        ]
        assert streets_near(points) == ["Rue de la Loge", "Rue Foch", "", ""]
        assert streets_near([]) == []


def test_streets_that_are_imported_again_are_read_again() -> None:
    with acting_for(make_territory().pk):
        assert streets_near([(3.875, 43.61)]) == [""]
        import_streets(street("Rue de la Loge", 43.61))
        assert streets_near([(3.875, 43.61)]) == ["Rue de la Loge"]
        import_streets(street("Rue Jacques-Cœur", 43.61))
        assert streets_near([(3.875, 43.61)]) == ["Rue Jacques-Cœur"]


def test_the_streets_of_another_town_are_not_seen() -> None:
    with acting_for(make_territory().pk):
        import_streets(street("Rue de la Loge", 43.61))
        assert streets_near([(3.875, 43.61)]) == ["Rue de la Loge"]
    with acting_for(make_territory().pk):
        assert streets_near([(3.875, 43.61)]) == [""]
