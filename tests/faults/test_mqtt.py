"""What a real broker has taken is stored once, whatever is killed, cut or asleep.

``test_faults`` of ``city.ingest.mqtt`` has the negative control: a subscriber that acknowledges
before its commit is caught losing messages.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from installation import Installation, patiently
from test_killed_processes import stored_messages, verdict

from beffroi.city.ingest.mqtt.load import Published, Publisher
from beffroi.city.ingest.mqtt.testing import Mosquitto, Wire, has_mosquitto, wired

START = datetime(2026, 3, 1, tzinfo=UTC)
MANY = 200_000
PACE_S = 0.002
"""Between two messages of a device: the broker takes more than a loaded machine can store."""

SAVED_EVERY_S = 1
LINES = (
    "max_queued_messages 100000000",
    "max_inflight_messages 1000",
    "persistence true",
    f"autosave_interval {SAVED_EVERY_S}",
)


@dataclass
class Town:
    """An installation that subscribes to a broker over a wire."""

    installation: Installation
    broker: Mosquitto
    wire: Wire


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    if not has_mosquitto():
        if os.environ.get("NEED_MOSQUITTO"):
            pytest.fail("mosquitto is not installed, and this run may leave nothing out")
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    with tempfile.TemporaryDirectory(prefix="beffroi-faults-") as name:
        Path(name).chmod(0o755)
        folder = Path(name) / "data"
        folder.mkdir()
        broker = Mosquitto(Path(name), lines=LINES)
        broker.start()
        installation = Installation(folder)
        with wired(broker.port) as wire:
            installation.run("init", "--insee", "59350", "--admin", "a@example.org")
            installation.source()
            installation.run("mqtt", "add", "reseau", f"mqtt://127.0.0.1:{wire.port}")
            installation.run("mqtt", "subscribe", "--broker", "reseau", "essai", "t/{device}/up")
            installation.start()
            for _ in patiently("the subscriber does not connect"):
                if "beffroi-" in broker.log():
                    break
            yield Town(installation, broker, wire)
            installation.stop()
            installation.wait_until_empty()
        broker.stop()


class Device(threading.Thread):
    """Publishes numbered messages, again until the broker has taken each, and notes them."""

    def __init__(self, town: Town, name: str) -> None:
        super().__init__()
        self.town, self.device = town, name
        self.result = Published()
        self.enough = threading.Event()

    def run(self) -> None:
        messages = Messages(self.device)
        publisher = Publisher(
            host="127.0.0.1", port=self.town.broker.port, client_id=self.device, window=20
        )
        begun = 0
        while not self.enough.is_set():
            taken = set(self.result.acknowledged)
            todo = [rank for rank in range(begun) if rank not in taken]
            counting = Counting(todo, begun, stop=self.enough)
            with contextlib.suppress(OSError, EOFError):
                asyncio.run(
                    publisher.publish(
                        messages, result=self.result, todo=counting, stop=self.enough.is_set
                    )
                )
            begun = counting.next


class Counting:
    """Ranks to send: those that were not taken, then new ones without end."""

    def __init__(self, again: list[int], first: int, *, stop: threading.Event) -> None:
        self._again, self.next, self._stop = again, first, stop

    def __iter__(self) -> Iterator[int]:
        yield from self._again
        while self.next < MANY and not self._stop.wait(PACE_S):
            self.next += 1
            yield self.next - 1


class Messages:
    """Message number n of a device: one second after the one before."""

    def __init__(self, device: str) -> None:
        self._device = device

    def __len__(self) -> int:
        return MANY

    def __getitem__(self, rank: int) -> tuple[str, bytes]:
        body = {"time": instant(rank), "values": {"temperature_c": rank % 40}}
        return f"t/{self._device}/up", json.dumps(body).encode()


def instant(rank: int) -> str:
    return (START + timedelta(seconds=rank)).isoformat()


def wait_for_more(devices: list[Device], count: int) -> None:
    wanted = sum(len(device.result.acknowledged) for device in devices) + count
    for _ in patiently("the broker takes no more messages"):
        if sum(len(device.result.acknowledged) for device in devices) >= wanted:
            return


def wait_for_storage(town: Town, device: Device) -> list[str]:
    """Wait until every message that the broker took is stored; return what is stored."""
    expected = {instant(rank) for rank in device.result.acknowledged}
    stored: list[str] = []
    for _ in patiently(f"{device.device}: some messages are not stored"):
        stored = stored_messages(town.installation, device.device)
        if expected <= set(stored):
            break
    return stored


def misfortune(town: Town, name: str) -> None:
    if name == "subscriber":
        for _ in patiently("the subscriber does not run"):
            if town.installation.kill("mqtt"):
                return
    elif name == "database":
        town.installation.wait_until_ready()
        assert town.installation.kill_database() > 0
    elif name == "cut":
        town.wire.cut()
    elif name == "mended":
        town.wire.mend()
    else:
        number = {"asleep": signal.SIGSTOP, "awake": signal.SIGCONT}[name]
        town.broker.send(number)


def test_what_the_broker_took_is_stored_once_whatever_is_killed_or_cut(town: Town) -> None:
    devices = [Device(town, f"mqtt-{number}") for number in range(3)]
    for device in devices:
        device.start()
    try:
        for name in ("subscriber", "database", "cut", "database", "mended", "subscriber"):
            wait_for_more(devices, 400)
            misfortune(town, name)
        wait_for_more(devices, 400)
        misfortune(town, "asleep")
        misfortune(town, "awake")
        wait_for_more(devices, 100)
    finally:
        for device in devices:
            device.enough.set()
        for device in devices:
            device.join()
    for device in devices:
        stored = wait_for_storage(town, device)
        expected = [instant(rank) for rank in device.result.acknowledged]
        assert verdict(expected, stored) == {"lost": 0, "doubled": 0}


def test_a_broker_that_is_killed_loses_at_most_what_it_had_not_saved(town: Town) -> None:
    device = Device(town, "mqtt-killed")
    device.start()
    try:
        wait_for_more([device], 400)
        town.broker.kill()
        taken = len(device.result.acknowledged)
        town.broker.start()
        wait_for_more([device], 400)
    finally:
        device.enough.set()
        device.join()
    # mosquitto answers a publish before it saves it: only what came last can be lost.
    sure = device.result.acknowledged[: max(0, taken - 2_000)]
    after = device.result.acknowledged[taken:]
    for _ in patiently("what came after the kill is not stored"):
        stored = stored_messages(town.installation, device.device)
        if {instant(rank) for rank in after} <= set(stored):
            break
    outcome = verdict([instant(rank) for rank in [*sure, *after]], stored)
    assert outcome == {"lost": 0, "doubled": 0}
    everything = verdict([instant(rank) for rank in device.result.acknowledged], stored)
    assert everything["doubled"] == 0
    assert everything["lost"] <= 2_000
