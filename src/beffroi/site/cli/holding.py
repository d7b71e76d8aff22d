"""Holds a data directory and checks a port, so that what is served is served once."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from beffroi.kernel.errors import ConfigurationError
from beffroi.site.cli.words import decimal

ELSEWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, not bound
LOCAL = frozenset({"127.0.0.1", "::1"})
LEAST_OCTETS = 200_000_000
"""Free disk without which the embedded database cannot even be made (it takes 60 MB)."""

LOCK = "serve.lock"
"""File of the data directory that who serves holds; it names the process and the address."""


@contextlib.contextmanager
def held(*, host: str, port: int, needed_octets: int = LEAST_OCTETS) -> Iterator[None]:
    """Hold the data directory while the block serves it on this port.

    The public address follows the port where nobody has named one.

    Raises:
        ConfigurationError: the port is taken, the directory is served already, or its disk has
            less room than is needed.
    """
    os.environ.setdefault("BEFFROI_PUBLIC_URL", f"http://{shown(host)}:{port}")
    folder = Path(os.environ["BEFFROI_DATA_DIR"])
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("a+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise ConfigurationError(
                "{folder} is served already, by the process {pid}.",
                way_out="Use that one, stop it, or name another place with --data-dir.",
                params={"folder": folder, "pid": lock.readline().strip() or "?"},
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n{os.environ['BEFFROI_PUBLIC_URL']}\n")
        lock.flush()
        refuse_taken_port(host, port)
        refuse_full_disk(folder, needed_octets=needed_octets)
        yield


def served_address(folder: Path) -> str:
    """Return the address under which a data directory was last served, or an empty text."""
    try:
        lines = (folder / LOCK).read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return ""
    return lines[1] if len(lines) > 1 else ""


def refuse_taken_port(host: str, port: int, *, patience_s: float = 3.0) -> None:
    """Try to listen there, and leave at once.

    Args:
        host: name or address to listen on.
        port: its port.
        patience_s: how long to wait for a port that a server which was just killed still holds.

    Raises:
        ConfigurationError: another program listens, or this account may not.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    value = {"value": f"{host}:{port}"}
    until = time.monotonic() + patience_s
    try:
        while True:
            try:
                socket.create_server((host, port), family=family).close()
            except OSError as problem:
                if problem.errno != errno.EADDRINUSE or time.monotonic() >= until:
                    raise
                time.sleep(0.1)
            else:
                return
    except OSError as problem:
        if problem.errno == errno.EADDRINUSE:
            raise ConfigurationError(
                "Another program listens on {value} already.",
                way_out="Choose another port: --listen 127.0.0.1:8080 "
                "(make demo LISTEN=127.0.0.1:8080).",
                params=value,
            ) from None
        if problem.errno == errno.EACCES:
            raise ConfigurationError(
                "This account may not listen on {value}.",
                way_out="Choose a port above 1023; a reverse proxy takes 80 and 443.",
                params=value,
            ) from None
        raise ConfigurationError(
            "{value} is no address of this machine.",
            way_out="Write it as 127.0.0.1:8000.",
            params=value,
        ) from None


def refuse_full_disk(folder: Path, *, needed_octets: int) -> None:
    """Look whether a disk has the room that is needed.

    Raises:
        ConfigurationError: it has not.
    """
    free = shutil.disk_usage(folder).free
    if free < needed_octets:
        raise ConfigurationError(
            "{free} GB are free in {folder}, and {needed} are needed.",
            way_out="Make room, or name another place with --data-dir.",
            params={
                "free": decimal(free / 1e9),
                "folder": folder,
                "needed": decimal(needed_octets / 1e9),
            },
        )


def shown(host: str) -> str:
    """Return a host as people of this machine call it."""
    return "localhost" if host in ELSEWHERE | LOCAL else host
