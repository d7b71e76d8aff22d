from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from beffroi.city.assets.models import Asset, Device
from beffroi.city.assets.testing import make_asset, make_device
from beffroi.city.series.models import Stream
from beffroi.city.series.testing import make_partitions, make_stream, record
from beffroi.foundation.territories.models import Territory
from beffroi.foundation.territories.testing import make_territory
from beffroi.interfaces.api.budgets import BUDGETS
from beffroi.interfaces.api.testing import bearer, make_key

AT = datetime(2026, 3, 29, 6, 30, tzinfo=UTC)
Ask = Callable[..., Any]


@dataclass(kw_only=True)
class Town:
    """A territory with some assets, a measured one first, and a key to all of it."""

    territory: Territory
    cabinet: Asset
    lamps: list[Asset]
    stream: Stream
    device: Device
    key: str

    @property
    def url(self) -> str:
        return f"/api/v1/territories/{self.territory.slug}"


@pytest.fixture(autouse=True)
def _fresh_budgets() -> Iterator[None]:
    BUDGETS.forget()
    yield
    BUDGETS.forget()


@pytest.fixture
def town(db: None) -> Town:
    del db
    return make_town("montpellier")


@pytest.fixture
def ask(client: Client, town: Town) -> Ask:
    """Return a function that asks an address of the town with its key."""

    def asked(
        path: str = "", *, key: str | None = None, method: str = "get", **headers: str
    ) -> Any:
        shown = bearer(town.key if key is None else key)
        shown |= {name.replace("_", "-"): value for name, value in headers.items()}
        url = path if path.startswith("/api") else town.url + path
        return getattr(client, method)(url, headers=shown)

    return asked


def make_town(slug: str) -> Town:
    territory = make_territory(slug, name=slug.title())
    cabinet = make_asset(
        territory,
        type_key="lighting_cabinet",
        name="Armoire Comédie",
        external_key=f"A-{slug}",
        properties={"address": "7 rue de la Loge"},
    )
    lamps = [
        make_asset(
            territory,
            name=f"Lampe {rank}",
            external_key=f"L-{slug}-{rank}",
            parent=cabinet,
            lon=3.88 + rank / 1000,
        )
        for rank in range(5)
    ]
    stream = make_stream(cabinet, measure_key="power_w", unit="W")
    make_partitions(AT - timedelta(days=3), AT)
    record(stream, [(AT - timedelta(minutes=10 * rank), float(rank)) for rank in range(200)])
    device = make_device(territory, asset=cabinet, identifier=f"70b3d5-{slug}")
    return Town(
        territory=territory,
        cabinet=cabinet,
        lamps=lamps,
        stream=stream,
        device=device,
        key=make_key(territory),
    )
