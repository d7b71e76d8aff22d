from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from beffroi.city.ingest.mqtt.testing import Mosquitto, broker, has_mosquitto
from beffroi.city.ingest.testing import MadeSource, make_source, tiny_installed
from beffroi.foundation.territories.models import Territory
from beffroi.foundation.territories.testing import make_territory

NEEDED = "NEED_MOSQUITTO"
"""Set where no test may be left out for want of the broker."""


@pytest.fixture(autouse=True)
def tiny() -> Iterator[None]:
    with tiny_installed():
        yield


@pytest.fixture
def town(transactional_db: None) -> Territory:  # noqa: ARG001 - the database comes first
    return make_territory()


@pytest.fixture
def source(town: Territory) -> MadeSource:
    return make_source(town)


@pytest.fixture
def needs_mosquitto() -> None:
    """Leave the test out where there is no broker, unless the suite is told that there is one."""
    if not has_mosquitto():
        if os.environ.get(NEEDED):
            pytest.fail("mosquitto is not installed, and this run may leave nothing out")
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")


@pytest.fixture
def mosquitto(needs_mosquitto: None) -> Iterator[Mosquitto]:  # noqa: ARG001 - looked at first
    with broker(lines=["max_queued_messages 100000000"]) as running:
        yield running
