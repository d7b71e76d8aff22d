"""One worker process: started with nothing, asked in batches, ended when it does not answer."""

from __future__ import annotations

import contextlib
import importlib.util
import marshal
import mmap
import os
import select
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from beffroi.city.codecs.engine.contracts import Problem

_HERE = Path(__file__).resolve().parent
_HEADER = struct.Struct("<I")
_ANSWER = struct.Struct("<cI")
_COUNTER = struct.Struct("<Q")
_READY = b"+"
_PIECE = 256 * 1024
_LOOKS = 8
"""How often, within the wall-clock limit, the parent looks whether the worker goes on."""

START_S = 20.0
"""A worker that is not ready by then will never be."""

WireCall = tuple[int, str, str, str, str]
"""Number of the source, context, function, dialect, input as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one call and one worker may use.

    Attributes:
        soft_s: seconds of processor time after which JavaScript is interrupted, the worker kept.
        hard_s: the same, after which the kernel ends the worker: for native code that asks nobody.
        wall_s: seconds of clock time after which the parent ends the worker: for code that sleeps.
        context_mb: heap of one device's script.
        memory_mb: address space of a worker.
        contexts: contexts that a worker keeps, at most and as long as there is memory.
        output: characters of JSON that a script may return.
    """

    soft_s: float = 0.35
    hard_s: float = 0.7
    wall_s: float = 1.0
    context_mb: int = 24
    memory_mb: int = 512
    contexts: int = 1_000
    output: int = 256 * 1024


class WorkerDied(Exception):
    """The worker ended, or was ended, in the middle of a batch.

    Attributes:
        answers: those that had arrived.
        culprit: rank in the batch of the call that was running.
        problem: what is told of it.
    """

    def __init__(
        self, answers: list[tuple[bytes, bytes]], *, culprit: int, problem: Problem
    ) -> None:
        super().__init__(problem)
        self.answers = answers
        self.culprit = culprit
        self.problem = problem


class WorkerProcess:
    """A process that runs scripts. Used by one thread at a time."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._asked = 0
        self._is_ready = False
        page = os.memfd_create("beffroi-codecs", os.MFD_CLOEXEC)
        try:
            os.ftruncate(page, mmap.PAGESIZE)
            self._page = mmap.mmap(page, mmap.PAGESIZE)
            self._process = subprocess.Popen(  # noqa: S603 - our own program, by its full path
                [
                    sys.executable,
                    "-I",
                    "-S",
                    str(_HERE / "worker.py"),
                    _extension(),
                    str(_HERE),
                    str(page),
                    str(limits.memory_mb),
                    str(limits.context_mb),
                    str(limits.contexts),
                    str(limits.soft_s),
                    str(limits.hard_s),
                    str(limits.output),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"TZ": "UTC", "LC_ALL": "C.UTF-8"},
                cwd="/",
                close_fds=True,
                pass_fds=(page,),
                start_new_session=True,
                bufsize=0,
            )
        finally:
            os.close(page)

    @property
    def pid(self) -> int:
        """Return its process number."""
        return self._process.pid

    def ask(
        self,
        calls: Sequence[WireCall],
        *,
        sources: Mapping[int, str],
        forget: bool,
        at_once: bool,
    ) -> list[tuple[bytes, bytes]]:
        """Run calls in one round trip; return a letter and a text for each, in order.

        Args:
            calls: as they go over the pipe.
            sources: scripts that this worker has not been given yet, by number.
            forget: the scripts given before are not needed any more.
            at_once: each answer is sent when it is there, so that none is lost with the worker.

        Raises:
            WorkerDied: it ended meanwhile, and is now gone.
        """
        batch = marshal.dumps((forget, dict(sources), list(calls), at_once))
        first = self._asked
        self._asked += len(calls)
        answers: list[tuple[bytes, bytes]] = []
        try:
            if not self._is_ready:
                self._await_ready()
            self._send(_HEADER.pack(len(batch)) + batch)
            self._receive(answers, len(calls))
        except (OSError, EOFError, TimeoutError) as ended:
            begun = int(_COUNTER.unpack_from(self._page, 0)[0])
            status = self.end()
            raise WorkerDied(
                answers,
                culprit=max(0, min(begun - first - 1, len(calls) - 1)),
                problem=_cause(ended, status),
            ) from None
        return answers

    def end(self) -> int:
        """End the process at once; return its status, negative for a signal."""
        with contextlib.suppress(OSError):
            self._process.kill()
        status = self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        with contextlib.suppress(BufferError, ValueError):
            self._page.close()
        return status

    def _await_ready(self) -> None:
        if self._read(START_S, 1) != _READY:
            raise EOFError
        self._is_ready = True

    def _send(self, octets: bytes) -> None:
        assert self._process.stdin is not None  # noqa: S101 - it was asked for
        view = memoryview(octets)
        number = self._process.stdin.fileno()
        while view:
            view = view[os.write(number, view) :]

    def _receive(self, answers: list[tuple[bytes, bytes]], count: int) -> None:
        held = bytearray()
        place = 0
        while len(answers) < count:
            while len(held) - place >= _ANSWER.size:
                kind, size = _ANSWER.unpack_from(held, place)
                if len(held) - place - _ANSWER.size < size:
                    break
                start = place + _ANSWER.size
                answers.append((kind, bytes(held[start : start + size])))
                place = start + size
            if len(answers) < count:
                held += self._read_on()

    def _read_on(self) -> bytes:
        """Read what comes; give up when one and the same call takes the whole limit."""
        stuck_since = time.monotonic()
        seen = self._page[: _COUNTER.size]
        while True:
            piece = self._read(self.limits.wall_s / _LOOKS, _PIECE)
            if piece is not None:
                return piece
            if self._page[: _COUNTER.size] != seen:
                seen = self._page[: _COUNTER.size]
                stuck_since = time.monotonic()
            elif time.monotonic() - stuck_since >= self.limits.wall_s * (1 - 1 / _LOOKS):
                raise TimeoutError

    def _read(self, seconds: float, size: int) -> bytes | None:
        """Return what is there, or None when nothing came in time.

        Raises:
            EOFError: the process is gone.
        """
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        number = self._process.stdout.fileno()
        poll = select.poll()
        poll.register(number, select.POLLIN | select.POLLHUP)
        if not poll.poll(seconds * 1_000):
            return None
        piece = os.read(number, size)
        if not piece:
            raise EOFError
        return piece


def _cause(ended: Exception, status: int) -> Problem:
    if isinstance(ended, TimeoutError) or status in {-signal.SIGPROF, -signal.SIGXCPU}:
        return Problem.TIME
    return Problem.CRASH


def _extension() -> str:
    found = importlib.util.find_spec("_quickjs")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("_quickjs")
    return found.origin
