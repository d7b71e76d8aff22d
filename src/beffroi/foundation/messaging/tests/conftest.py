from __future__ import annotations

from collections.abc import Iterator

import pytest

from beffroi.foundation.messaging.testing import Receiver, loopback_allowed, receiving
from beffroi.foundation.territories.models import Territory
from beffroi.foundation.territories.testing import make_territory


@pytest.fixture
def town(db: None) -> Territory:  # noqa: ARG001 - the database comes first
    return make_territory()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running, loopback_allowed():
        yield running
