"""Processes under measure: starting them, and what CPU they took."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from beffroi.city.ingest.bench.http_load import Job, Result

_TICKS = os.sysconf("SC_CLK_TCK")
START_S = 60.0


@contextmanager
def servers(
    arguments: Sequence[str], *, count: int, ready: str, environment: dict[str, str]
) -> Iterator[list[tuple[int, int]]]:
    """Run so many of one server; yields port and process of each.

    Args:
        arguments: of this interpreter; ``{port}`` stands for the port of each.
        count: how many.
        ready: a path that answers once the server serves.
        environment: added to this process's own.
    """
    running: list[tuple[int, subprocess.Popen[bytes]]] = []
    try:
        for _ in range(count):
            port = _free_port()
            command = [sys.executable, *(part.format(port=port) for part in arguments)]
            process = subprocess.Popen(command, env={**os.environ, **environment})  # noqa: S603 - our own
            running.append((port, process))
        for port, process in running:
            _wait(port, process, ready)
        yield [(port, process.pid) for port, process in running]
    finally:
        for _, process in running:
            process.send_signal(signal.SIGTERM)
        for _, process in running:
            _end(process)


@contextmanager
def running_process(arguments: Sequence[str], environment: dict[str, str]) -> Iterator[int]:
    """Run one process of this interpreter; yields its number."""
    process = subprocess.Popen(  # noqa: S603 - our own
        [sys.executable, *arguments], env={**os.environ, **environment}
    )
    try:
        yield process.pid
    finally:
        _end(process)


def send(job: Job) -> Result:
    """Run a load in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "beffroi.city.ingest.bench.http_load"],
        input=msgspec.json.encode(job) + b"\n",
        stdout=subprocess.PIPE,
        check=True,
    )
    return msgspec.json.decode(done.stdout, type=Result)


def cpu_of(pids: Sequence[int]) -> float:
    """Return the seconds of CPU that processes have taken."""
    return sum(sum(_times(pid)[:2]) for pid in pids)


def cpu_of_server(postmaster: int) -> float:
    """Return the seconds of CPU of a PostgreSQL server, with those of processes that have ended."""
    total = sum(_times(postmaster))
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _parent(int(entry.name)) == postmaster:
            total += sum(_times(int(entry.name))[:2])
    return total


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _times(pid: int) -> tuple[float, float, float, float]:
    fields = _stat(pid)
    if fields is None:
        return (0.0, 0.0, 0.0, 0.0)
    user, system, ended_user, ended_system = (int(field) / _TICKS for field in fields[11:15])
    return user, system, ended_user, ended_system


def _parent(pid: int) -> int:
    fields = _stat(pid)
    return 0 if fields is None else int(fields[1])


def _stat(pid: int) -> list[str] | None:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def _wait(port: int, process: subprocess.Popen[bytes], path: str) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"the server under measure ended with {process.returncode}")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            connection.request("GET", path)
            if b'"listening":false' not in connection.getresponse().read():
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.05)
    raise RuntimeError("the server under measure does not start")
