"""Other processes that the tests start, kill and watch."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from beffroi.foundation.database.cluster import known_place
from beffroi.foundation.database.operating_system import Account, can_reach, processes_inside

SERVING = """
import sys
from pathlib import Path
from beffroi.foundation.database.serving import serve_child
serve_child(Path(sys.argv[1]), with_parent=False, ready=lambda urls: print("ready", flush=True))
"""
HOLDING = """
import sys
from pathlib import Path
from beffroi.foundation.database.embedded import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]))
server.start()
print("ready", flush=True)
sys.stdin.read()
server.stop()
"""


@contextmanager
def running(
    program: str, data_dir: Path, *, account: Account | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Run a program until it says that it is ready; kill it afterwards if it is still there."""
    interpreter = interpreter_for(account)
    assert interpreter is not None
    process = subprocess.Popen(  # noqa: S603 - programs written here
        [interpreter, "-c", program, str(data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.wait()
        assert all_ended(known_place(data_dir).cluster)
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            stream.close()


def interpreter_for(account: Account | None) -> str | None:
    """Return a Python of this version that an account can run."""
    system = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, system):
        if account is None or can_reach(Path(candidate), account=account):
            return candidate
    return None


def ended(pid: int, *, within_s: float) -> bool:
    """Wait for a process that is not our child to end; the kernel says when."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], within_s)[0])
    finally:
        os.close(descriptor)


def all_ended(directory: Path, *, within_s: float = 20) -> bool:
    """Wait for every process of a cluster to end."""
    return all(ended(pid, within_s=within_s) for pid in processes_inside(directory))
