"""A subscriber process of its own, in order or hasty: what a test may kill."""

from __future__ import annotations

import asyncio
import sys

import django

django.setup()

from beffroi.city.ingest.intake import Intake, unseal_with_settings  # noqa: E402 - after set-up
from beffroi.city.ingest.mqtt.subscriber import Subscriber  # noqa: E402 - same
from beffroi.city.ingest.postgres import application_conninfo  # noqa: E402 - same
from beffroi.city.ingest.testing import tiny_installed  # noqa: E402 - same


async def subscribe(*, hasty: bool) -> None:
    """Subscribe until killed; a hasty one acknowledges before the commit."""
    conninfo = application_conninfo()
    intake = Intake(url=lambda: conninfo, unseal=unseal_with_settings, name="mqtt")
    subscriber = Subscriber(intake, url=lambda: conninfo, acknowledge_first=hasty)
    await subscriber.run(asyncio.Event())


with tiny_installed():
    asyncio.run(subscribe(hasty=sys.argv[1] == "hasty"))
