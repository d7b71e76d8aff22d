"""A server, a town, ingest processes and senders: what the tests of faults break."""

from __future__ import annotations

import http.client
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from itertools import count
from pathlib import Path

import psycopg
from history import History, Verdict, verdict
from installation import free_port, patiently

from beffroi.city.ingest.bench.messages import frame
from beffroi.city.ingest.bench.town import Door, furnish
from beffroi.foundation.database.connection import url_with
from beffroi.foundation.database.contracts import DEFAULT_DATABASE
from beffroi.foundation.database.embedded import EmbeddedServer
from beffroi.kernel.clock import epoch_ms, now

DEVICES = 50
SENDERS = 8
TIMEOUT_S = 10
HERE = Path(__file__).parent


class Scene:
    """One database and the ingest processes over it; everything in it can be killed.

    Args:
        folder: of the cluster; it must be durable for what a test proves.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = EmbeddedServer(folder / "data")
        urls = self.server.start()
        self.application_url = urls.application
        self.administrator_url = url_with(self.server.administrator_url(), dbname=DEFAULT_DATABASE)
        self.territory_id, self.door, _ = furnish(urls, sensors=DEVICES, stations=1)
        self.ingests: list[Ingest] = []
        self.keys: dict[str, str] = {}
        self.began = now().replace(microsecond=0) - timedelta(hours=3)
        self._numbers = count(1)

    def ingest(self, *, program: str = "", environment: Mapping[str, str] | None = None) -> Ingest:
        """Start one more ingest process.

        Args:
            program: a file of this folder to run instead of the platform's own command.
            environment: added to that of the process.
        """
        started = Ingest(self, program=program, environment=environment or {})
        self.ingests.append(started)
        return started

    def message(self) -> tuple[str, bytes]:
        """Return the name and the body of a message never sent before."""
        number = next(self._numbers)
        device = self.door.devices[number % DEVICES]
        at = self.began + timedelta(milliseconds=number)
        name = f"{device} {epoch_ms(at)}"
        self.keys[name] = f"{device}:{number % 65_536}:{epoch_ms(at)}"
        return name, frame(device, counter=number, at=at)

    def kill_database(self) -> None:
        """Kill -9 every process of the server, and start it again as a supervisor would."""
        postmaster = self.server.status().pid
        if postmaster is None:
            raise AssertionError("the server does not run")
        children = [
            int(entry.name)
            for entry in Path("/proc").iterdir()
            if entry.name.isdigit() and _parent(int(entry.name)) == postmaster
        ]
        for process in (postmaster, *children):
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.server.wait(timeout_s=TIMEOUT_S)
        self.server.start()

    def restart_database(self) -> None:
        """Stop the server in order, ending its connections, and start it again."""
        self.server.stop()
        self.server.start()

    def judge(self, history: History) -> Verdict:
        """Compare what the senders were told with what is stored."""
        history.close()
        with psycopg.connect(self.administrator_url) as admin:
            rows = admin.execute("SELECT key, status FROM ingest_message").fetchall()
            values = [
                f"{row[0]} {row[1]}"
                for row in admin.execute(
                    "SELECT d.identifier, (extract(epoch FROM o.observed_at) * 1000)::bigint"
                    " FROM series_reading o JOIN series_stream s ON s.id = o.stream_id"
                    " JOIN assets_attachment a ON a.asset_id = s.asset_id"
                    " JOIN assets_device d ON d.id = a.device_id"
                    " WHERE s.measure_key = 'temperature_c'"
                )
            ]
        return verdict(
            history.path,
            stored=[key for key, _ in rows],
            quarantined=[key for key, status in rows if status == "quarantined"],
            values=values,
            keys=self.keys,
        )

    def forget(self) -> None:
        """Empty what messages left, for the next test."""
        with psycopg.connect(self.administrator_url, autocommit=True) as admin:
            admin.execute("TRUNCATE ingest_message, series_observation, series_latest")
        self.keys.clear()

    def stop(self) -> None:
        """Stop everything."""
        for ingest in self.ingests:
            ingest.kill()
        self.server.stop()

    def close(self) -> None:
        """Stop everything and remove it."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Ingest:
    """One ingest process, which keeps its port when it is started again."""

    def __init__(self, scene: Scene, *, program: str, environment: Mapping[str, str]) -> None:
        self.port = free_port()
        module = [str(HERE / program)] if program else ["-m", "beffroi", "ingest"]
        self._command = [sys.executable, *module, "--listen", f"127.0.0.1:{self.port}"]
        self._environment = {
            **os.environ,
            "DATABASE_URL": scene.application_url,
            "BEFFROI_DATA_DIR": str(scene.folder),
            **environment,
        }
        self._log = scene.folder / f"ingest-{self.port}.log"
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            process = subprocess.Popen(self._command, env=self._environment, stdout=log, stderr=log)
        for _ in patiently("the door does not answer"):
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)
                connection.request("GET", "/ingest/ready")
                if b'"listening":true' in connection.getresponse().read():
                    return process
            except (OSError, http.client.HTTPException):
                continue
            finally:
                connection.close()
        raise AssertionError("unreachable")

    def kill(self) -> None:
        """Kill -9."""
        self.process.kill()
        self.process.wait()

    def start_again(self) -> None:
        """Start it on the same port."""
        self.process = self._start()


class Sender(threading.Thread):
    """Sends messages one by one as a network server does: again until it is told yes.

    One in ten that it was told yes about is sent once more, to any process; and it holds back some
    messages, so that they do not come in the order of their times.
    """

    def __init__(
        self, rank: int, *, scene: Scene, history: History, new: Callable[[], tuple[str, bytes]]
    ) -> None:
        super().__init__(daemon=True)
        self._rank, self._scene, self._history, self._new = rank, scene, history, new
        self._draw = random.Random(rank)  # noqa: S311 - the same draw at each run
        self.enough = threading.Event()

    def run(self) -> None:
        held: list[tuple[str, bytes]] = []
        former: list[tuple[str, bytes]] = []
        while not self.enough.is_set():
            held.append(self._new())
            if len(held) < 5:
                continue
            message = held.pop(self._draw.randrange(len(held)))
            self._insist(message)
            former.append(message)
            if self._draw.random() < 0.1:
                self._insist(self._draw.choice(former))

    def _insist(self, message: tuple[str, bytes]) -> None:
        name, body = message
        while True:
            ingest = self._draw.choice(self._scene.ingests)
            self._history.note("sent", sender=self._rank, key=name)
            told = _told(ingest.port, self._scene.door, body)
            self._history.note(told, sender=self._rank, key=name)
            if told == "acknowledged" or self.enough.is_set():
                return
            time.sleep(0.02)


def senders(scene: Scene, history: History, *, number: int = SENDERS) -> Sequence[Sender]:
    """Start senders, each with messages of its own."""
    lock = threading.Lock()

    def new() -> tuple[str, bytes]:
        with lock:
            return scene.message()

    started = [Sender(rank, scene=scene, history=history, new=new) for rank in range(number)]
    for sender in started:
        sender.start()
    return started


def wait_for(history: History, more: int) -> None:
    """Wait until so many more messages are acknowledged."""
    wanted = history.acknowledged + more
    for _ in patiently("messages are no longer acknowledged"):
        if history.acknowledged >= wanted:
            return


def end(started: Sequence[Sender]) -> None:
    """Let the senders finish what they began."""
    for sender in started:
        sender.enough.set()
    for sender in started:
        sender.join(TIMEOUT_S * 2)


def _told(port: int, door: Door, body: bytes) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    headers = {"Authorization": f"Bearer {door.secret}", "Content-Type": "application/json"}
    try:
        connection.request("POST", f"{door.target}?event=up", body=body, headers=headers)
        response = connection.getresponse()
        response.read()
    except ConnectionRefusedError:
        return "refused"
    except (OSError, http.client.HTTPException):
        return "unknown"
    finally:
        connection.close()
    return "acknowledged" if response.status == http.client.OK else "refused"


def _parent(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
