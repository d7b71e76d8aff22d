from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings

from beffroi.city.archive.api import Month, Place, place_open
from beffroi.city.assets.models import Asset
from beffroi.city.assets.testing import make_asset
from beffroi.city.series.models import Stream
from beffroi.city.series.testing import make_stream, record
from beffroi.foundation.territories.api import TerritoryCard, territory_by_slug
from beffroi.foundation.territories.models import Territory
from beffroi.foundation.territories.testing import make_territory
from beffroi.kernel.clock import PARIS, frozen_at
from beffroi.kernel.quality import Quality

MAY = Month(2026, 5)
LATER = datetime(2026, 7, 10, 12, tzinfo=PARIS)


@pytest.fixture
def territory(db: None) -> Territory:  # noqa: ARG001 - the database must be open
    return make_territory()


@pytest.fixture
def town(territory: Territory) -> TerritoryCard:
    return territory_by_slug(territory.slug)


@pytest.fixture
def asset(territory: Territory) -> Asset:
    return make_asset(territory)


@pytest.fixture
def stream(asset: Asset) -> Stream:
    return make_stream(asset)


@pytest.fixture(autouse=True)
def _in_july() -> Iterator[None]:
    assert settings.BEFFROI.hot_days == 1
    with frozen_at(LATER):
        yield


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return place_open(str(tmp_path / "archive"))


def month_of_values(stream: Stream, *, month: Month = MAY, every_h: int = 7) -> int:
    """Store values over a month, its first and last milliseconds among them; return how many."""
    instants = []
    at = month.start
    while at < month.end:
        instants.append(at)
        at += timedelta(hours=every_h)
    instants.append(month.end - timedelta(milliseconds=1))
    flags = [Quality.GOOD, Quality.SUSPECT, Quality.BAD]
    values = [(at, rank * 0.1 - 3.3, flags[rank % 3]) for rank, at in enumerate(instants)]
    record(stream, values)
    return len(values)
