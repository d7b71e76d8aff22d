from __future__ import annotations

from collections.abc import Iterator

import pytest

from beffroi.city.ingest.testing import (
    MadeSource,
    make_application,
    make_source,
    serving,
    tiny_installed,
)
from beffroi.foundation.territories.models import Territory
from beffroi.foundation.territories.testing import make_territory


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
def door(town: Territory) -> Iterator[int]:  # noqa: ARG001 - the database comes first
    """The port of a running ingest process."""
    with serving(make_application()) as (port, _server):
        yield port
