from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import pytest

from beffroi.city.ingest.api import application_conninfo
from beffroi.city.ingest.testing import make_application, serving, tiny_installed
from beffroi.city.live.asgi import LiveApplication
from beffroi.city.live.hub import Hub
from beffroi.city.live.sessions import Sessions
from beffroi.foundation.territories.models import Territory
from beffroi.foundation.territories.testing import make_territory


@dataclass(frozen=True)
class City:
    """A territory with its ingest and live processes on loopback."""

    territory: Territory
    door: int
    live: int
    application: LiveApplication


@pytest.fixture
def city(transactional_db: None) -> Iterator[City]:  # noqa: ARG001 - the database comes first
    territory = make_territory()
    conninfo = application_conninfo()
    hub = Hub(url=lambda: conninfo, gather_s=0.05)
    live = LiveApplication(hub=hub, sessions=Sessions(), heartbeat_s=0.2, check_s=0.2)
    with (
        tiny_installed(),
        serving(make_application()) as (door, _ingest),
        serving(live, before_stop=partial(hub.close_all, "stopping")) as (port, _live),
    ):
        yield City(territory, door, port, live)
