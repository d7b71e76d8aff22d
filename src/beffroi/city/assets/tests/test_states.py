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


def _states() -> dict[str, int]:
    return dict(Asset.objects.values_list("external_key", "state"))


def test_an_asset_is_silent_once_its_device_is_for_longer_than_its_type_allows() -> None:
    town = make_territory()
    silence = asset_types()["light_point"].silent_after
    make_asset(town, external_key="passive")
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
        assert api.assets_state_refresh() == 2
        assert _states() == {"passive": 0, "heard": 0, "late": 3, "never": 3, "twice": 0}
        assert api.assets_state_refresh() == 0
    with frozen_at(NOON + timedelta(seconds=1)), acting_for(town.pk):
        assert api.assets_state_refresh() == 1
        assert _states()["heard"] == 3


def test_what_a_rule_says_comes_before_silence_and_holds_until_it_is_unsaid() -> None:
    town = make_territory()
    lamp = make_asset(town, external_key="lamp")
    make_device(town, asset=lamp)
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
    device = make_device(town, asset=lamp)
    with acting_for(town.pk):
        api.assets_state_refresh()
        assert _states() == {"lamp": 3}
        api.device_detach(device.uuid)
        api.assets_state_refresh()
        assert _states() == {"lamp": 0}
