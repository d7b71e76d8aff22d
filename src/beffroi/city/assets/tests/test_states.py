from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from beffroi.city.assets import api
from beffroi.city.assets.models import Asset, AssetCell
from beffroi.city.assets.testing import make_asset, make_device
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.testing import make_territory
from beffroi.kernel.clock import frozen_at
from beffroi.kernel.errors import InvalidInput
from beffroi.sdk.registry import asset_types

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NEVER = api.AssetState.NEVER_REPORTED


def _states() -> dict[str, int]:
    return dict(Asset.objects.values_list("external_key", "state"))


def test_an_asset_is_silent_once_its_device_is_for_longer_than_its_type_allows() -> None:
    town = make_territory()
    silence = asset_types()["light_point"].silent_after
    unmeasured = next(key for key, kind in asset_types().items() if not kind.measures)
    make_asset(town, external_key="passive", type_key=unmeasured)
    make_asset(town, external_key="alone")
    heard = make_asset(town, external_key="heard")
    make_device(town, asset=heard, last_seen_at=NOON - silence)
    late = make_asset(town, external_key="late")
    make_device(town, asset=late, last_seen_at=NOON - silence - timedelta(seconds=1))
    never = make_asset(town, external_key="never")
    make_device(town, asset=never)
    twice = make_asset(town, external_key="twice")
    make_device(town, asset=twice, last_seen_at=NOON - timedelta(days=400))
    make_device(town, asset=twice, last_seen_at=NOON)
    with frozen_at(NOON), acting_for(town.pk):
        assert api.assets_state_refresh() == 3
        assert _states() == {
            "passive": 0,
            "heard": 0,
            "twice": 0,
            "late": 3,
            "alone": NEVER,
            "never": NEVER,
        }
        assert api.assets_state_refresh() == 0
    with frozen_at(NOON + timedelta(seconds=1)), acting_for(town.pk):
        assert api.assets_state_refresh() == 1
        assert _states()["heard"] == 3


def test_what_a_rule_says_comes_before_silence_and_holds_until_it_is_unsaid() -> None:
    town = make_territory()
    lamp = make_asset(town, external_key="lamp")
    make_device(town, asset=lamp, last_seen_at=NOON)
    with acting_for(town.pk):
        api.assets_state_refresh(states={lamp.pk: 2})
        assert _states() == {"lamp": 2}
        assert AssetCell.objects.get(zoom=13).alarm == 1
        api.assets_state_refresh()
        assert _states() == {"lamp": 2}
        api.assets_state_refresh(states={lamp.pk: 0})
        assert _states() == {"lamp": 3}
        assert AssetCell.objects.get(zoom=13).warn == 1


def test_a_rule_cannot_give_a_state_of_its_own() -> None:
    town = make_territory()
    lamp = make_asset(town)
    with acting_for(town.pk), pytest.raises(InvalidInput):
        api.assets_state_refresh(states={lamp.pk: 3})


def test_a_device_that_is_detached_no_longer_makes_its_asset_silent() -> None:
    town = make_territory()
    lamp = make_asset(town, external_key="lamp")
    device = make_device(town, asset=lamp, last_seen_at=NOON)
    with acting_for(town.pk):
        api.assets_state_refresh()
        assert _states() == {"lamp": 3}
        api.device_detach(device.uuid)
        api.assets_state_refresh()
        assert _states() == {"lamp": NEVER}


def test_what_is_new_has_never_reported_until_something_is_heard_of_it() -> None:
    town = make_territory()
    unmeasured = next(key for key, kind in asset_types().items() if not kind.measures)
    new = api.NewAsset(external_key="new", lon=3.88, lat=43.61)
    with acting_for(town.pk):
        api.asset_create(new, type_key="light_point")
        api.assets_upsert_many([new], type_key=unmeasured, options=api.BulkOptions())
        api.assets_upsert_many([new], type_key="lighting_cabinet", options=api.BulkOptions())
        assert dict(Asset.objects.values_list("type_key", "state")) == {
            "light_point": NEVER,
            unmeasured: 0,
            "lighting_cabinet": NEVER,
        }
        counts = {line.type_key: line for line in api.counts_by_type(scope=api.WHOLE)}
        assert counts["light_point"].never_reported == 1
        # The map stays calm: nothing is wrong with what was never heard.
        assert not AssetCell.objects.exclude(warn=0, alarm=0).exists()


def test_a_list_by_state_begins_with_what_is_urgent() -> None:
    town = make_territory()
    for state in (0, 1, 2, 3, 4):
        for rank in range(2):
            make_asset(town, name=f"{state}-{rank}", state=state)
    with acting_for(town.pk):
        first = api.assets_page(api.AssetFilter(), scope=api.WHOLE, order="state", limit=7)
        rest = api.assets_page(
            api.AssetFilter(), scope=api.WHOLE, order="state", limit=7, after=first.after
        )
        names = [row.name for row in (*first.rows, *rest.rows)]
        assert names == [f"{state}-{rank}" for state in (2, 1, 3, 4, 0) for rank in (0, 1)]
        back = api.assets_page(
            api.AssetFilter(), scope=api.WHOLE, order="state", limit=7, before=rest.before
        )
        assert back.rows == first.rows
