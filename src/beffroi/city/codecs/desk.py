"""Running scripts on frames: many at once, and one that misbehaves is left aside for a while."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from beffroi.city.codecs.services import hold_until
from beffroi.city.codecs.town_contracts import FAULTS_BEFORE_HOLD, ScriptText
from beffroi.kernel.clock import now

HELD = "codec.held"
STOPPED = frozenset({"codec.timeout", "codec.memory", "codec.crashed"})
"""Faults that cost time to everybody: so many in a row put a script aside."""

TRUSTED_AT_ONCE = 64
"""Frames of one script in one round trip; fewer for one that is new or was stopped lately."""

TROUBLE_EVERY = timedelta(minutes=1)
MAX_REMEMBERED = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One frame, and the script that reads it."""

    script: ScriptText
    payload: bytes
    f_port: int
    observed_at: datetime
    device: str = ""
    territory_id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a script made of a frame: ``data``, or a fault as an English sentence with fields.

    ``line`` is where in the script the fault is, when that is known.
    """

    data: Mapping[str, Any] | None = None
    code: str = ""
    error: str = ""
    params: Mapping[str, object] = field(default_factory=dict)
    line: int | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What is written of a script that did wrong."""

    territory_id: int
    codec_key: str
    sha256: str
    faults: int
    holds: int
    code: str
    error: str
    params: Mapping[str, object]
    at: datetime
    held_until: datetime | None = None


Run = Callable[[Sequence[Job]], Sequence[Ran]]


class ScriptDesk:
    """What one process knows of the scripts that it runs; safe between threads.

    Args:
        run: runs frames in one round trip and answers in their order.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._stops: dict[str, int] = {}
        self._trusted: dict[str, None] = {}
        self._held: dict[str, datetime] = {}
        self._troubles: dict[tuple[int, str], Trouble] = {}
        self._written: dict[tuple[int, str], datetime] = {}

    def run(self, jobs: Sequence[Job]) -> list[Ran]:
        """Run frames; those of a script that is held, or becomes so meanwhile, are left out."""
        with self._lock:
            results: dict[int, Ran] = {}
            waiting = list(enumerate(jobs))
            while waiting:
                waiting = self._round(waiting, results)
            return [results[rank] for rank in range(len(jobs))]

    def troubles_due(self, *, territory_id: int | None = None) -> list[Trouble]:
        """Return what must be written now: a hold at once, the rest at most once a minute.

        With a territory, only what is of it: the rest is left for who acts for the others.
        """
        at = now()
        with self._lock:
            due = [
                key
                for key, trouble in self._troubles.items()
                if territory_id in {None, trouble.territory_id}
                and (
                    trouble.held_until is not None
                    or key not in self._written
                    or at - self._written[key] >= TROUBLE_EVERY
                )
            ]
            if len(self._written) > MAX_REMEMBERED:
                self._written.clear()
            for key in due:
                self._written[key] = at
            return [self._troubles.pop(key) for key in due]

    def _round(
        self, waiting: list[tuple[int, Job]], results: dict[int, Ran]
    ) -> list[tuple[int, Job]]:
        at = now()
        taken: list[tuple[int, Job]] = []
        left: list[tuple[int, Job]] = []
        counts: dict[str, int] = {}
        for rank, job in waiting:
            sha = job.script.sha256
            until = self._held_until(job.script, at)
            if until is not None:
                results[rank] = _held(job.script, until)
                continue
            counts[sha] = counts.get(sha, 0) + 1
            (taken if counts[sha] <= self._at_once(sha) else left).append((rank, job))
        if taken:
            answers = self._run([job for _, job in taken])
            for (rank, job), ran in zip(taken, answers, strict=True):
                results[rank] = ran
                self._note(job, ran, at)
        return left

    def _at_once(self, sha: str) -> int:
        stops = self._stops.get(sha, 0)
        if stops >= FAULTS_BEFORE_HOLD:
            return 1  # its hold has ended: one more try
        if stops:
            return FAULTS_BEFORE_HOLD - stops
        return TRUSTED_AT_ONCE if sha in self._trusted else FAULTS_BEFORE_HOLD

    def _held_until(self, script: ScriptText, at: datetime) -> datetime | None:
        if script.held_until is not None and at < script.held_until:
            # From here on the database says when it ends: somebody may end it before its time.
            self._held.pop(script.sha256, None)
            return script.held_until
        until = self._held.get(script.sha256)
        return until if until is not None and at < until else None

    def _note(self, job: Job, ran: Ran, at: datetime) -> None:
        script = job.script
        if ran.code not in STOPPED:
            self._stops.pop(script.sha256, None)
            if len(self._trusted) > MAX_REMEMBERED:
                self._trusted.clear()
            self._trusted[script.sha256] = None
            if ran.code:
                self._note_trouble(job, ran, at, until=None, holds=0)
            return
        self._trusted.pop(script.sha256, None)
        stops = self._stops[script.sha256] = self._stops.get(script.sha256, 0) + 1
        if stops < FAULTS_BEFORE_HOLD:
            self._note_trouble(job, ran, at, until=None, holds=0)
            return
        until = hold_until(at, holds=script.holds)
        if len(self._held) > MAX_REMEMBERED:
            self._held.clear()
        self._held[script.sha256] = until
        self._note_trouble(job, ran, at, until=until, holds=script.holds + 1)

    def _note_trouble(
        self, job: Job, ran: Ran, at: datetime, *, until: datetime | None, holds: int
    ) -> None:
        key = (job.territory_id, job.script.reference)
        known = self._troubles.get(key)
        fresh = Trouble(
            territory_id=job.territory_id,
            codec_key=job.script.reference,
            sha256=job.script.sha256,
            faults=1,
            holds=holds,
            code=ran.code,
            error=ran.error,
            params=ran.params,
            at=at,
            held_until=until,
        )
        if known is not None and known.sha256 == fresh.sha256:
            fresh = replace(
                fresh,
                faults=known.faults + 1,
                holds=max(known.holds, holds),
                held_until=until or known.held_until,
            )
        self._troubles[key] = fresh


def _held(script: ScriptText, until: datetime) -> Ran:
    return Ran(
        code=HELD,
        error="The script {script} is left aside until {until}: it was stopped too often.",
        params={"script": script.name, "until": until.isoformat(timespec="minutes")},
    )
