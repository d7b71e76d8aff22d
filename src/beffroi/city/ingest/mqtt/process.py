"""Starts a subscriber in this process."""

from __future__ import annotations

import asyncio
import signal

import uvloop

from beffroi.city.ingest.intake import Intake, unseal_with_settings
from beffroi.city.ingest.mqtt.subscriber import Subscriber
from beffroi.city.ingest.postgres import application_conninfo

POOL_SIZE = 6


def run_subscriber(*, number: int = 1) -> None:
    """Subscribe until SIGTERM or SIGINT; what was read is stored and acknowledged first."""
    uvloop.run(_run(number))


async def _run(number: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, stop.set)
    intake = Intake(
        url=application_conninfo, unseal=unseal_with_settings, name="mqtt", pool_size=POOL_SIZE
    )
    await Subscriber(intake, url=application_conninfo, number=number).run(stop)
