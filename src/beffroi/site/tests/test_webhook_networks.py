from __future__ import annotations

import os

import pytest

from beffroi.kernel.errors import ConfigurationError
from beffroi.site.configuration import read


def test_networks_of_webhooks_are_checked_at_the_start() -> None:
    networks = "10.0.0.0/8, 192.168.3.4"
    assert read({**os.environ, "BEFFROI_WEBHOOK_NETWORKS": networks}).webhook_networks == networks
    with pytest.raises(ConfigurationError, match=r"10\.0\.0\.0/99"):
        read({**os.environ, "BEFFROI_WEBHOOK_NETWORKS": "10.0.0.0/99"})
