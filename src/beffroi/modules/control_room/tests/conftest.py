from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client

from beffroi.city.assets.models import Asset
from beffroi.city.assets.testing import make_asset, make_device
from beffroi.city.series.testing import make_partitions, make_stream, record
from beffroi.foundation.accounts.testing import agent_client
from beffroi.foundation.territories.models import Area, Territory
from beffroi.foundation.territories.testing import make_area, make_territory
from beffroi.kernel.clock import now


@dataclass(frozen=True)
class Town:
    """Two districts, lamps and car parks in both, some of which have measured something."""

    territory: Territory
    north: Area
    south: Area
    cabinet: Asset
    lamp: Asset
    southern_lamp: Asset
    car_park: Asset

    @property
    def slug(self) -> str:
        return self.territory.slug

    def url(self, path: str) -> str:
        return f"/t/{self.slug}/{path}"


def make_town(slug: str | None = None) -> Town:
    territory = make_territory(slug)
    north = make_area(territory, name="Nord", bounds=(3.80, 43.60, 3.90, 43.70))
    south = make_area(territory, name="Sud", bounds=(3.80, 43.50, 3.90, 43.60))
    cabinet = make_asset(
        territory, type_key="lighting_cabinet", name="Armoire Comédie", area=north, lat=43.61
    )
    lamp = make_asset(
        territory,
        name="Lanterne du Nord",
        external_key="L-001",
        area=north,
        lat=43.61,
        parent=cabinet,
        properties={"power_nominal_w": 70, "address": "3 rue de la Loge", "couleur": "verte"},
        origin="simulated",
        attribution="Ville de Montpellier",
    )
    southern = make_asset(
        territory, name="Lanterne du Sud", external_key="L-002", area=south, lat=43.55, state=2
    )
    car_park = make_asset(
        territory,
        type_key="car_park",
        domain_key="parking",
        name="Parking Antigone",
        area=north,
        lat=43.62,
    )
    make_device(
        territory,
        identifier="0004a30b001c1234",
        asset=lamp,
        model="Nœud de lampe",
        battery_pct=81,
        radio={"rssi_dbm": -97, "snr_db": 6.5, "gateways": 2, "spreading_factor": 9},
        last_seen_at=now(),
    )
    make_partitions(now() - timedelta(days=2), now())
    end = now()
    for asset, watts in ((lamp, 61.5), (southern, 20.0)):
        stream = make_stream(asset)
        record(stream, [(end - timedelta(hours=back), watts + back) for back in range(5)])
        energy = make_stream(asset, measure_key="energy_kwh", unit="kWh")
        record(energy, [(end, 1_000.0 + watts)])
    occupancy = make_stream(car_park, measure_key="occupancy_pct", unit="%")
    record(occupancy, [(end - timedelta(minutes=10), 64.0)])
    return Town(territory, north, south, cabinet, lamp, southern, car_park)


@pytest.fixture
def town(db: None) -> Town:
    del db
    return make_town()


@pytest.fixture
def agent(town: Town) -> Client:
    return agent_client(town.territory)


@pytest.fixture
def limited(town: Town) -> Client:
    """Who sees street lighting in the northern district, and nothing else."""
    grants = [("assets.see", "street_lighting", town.north.pk)]
    return agent_client(town.territory, verbs=(), grants=grants)


@pytest.fixture(autouse=True)
def _empty_cache(db: None) -> Iterator[None]:
    del db
    yield
    cache.clear()
