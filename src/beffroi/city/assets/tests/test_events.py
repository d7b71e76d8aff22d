from __future__ import annotations

from typing import Any

import pytest

from beffroi.city.assets.api import (
    WHOLE,
    NewAsset,
    asset_create,
    asset_remove,
    asset_restore,
    asset_update,
    import_run,
)
from beffroi.city.assets.events import TOPICS
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.messaging.models import OutboxRow
from beffroi.foundation.messaging.testing import make_webhook
from beffroi.foundation.territories.models import Territory
from beffroi.foundation.territories.testing import make_area, make_territory

CABINET = NewAsset(external_key="A-1", name="Armoire", lon=3.88, lat=43.61, properties={"n": 1})


@pytest.fixture
def town(db: None) -> Territory:  # noqa: ARG001 - the database comes first
    return make_territory()


def told(town: Territory) -> list[tuple[str, dict[str, Any]]]:
    with acting_for(town.pk):
        rows = OutboxRow.objects.order_by("id")
        return [(row.topic, row.payload) for row in rows]


def test_each_change_of_an_asset_is_told_as_it_is_then(town: Territory) -> None:
    area = make_area(town, bounds=(3.8, 43.5, 3.9, 43.7))
    make_webhook(town, topics=[topic.key for topic in TOPICS])
    with acting_for(town.pk):
        asset = asset_create(CABINET, type_key="lighting_cabinet")
        asset_update(asset.uuid, scope=WHOLE, changes={"name": "Armoire 1", "department_id": None})
        asset_update(asset.uuid, scope=WHOLE, changes={"name": "Armoire 1"})
        asset_remove(asset.uuid, scope=WHOLE, reason="Déposée")
        asset_restore(asset.uuid, scope=WHOLE)
    events = told(town)
    assert [topic for topic, _ in events] == [
        "asset.created",
        "asset.changed",
        "asset.removed",
        "asset.restored",
    ]
    created, changed, removed, restored = (payload for _, payload in events)
    assert created["asset"] == {
        "id": str(asset.uuid),
        "domain": "street_lighting",
        "type": "lighting_cabinet",
        "area": area.pk,
        "name": "Armoire",
        "external_key": "A-1",
        "lon": 3.88,
        "lat": 43.61,
        "properties": {"n": 1},
        "removed": False,
    }
    assert (changed["changed"], changed["asset"]["name"]) == (["name"], "Armoire 1")
    assert (removed["reason"], removed["asset"]["removed"]) == ("Déposée", True)
    assert restored["asset"]["removed"] is False


def test_an_import_is_one_event_and_a_trial_is_none(town: Territory) -> None:
    make_webhook(town, topics=[topic.key for topic in TOPICS])
    rows = "".join(f"P{n};Parking {n};{3.88 + n / 1e4};43.61\n" for n in range(40))
    content = f"identifiant;nom;lon;lat\n{rows}".encode()
    with acting_for(town.pk):
        import_run(content, name="parkings.csv", type_key="car_park", dry_run=True)
        import_run(content, name="parkings.csv", type_key="car_park")
    ((topic, payload),) = told(town)
    assert topic == "import.finished"
    assert payload["counts"]["created"] == 40
    assert (payload["domain"], payload["type"]) == ("parking", "car_park")


def test_nothing_is_written_where_nobody_listens(town: Territory) -> None:
    with acting_for(town.pk):
        asset_create(CABINET, type_key="lighting_cabinet")
    assert told(town) == []
