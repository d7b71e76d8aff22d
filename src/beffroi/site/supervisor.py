"""Starts the processes of an installation, keeps them alive, stops them in order."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from beffroi.kernel.errors import ConfigurationError
from beffroi.site.cli.words import decimal
from beffroi.site.cli.words import gettext as _

STOP_PATIENCE_S = 20.0
FIRST_BACK_OFF_S = 0.5
LONGEST_BACK_OFF_S = 30.0
STEADY_AFTER_S = 60.0
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessPlan:
    """One process to keep alive.

    Attributes:
        arguments: words after ``beffroi`` on its command line.
        socket: Unix socket or ``(host, port)`` that answers once it is ready, or None.
        detail: what its line says.
    """

    name: str
    arguments: tuple[str, ...]
    socket: Path | tuple[str, int] | None = None
    detail: str = ""


@dataclass(slots=True)
class _Running:
    plan: ProcessPlan
    process: subprocess.Popen[bytes]
    started_at: float
    back_off_s: float = FIRST_BACK_OFF_S
    restart_at: float | None = field(default=None)


class Supervisor:
    """Parent of the processes of one installation."""

    def __init__(self, *, report: Callable[[str, str, str], None]) -> None:
        self._report = report
        self._running: list[_Running] = []
        self._stop = threading.Event()

    def start(self, plans: Sequence[ProcessPlan], *, ready_within_s: float = 60.0) -> None:
        """Start every process and wait until each answers.

        Raises:
            ConfigurationError: one of them ends, or does not answer in time.
        """
        started = [_Running(plan, _spawn(plan), time.monotonic()) for plan in plans]
        self._running += started
        for running in started:
            self._wait_ready(running, until=time.monotonic() + ready_within_s)

    def watch(self, *, also: Callable[[], None] = lambda: None) -> None:
        """Keep the processes alive until :meth:`ask_to_stop`; ``also`` is called each turn."""
        while not self._stop.wait(0.3):
            also()
            for running in self._running:
                self._look_after(running)

    def ask_to_stop(self, *_signal: object) -> None:
        """Make :meth:`watch` return; safe to call from a signal handler."""
        self._stop.set()

    def stop(self) -> None:
        """Stop the processes, the last started first, and reap them all."""
        for running in reversed(self._running):
            if running.process.poll() is None:
                running.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_PATIENCE_S
        for running in reversed(self._running):
            try:
                running.process.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                running.process.kill()
                running.process.wait()
        self._running.clear()

    def _wait_ready(self, running: _Running, *, until: float) -> None:
        plan = running.plan
        while plan.socket is not None and not _answers(plan.socket):
            if running.process.poll() is not None or time.monotonic() > until:
                raise ConfigurationError(
                    "The process {name} does not start.",
                    way_out="Its own lines above say why; `beffroi doctor` checks the rest.",
                    params={"name": plan.name},
                )
            if self._stop.wait(0.05):
                return
        self._report(plan.name, _("ready"), plan.detail)

    def _look_after(self, running: _Running) -> None:
        now = time.monotonic()
        if running.restart_at is not None:
            if now >= running.restart_at:
                running.process = _spawn(running.plan)
                running.started_at, running.restart_at = now, None
                self._report(running.plan.name, _("restarted"), running.plan.detail)
            return
        status = running.process.poll()
        if status is None:
            return
        if now - running.started_at > STEADY_AFTER_S:
            running.back_off_s = FIRST_BACK_OFF_S
        running.restart_at = now + running.back_off_s
        self._report(
            running.plan.name,
            _("stopped"),
            _("exit status {status}; starts again in {seconds} s").format(
                status=status, seconds=decimal(running.back_off_s)
            ),
        )
        running.back_off_s = min(LONGEST_BACK_OFF_S, running.back_off_s * 2)


def _spawn(plan: ProcessPlan) -> subprocess.Popen[bytes]:
    if isinstance(plan.socket, Path):
        plan.socket.unlink(missing_ok=True)
    return subprocess.Popen(  # noqa: S603 - our own interpreter, arguments of our own plans
        [sys.executable, "-m", "beffroi", *plan.arguments],
        preexec_fn=_die_with_parent,  # noqa: PLW1509 - one system call, before any thread exists
        process_group=0,
    )


def _die_with_parent() -> None:
    """Ask the kernel to end this process if its parent is killed: nothing is left running."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() == 1:
            os._exit(1)


def _answers(address: Path | tuple[str, int]) -> bool:
    with contextlib.suppress(OSError):
        if isinstance(address, Path):
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(1)
                probe.connect(str(address))
                return True
        with socket.create_connection(address, timeout=1):
            return True
    return False
