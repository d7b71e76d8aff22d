"""A whole installation in a folder of its own, started, broken and examined by tests."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

BEFFROI = Path(sys.executable).parent / "beffroi"
PATIENCE_S = 300.0


class Installation:
    """One data directory, and the processes that `beffroi serve` runs over it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.environment = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("BEFFROI_", "DATABASE_"))
        } | {"BEFFROI_DATA_DIR": str(folder), "BEFFROI_WEB_WORKERS": "1"}
        self.serving: subprocess.Popen[bytes] | None = None

    def run(self, *arguments: str) -> str:
        """Run one command and return what it printed."""
        done = subprocess.run(
            [str(BEFFROI), *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
        if done.returncode:
            raise AssertionError(f"beffroi {arguments}: {done.stdout}{done.stderr}")
        return done.stdout

    def start(self) -> None:
        """Start `beffroi serve` and wait until the ingest door answers."""
        with (self.folder / "serve.log").open("ab") as log:
            self.serving = subprocess.Popen(
                [str(BEFFROI), "serve", "--listen", f"127.0.0.1:{self.port}"],
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Wait until the ingest door answers."""
        for _ in patiently(f"{self.folder}: the door does not answer"):
            try:
                if self.get("/ingest/ready") == http.client.OK:
                    return
            except (OSError, http.client.HTTPException):
                continue

    def get(self, path: str) -> int:
        """Return the status of a GET."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        finally:
            connection.close()

    def source(self) -> tuple[str, str]:
        """Open a plain JSON source and return its path and secret."""
        out = self.run("sources", "create", "plain_json", "essai")
        path = re.search(r"(/ingest/plain_json/\S+)", out)
        secret = re.search(r"secret\s+(\S+)", out)
        if path is None or secret is None:
            raise AssertionError(out)
        return path.group(1), secret.group(1)

    def post(self, path: str, secret: str, message: dict[str, object]) -> int:
        """Send one message and return the status; a cut connection is an OSError."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(
                "POST",
                path,
                body=json.dumps(message).encode(),
                headers={
                    "Authorization": f"Bearer {secret}",
                    "Content-Type": "application/json",
                },
            )
            response = connection.getresponse()
            response.read()
        finally:
            connection.close()
        return response.status

    def processes(self) -> dict[int, str]:
        """Return the processes whose environment or command names this folder."""
        found: dict[int, str] = {}
        mark = str(self.folder).encode()
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                command = (entry / "cmdline").read_bytes()
                environment = (entry / "environ").read_bytes()
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if state != "Z" and (mark in command or b"BEFFROI_DATA_DIR=" + mark in environment):
                found[int(entry.name)] = command.replace(b"\0", b" ").decode()
        return found

    def kill(self, name: str) -> int:
        """Kill -9 every process of one command of this installation; return how many."""
        killed = 0
        for process, command in self.processes().items():
            if f"-m beffroi {name} " in command or command.startswith(f"postgres: {name}"):
                os.kill(process, signal.SIGKILL)
                killed += 1
        return killed

    def kill_database(self) -> int:
        """Kill -9 every process of the embedded server."""
        killed = 0
        for process, command in self.processes().items():
            if "postgres" in command.partition(" ")[0]:
                try:
                    os.kill(process, signal.SIGKILL)
                except ProcessLookupError:
                    continue
                killed += 1
        return killed

    def stop(self) -> None:
        """Stop in order."""
        if self.serving is not None and self.serving.poll() is None:
            self.serving.terminate()
            self.serving.wait(timeout=PATIENCE_S)

    def wait_until_empty(self) -> None:
        """Wait until no process of this installation is left."""
        for _ in patiently(f"still running: {self.processes()}"):
            if not self.processes():
                return


def patiently(complaint: str) -> Iterator[None]:
    """Give turns until patience ends; a real process is watched, so waiting is by the clock."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        yield
        time.sleep(0.1)
    raise AssertionError(complaint)


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
