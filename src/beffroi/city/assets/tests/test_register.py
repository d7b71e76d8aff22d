"""Who changes the register, and what the others are told."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from beffroi.city.assets import api
from beffroi.city.assets.models import Asset, AssetCell, AssetChange, Attachment
from beffroi.city.assets.testing import make_asset, make_device
from beffroi.foundation.accounts.contracts import Scope
from beffroi.foundation.audit.models import AuditRecord
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.testing import make_territory

pytestmark = pytest.mark.django_db
NOBODY = Scope(everything=False, allowed=frozenset())


def test_a_removed_asset_frees_its_devices_keeps_its_history_and_comes_back() -> None:
    town = make_territory()
    lamp = make_asset(town, name="Lampe", state=2, rule_state=2)
    device = make_device(town, asset=lamp)
    with acting_for(town.pk):
        api.cells_rebuild(["street_lighting"])
        assert AssetCell.objects.filter(zoom=13).get().alarm == 1
        api.asset_remove(lamp.uuid, scope=api.WHOLE, reason=" Mât déposé ")
        api.asset_remove(lamp.uuid, scope=api.WHOLE, reason="encore")
        assert api.assets_page(api.AssetFilter(), scope=api.WHOLE).total == 0
        assert api.assets_page(api.AssetFilter(removed=True), scope=api.WHOLE).total == 1
        assert not AssetCell.objects.exists()
        assert not Attachment.objects.filter(attached_until__isnull=True).exists()
        assert api.device_get(device.uuid).asset_id is None
        lines = api.asset_history(lamp.uuid, scope=api.WHOLE)
        assert [(line.kind.value, line.note) for line in lines] == [
            ("removed", "Mât déposé"),
            ("detached", ""),
        ]
        entry = AuditRecord.objects.latest("id")
        assert entry.verb == "assets.removed"
        assert entry.detail == {"reason": "Mât déposé"}
        api.asset_restore(lamp.uuid, scope=api.WHOLE)
        api.asset_restore(lamp.uuid, scope=api.WHOLE)
        lamp.refresh_from_db()
        assert (lamp.removed_at, lamp.state, lamp.rule_state) == (None, 4, 0)
        assert api.assets_page(api.AssetFilter(), scope=api.WHOLE).total == 1
        assert [line.kind.value for line in api.asset_history(lamp.uuid, scope=api.WHOLE)] == [
            "restored",
            "removed",
            "detached",
        ]


def test_nothing_is_removed_or_put_back_outside_the_scope() -> None:
    town, neighbour = make_territory(), make_territory()
    lamp = make_asset(town)
    for territory, scope in ((town, NOBODY), (neighbour, api.WHOLE)):
        with acting_for(territory.pk):
            for act in (api.asset_remove, api.asset_restore):
                with pytest.raises(api.AssetNotFound):
                    act(lamp.uuid, scope=scope)
    with acting_for(town.pk):
        assert Asset.objects.get().removed_at is None


def test_the_second_of_two_people_is_told_and_overwrites_nothing() -> None:
    town = make_territory()
    lamp = make_asset(town, name="Avant")
    with acting_for(town.pk):
        read_at = api.asset_get(lamp.uuid, scope=api.WHOLE).summary.updated_at
        first = {"name": "Première"}
        api.asset_update(lamp.uuid, scope=api.WHOLE, changes=first, read_at=read_at)
        for name in ("Seconde", "Première"):
            with pytest.raises(api.AssetChangedMeanwhile):
                api.asset_update(
                    lamp.uuid, scope=api.WHOLE, changes={"name": name}, read_at=read_at
                )
        assert Asset.objects.get().name == "Première"
        assert AssetChange.objects.count() == 1
        # Who has read what changed may decide.
        fresh = api.asset_get(lamp.uuid, scope=api.WHOLE).summary.updated_at
        api.asset_update(lamp.uuid, scope=api.WHOLE, changes={"name": "Seconde"}, read_at=fresh)
        assert Asset.objects.get().name == "Seconde"


def test_an_asset_removed_meanwhile_is_not_edited() -> None:
    town = make_territory()
    lamp = make_asset(town, name="Avant")
    with acting_for(town.pk):
        read_at = api.asset_get(lamp.uuid, scope=api.WHOLE).summary.updated_at
        api.asset_remove(lamp.uuid, scope=api.WHOLE)
        with pytest.raises(api.AssetChangedMeanwhile):
            api.asset_update(lamp.uuid, scope=api.WHOLE, changes={"name": "x"}, read_at=read_at)


def test_an_asset_never_depends_on_itself_however_far_round() -> None:
    town, neighbour = make_territory(), make_territory()
    first, second, third = (make_asset(town, name=name) for name in ("A", "B", "C"))
    gone = make_asset(town, name="D", removed_at=datetime(2026, 1, 1, tzinfo=UTC))
    theirs = make_asset(neighbour)

    def attach(child: Asset, parent: Asset | None) -> None:
        changes = {"parent_id": None if parent is None else parent.pk}
        api.asset_update(child.uuid, scope=api.WHOLE, changes=changes)

    with acting_for(town.pk):
        attach(second, first)
        attach(third, second)
        for child, parent in ((first, first), (first, second), (first, third), (first, gone)):
            with pytest.raises(api.ParentRefused) as refused:
                attach(child, parent)
            assert refused.value.way_out
        with pytest.raises(api.ParentRefused):
            attach(first, theirs)
        attach(third, None)
        attach(first, third)
        assert Asset.objects.get(pk=first.pk).parent_id == third.pk


def test_a_parent_taken_away_by_hand_is_not_put_back_unseen() -> None:
    town = make_territory()
    cabinet = make_asset(town, type_key="lighting_cabinet", external_key="ARM-1")
    lamp = make_asset(town, external_key="L1", parent=cabinet, parent_key="ARM-1")
    with acting_for(town.pk):
        api.asset_update(lamp.uuid, scope=api.WHOLE, changes={"parent_id": None})
        assert api.parents_link("light_point") == 0
        rows = [api.NewAsset(external_key="L1", lon=3.88, lat=43.61, parent_key="ARM-1")]
        api.assets_upsert_many(rows, type_key="light_point", options=api.BulkOptions())
        last = api.asset_history(lamp.uuid, scope=api.WHOLE)[0]
        assert last.changes["parent_key"] == ("", "ARM-1")
        assert Asset.objects.get(pk=lamp.pk).parent_id == cabinet.pk
