from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from beffroi.city.assets import api
from beffroi.city.assets.contracts import ChangeKind, DeviceAlreadyAttached
from beffroi.city.assets.models import Attachment, Device
from beffroi.city.assets.testing import make_asset, make_device
from beffroi.city.assets.tests.samples import grid, upsert
from beffroi.foundation.accounts.contracts import Scope
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.testing import make_territory
from beffroi.kernel.errors import Conflict

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_replaced_device_leaves_its_asset_and_its_past_in_place() -> None:
    town = make_territory()
    asset = make_asset(town)
    old = make_device(town, identifier="old", asset=asset, attached_from=NOON)
    new = make_device(town, identifier="new")
    with acting_for(town.pk):
        api.device_replace(old.uuid, by=new.uuid, at=NOON + timedelta(hours=1))
        detail = api.asset_get(asset.uuid, scope=api.WHOLE)
        assert detail.summary.id == asset.pk
        periods = [
            (item.device.identifier, item.since.hour, item.until) for item in detail.attachments
        ]
        assert periods == [("new", 13, None), ("old", 12, NOON + timedelta(hours=1))]
        history = api.asset_history(asset.uuid, scope=api.WHOLE)
        assert [line.kind for line in history] == [ChangeKind.ATTACHED, ChangeKind.DETACHED]
        assert api.device_get(new.uuid).asset_uuid == asset.uuid
        assert api.device_get(old.uuid).asset_uuid is None


def test_a_device_speaks_for_one_asset_at_a_time() -> None:
    town = make_territory()
    one, other = make_asset(town), make_asset(town)
    device = make_device(town, asset=one)
    with acting_for(town.pk):
        with pytest.raises(DeviceAlreadyAttached):
            api.device_attach(device.uuid, asset_uuid=other.uuid)
        assert api.device_attach(device.uuid, asset_uuid=one.uuid).asset_id == one.pk
        api.device_detach(device.uuid)
        api.device_detach(device.uuid)
        assert api.device_attach(device.uuid, asset_uuid=other.uuid).asset_id == other.pk


def test_many_devices_are_made_and_attached_once() -> None:
    town = make_territory()
    with acting_for(town.pk):
        upsert(grid(100))
        pairs = [(api.NewDevice(identifier=f"{n:016x}"), f"L{n:05d}") for n in range(120)]
        assert api.devices_attach_many(pairs, type_key="light_point") == 100
        assert api.devices_attach_many(pairs, type_key="light_point") == 0
        assert Device.objects.count() == 120
        assert Attachment.objects.count() == 100
        free, more = api.devices_page(attached=False)
        assert (len(free), more) == (20, "")
        first, more = api.devices_page(limit=70)
        rest, end = api.devices_page(limit=70, after=more)
        assert len({item.id for item in [*first, *rest]}) == 120
        assert end == ""


def test_the_same_name_at_two_sources_is_two_devices() -> None:
    town = make_territory()
    with acting_for(town.pk):
        here = api.device_create(api.NewDevice(identifier="capteur-1", source_id=1))
        there = api.device_create(api.NewDevice(identifier="capteur-1"))
        with pytest.raises(Conflict):
            api.device_create(api.NewDevice(identifier="capteur-1", source_id=1))
        found = api.device_by_identifier("capteur-1", source_id=1)
        assert found is not None
        assert found.id == here.pk
        other = api.device_by_identifier("capteur-1", source_id=2)
        assert other is not None
        assert other.id == there.pk


def test_devices_of_hidden_assets_are_hidden() -> None:
    town = make_territory()
    make_device(town, identifier="a", asset=make_asset(town))
    make_device(town, identifier="b", asset=make_asset(town, domain_key="parking"))
    scope = Scope(everything=False, allowed=frozenset({("parking", None)}))
    with acting_for(town.pk):
        assert [item.identifier for item in api.devices_page(scope=scope)[0]] == ["b"]
        assert len(api.devices_page(scope=api.WHOLE)[0]) == 2
