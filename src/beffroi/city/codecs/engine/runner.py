"""Runs calls of scripts in worker processes, whatever the scripts do."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import TracebackType
from typing import Any, Self
from zlib import crc32

from beffroi.city.codecs.engine.answers import outcome_of
from beffroi.city.codecs.engine.contracts import (
    FUNCTIONS,
    STOPPED,
    Problem,
    ScriptCall,
    ScriptOutcome,
)
from beffroi.city.codecs.engine.process import Limits, WireCall, WorkerDied, WorkerProcess

BATCH = 256
"""Calls in one round trip."""

STOPS_IN_A_RUN = 3
"""A script stopped so many times in one run is not tried again in that run."""

MAX_SOURCE = 2 * 1024 * 1024
_SOURCES_HELD = 32 * 1024 * 1024


class ScriptRunner:
    """Runs scripts in a number of processes that are started beforehand; safe between threads.

    A device always goes to the same process, so that its compiled script is found there. One spare
    process waits, ready, for one that must be ended.

    Args:
        workers: processes; 1 suits a process of the city, more the import of a large repository.
        limits: what a call may use; None takes the usual limits.
        wall_s, memory_mb: replace two of them.
    """

    def __init__(
        self,
        *,
        workers: int = 1,
        limits: Limits | None = None,
        wall_s: float | None = None,
        memory_mb: int | None = None,
    ) -> None:
        limits = limits or Limits()
        if wall_s is not None:
            limits = replace(
                limits,
                wall_s=wall_s,
                hard_s=min(limits.hard_s, wall_s * 0.6),
                soft_s=min(limits.soft_s, wall_s * 0.3),
            )
        if memory_mb is not None:
            limits = replace(
                limits, memory_mb=memory_mb, context_mb=min(limits.context_mb, memory_mb // 4)
            )
        self._spares = _Spares(limits)
        self._lanes = [_Lane(self._spares) for _ in range(max(1, workers))]
        self._threads = (
            ThreadPoolExecutor(len(self._lanes), thread_name_prefix="codecs")
            if len(self._lanes) > 1
            else None
        )

    def run(self, calls: Sequence[ScriptCall]) -> list[ScriptOutcome]:
        """Run calls and return what came of each, in their order; raises nothing for a script."""
        outcomes: list[ScriptOutcome | None] = [None] * len(calls)
        by_lane: list[list[int]] = [[] for _ in self._lanes]
        wires: dict[int, tuple[str, WireCall]] = {}
        for rank, call in enumerate(calls):
            wire = _wire_of(call)
            if isinstance(wire, ScriptOutcome):
                outcomes[rank] = wire
                continue
            wires[rank] = (call.source, wire)
            by_lane[crc32((call.context or str(rank)).encode()) % len(self._lanes)].append(rank)
        jobs = [(lane, ranks) for lane, ranks in zip(self._lanes, by_lane, strict=True) if ranks]
        if self._threads is None or len(jobs) == 1:
            for lane, ranks in jobs:
                lane.run(ranks, wires, calls, outcomes)
        else:
            waiting = [
                self._threads.submit(lane.run, ranks, wires, calls, outcomes)
                for lane, ranks in jobs
            ]
            for job in waiting:
                job.result()
        return [outcome or ScriptOutcome(problem=Problem.CRASH) for outcome in outcomes]

    def close(self) -> None:
        """End every process."""
        if self._threads is not None:
            self._threads.shutdown()
        for lane in self._lanes:
            lane.close()
        self._spares.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Spares:
    """One process started ahead of need."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._lock = threading.Lock()
        self._waiting: WorkerProcess | None = WorkerProcess(limits)
        self._is_closed = False

    def take(self) -> WorkerProcess:
        with self._lock:
            taken, self._waiting = self._waiting, None
        if taken is None:
            taken = WorkerProcess(self.limits)
        with self._lock:
            if self._waiting is None and not self._is_closed:
                self._waiting = WorkerProcess(self.limits)
        return taken

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            if self._waiting is not None:
                self._waiting.end()
                self._waiting = None


class _Lane:
    """One worker process after another, and which scripts the present one has been given."""

    def __init__(self, spares: _Spares) -> None:
        self._spares = spares
        self._lock = threading.Lock()
        self._worker: WorkerProcess | None = None
        self._numbers: dict[str, int] = {}
        self._held = 0
        self._next = 0

    def run(
        self,
        ranks: Sequence[int],
        wires: Mapping[int, tuple[str, WireCall]],
        calls: Sequence[ScriptCall],
        outcomes: list[ScriptOutcome | None],
    ) -> None:
        """Answer the calls of these ranks."""
        stops: Counter[str] = Counter()
        with self._lock:
            waiting = list(ranks)
            at_once = False
            while waiting:
                batch: list[int] = []
                while waiting and len(batch) < (1 if stops else BATCH):
                    rank = waiting.pop(0)
                    source = wires[rank][0]
                    if stops[source] >= STOPS_IN_A_RUN:
                        outcomes[rank] = ScriptOutcome(
                            problem=Problem.TIME,
                            detail="stopped too often on the frames before this one",
                        )
                    else:
                        batch.append(rank)
                answers, died = self._ask(batch, wires, at_once=at_once)
                for rank, (kind, text) in zip(batch, answers, strict=False):
                    outcome = outcome_of(calls[rank], kind=kind, text=text)
                    outcomes[rank] = outcome
                    if outcome.problem in STOPPED:
                        stops[wires[rank][0]] += 1
                if died is not None:
                    culprit = batch[died.culprit]
                    outcomes[culprit] = ScriptOutcome(
                        problem=died.problem, detail="the process that ran it was ended"
                    )
                    stops[wires[culprit][0]] += 1
                    # What this worker had not answered is asked of the next one.
                    at_once = True
                    waiting = [rank for rank in batch if outcomes[rank] is None] + waiting

    def close(self) -> None:
        with self._lock:
            if self._worker is not None:
                self._worker.end()
                self._worker = None

    def _ask(
        self, batch: Sequence[int], wires: Mapping[int, tuple[str, WireCall]], *, at_once: bool
    ) -> tuple[list[tuple[bytes, bytes]], WorkerDied | None]:
        if not batch:
            return [], None
        if self._worker is None:
            self._worker = self._spares.take()
            self._numbers.clear()
            self._held = 0
        forget = self._held > _SOURCES_HELD
        if forget:
            self._numbers.clear()
            self._held = 0
        fresh: dict[int, str] = {}
        asked: list[WireCall] = []
        for rank in batch:
            source, wire = wires[rank]
            number = self._numbers.get(source)
            if number is None:
                self._next += 1
                number = self._numbers[source] = self._next
                fresh[number] = source
                self._held += len(source)
            asked.append((number, *wire[1:]))
        try:
            answers = self._worker.ask(asked, sources=fresh, forget=forget, at_once=at_once)
        except WorkerDied as died:
            self._worker = None
            return died.answers, died
        return answers, None


def _wire_of(call: ScriptCall) -> WireCall | ScriptOutcome:
    if call.function not in FUNCTIONS:
        return ScriptOutcome(problem=Problem.MISSING_FUNCTION, detail=call.function)
    if len(call.source) > MAX_SOURCE:
        return ScriptOutcome(problem=Problem.SYNTAX, detail="the script is too long")
    try:
        given = _json_of(call.input)
        # Lone surrogates cannot be written to the worker.
        call.source.encode()
        given.encode()
    except (TypeError, ValueError, RecursionError) as problem:
        return ScriptOutcome(problem=Problem.THROWN, detail=f"the input is not JSON: {problem}")
    return (0, call.context, call.function, str(call.dialect), given)


def _json_of(given: Mapping[str, Any]) -> str:
    octets = given.get("bytes")
    if isinstance(octets, bytes | bytearray | memoryview):
        given = {**given, "bytes": list(octets)}
    return json.dumps(given, separators=(",", ":"), ensure_ascii=False)
