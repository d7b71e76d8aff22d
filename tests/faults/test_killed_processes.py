"""Acknowledged means stored, once, whatever is killed; and nothing is left running."""

from __future__ import annotations

import http.client
import os
import signal
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from installation import Installation, patiently

START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    with tempfile.TemporaryDirectory(prefix="beffroi-faults-") as name:
        Path(name).chmod(0o755)
        folder = Path(name) / "data"
        folder.mkdir()
        made = Installation(folder)
        made.run("init", "--insee", "59350", "--admin", "a@example.org")
        made.start()
        yield made
        made.stop()
        made.wait_until_empty()


class Client(threading.Thread):
    """Sends numbered messages one by one, again until each is acknowledged, and notes them."""

    def __init__(self, installation: Installation, *, path: str, secret: str, name: str) -> None:
        super().__init__()
        self.installation, self.path, self.secret = installation, path, secret
        self.device = name
        self.acknowledged: list[int] = []
        self.tries = 0
        self.enough = threading.Event()

    def run(self) -> None:
        number = 0
        while not self.enough.is_set():
            message = {
                "device": self.device,
                "time": (START + timedelta(seconds=number)).isoformat(),
                "values": {"temperature_c": number % 40},
            }
            self.tries += 1
            try:
                status = self.installation.post(self.path, self.secret, message)
            except (OSError, http.client.HTTPException):
                continue
            if status == http.client.OK:
                self.acknowledged.append(number)
                number += 1


def verdict(acknowledged: list[str], stored: list[str]) -> dict[str, int]:
    """Compare what was acknowledged with what is stored."""
    counts = Counter(stored)
    return {
        "lost": sum(1 for key in acknowledged if key not in counts),
        "doubled": sum(1 for count in counts.values() if count > 1),
    }


def stored_messages(installation: Installation, device: str) -> list[str]:
    out = installation.run("sources", "messages", "--device", device)
    return [line.strip() for line in out.splitlines() if line.strip()]


def test_the_checker_sees_what_is_lost_and_what_is_doubled() -> None:
    assert verdict(["a", "b"], ["a"]) == {"lost": 1, "doubled": 0}
    assert verdict(["a"], ["a", "a", "b"]) == {"lost": 0, "doubled": 1}
    assert verdict(["a"], ["a", "b"]) == {"lost": 0, "doubled": 0}


def test_acknowledged_messages_are_stored_once_whatever_is_killed(
    installation: Installation,
) -> None:
    path, secret = installation.source()
    clients = [
        Client(installation, path=path, secret=secret, name=f"device-{number}")
        for number in range(4)
    ]
    for client in clients:
        client.start()
    try:
        for misfortune in ("ingest", "database", "ingest"):
            wait_for_more(clients, 40)
            if misfortune == "database":
                assert installation.kill_database() > 0
            else:
                assert installation.kill(misfortune) == 1
        wait_for_more(clients, 40)
    finally:
        for client in clients:
            client.enough.set()
        for client in clients:
            client.join()
    for client in clients:
        expected = [
            (START + timedelta(seconds=number)).isoformat() for number in client.acknowledged
        ]
        assert verdict(expected, stored_messages(installation, client.device)) == {
            "lost": 0,
            "doubled": 0,
        }


def wait_for_more(clients: list[Client], count: int) -> None:
    wanted = sum(len(client.acknowledged) for client in clients) + count
    for _ in patiently("messages are no longer acknowledged"):
        if sum(len(client.acknowledged) for client in clients) >= wanted:
            return


def test_killing_the_parent_leaves_nothing_running() -> None:
    with tempfile.TemporaryDirectory(prefix="beffroi-faults-") as name:
        Path(name).chmod(0o755)
        folder = Path(name) / "data"
        folder.mkdir()
        made = Installation(folder)
        made.run("init", "--insee", "59350", "--admin", "a@example.org")
        made.start()
        assert made.serving is not None
        assert len(made.processes()) > 6
        os.kill(made.serving.pid, signal.SIGKILL)
        made.serving.wait()
        made.wait_until_empty()
        made.start()
        made.stop()
        made.wait_until_empty()
