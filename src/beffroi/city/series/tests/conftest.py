from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from beffroi.city.assets.models import Asset
from beffroi.city.assets.testing import make_asset
from beffroi.city.series.models import Stream
from beffroi.city.series.testing import make_stream
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.models import Territory
from beffroi.foundation.territories.testing import make_territory


@pytest.fixture
def territory(db: None) -> Territory:  # noqa: ARG001 - the database must be open
    return make_territory()


@pytest.fixture
def asset(territory: Territory) -> Asset:
    return make_asset(territory)


@pytest.fixture
def stream(asset: Asset) -> Stream:
    return make_stream(asset)


@pytest.fixture
def inside(territory: Territory) -> Iterator[Any]:
    with acting_for(territory.pk):
        yield territory
