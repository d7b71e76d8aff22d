from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from beffroi.city.assets import api
from beffroi.city.assets.models import Asset, AssetCell, AssetChange, Attachment, Device
from beffroi.city.assets.testing import make_asset, make_device
from beffroi.city.assets.tests.samples import grid, upsert
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.testing import make_territory
from beffroi.kernel.geometry import BoundingBox, Position, tile_of

pytestmark = pytest.mark.django_db
TABLES = (Asset, AssetChange, AssetCell, Device, Attachment)


def test_one_territory_sees_nothing_of_another() -> None:
    town, neighbour = make_territory(), make_territory()
    with acting_for(town.pk):
        upsert(grid(20))
    make_device(town, asset=make_asset(town))
    tile = tile_of(Position(3.80, 43.55), zoom=13)
    view = BoundingBox(3.7, 43.5, 4.0, 43.7)
    with acting_for(neighbour.pk):
        assert [model.objects.count() for model in TABLES] == [0] * len(TABLES)
        assert api.asset_tile(tile, domains=None, scope=api.WHOLE).content is None
        assert api.assets_in_view(view, scope=api.WHOLE) == []
        assert api.assets_search("lanterne", scope=api.WHOLE) == []
        assert api.counts_by_type(scope=api.WHOLE) == []
    # The same questions do find something in their own territory: the test can fail.
    with acting_for(town.pk):
        assert all(model.objects.count() for model in TABLES)
        assert api.asset_tile(tile, domains=None, scope=api.WHOLE).content is not None
        assert len(api.assets_in_view(view, scope=api.WHOLE)) == 21
        assert api.assets_search("lanterne", scope=api.WHOLE)


def test_no_territory_means_no_row() -> None:
    make_asset(make_territory())
    assert Asset.objects.count() == 0


def test_nobody_writes_into_another_territory() -> None:
    town, neighbour = make_territory(), make_territory()
    asset = make_asset(town)
    with acting_for(neighbour.pk):
        with pytest.raises(DatabaseError), transaction.atomic():
            Asset.objects.create(
                territory_id=town.pk,
                type_key="light_point",
                domain_key="street_lighting",
                external_key="x",
                lon=3.8,
                lat=43.6,
            )
        with connection.cursor() as cursor:
            cursor.execute("UPDATE assets_asset SET name = 'x' WHERE id = %s", [asset.pk])
            assert cursor.rowcount == 0
