"""From frames to the engine and back: what the desk of this process runs scripts with."""

from __future__ import annotations

import atexit
import re
from collections.abc import Mapping, Sequence
from functools import cache
from threading import Lock
from typing import Any

from beffroi.city.codecs.desk import Job, Ran, ScriptDesk
from beffroi.city.codecs.engine.contracts import (
    DECODE_UPLINK,
    Problem,
    ScriptCall,
    ScriptOutcome,
)
from beffroi.city.codecs.engine.runner import ScriptRunner
from beffroi.sdk.declarations import translatable

_ = translatable

_LINE = re.compile(r"(?:line |:)(\d{1,6})\b")
MAX_DETAIL = 300

_SENTENCES = {
    Problem.SYNTAX: ("codec.syntax", _("The script {script} is not valid JavaScript: {detail}")),
    Problem.MISSING_FUNCTION: (
        "codec.function",
        _("The script {script} has no function decodeUplink."),
    ),
    Problem.THROWN: ("codec.failed", _("The script {script} failed: {detail}")),
    Problem.TIME: (
        "codec.timeout",
        _("The script {script} took too long on this frame and was stopped."),
    ),
    Problem.MEMORY: (
        "codec.memory",
        _("The script {script} wanted too much memory for this frame and was stopped."),
    ),
    Problem.CRASH: (
        "codec.crashed",
        _("The script {script} brought down the process that ran it; that process was replaced."),
    ),
    Problem.OUTPUT: (
        "codec.output",
        _("What the script {script} returned for this frame cannot be read: {detail}"),
    ),
}
"""What each problem of the engine is called, and said as."""

REFUSED = _("The script {script} does not recognise this frame: {detail}")


def call_of(job: Job) -> ScriptCall:
    """Return what the engine is asked for a frame."""
    return ScriptCall(
        source=job.script.source,
        function=DECODE_UPLINK,
        context=f"{job.territory_id}/{job.device}" if job.device else "",
        input={
            "bytes": job.payload,
            "fPort": job.f_port,
            "recvTime": job.observed_at.isoformat().replace("+00:00", "Z"),
        },
        dialect=job.script.dialect,
    )


def ran_of(job: Job, outcome: ScriptOutcome) -> Ran:
    """Return what came of a frame, a fault in plain words."""
    script = job.script.name
    if outcome.problem is not Problem.NONE:
        code, sentence = _SENTENCES[outcome.problem]
        detail = " ".join(outcome.detail.split())[:MAX_DETAIL]
        return Ran(
            code=code,
            error=sentence,
            params={"script": script, "detail": detail},
            line=line_of(outcome.detail),
        )
    warnings = tuple(warning[:MAX_DETAIL] for warning in outcome.warnings[:10])
    if outcome.errors:
        detail = "; ".join(outcome.errors)[:MAX_DETAIL]
        return Ran(
            code="codec.refused",
            error=REFUSED,
            params={"script": script, "detail": detail},
            warnings=warnings,
        )
    data: Mapping[str, Any] = outcome.data or {}
    return Ran(data=data, warnings=warnings)


def line_of(detail: str) -> int | None:
    """Return the line that JavaScript names in what it says of a fault, or None."""
    found = _LINE.search(detail)
    return None if found is None else int(found[1])


class EngineDoor:
    """The engine, started when the first frame comes; one thread at a time."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._runner: ScriptRunner | None = None

    def __call__(self, jobs: Sequence[Job]) -> list[Ran]:
        """Run frames in one round trip."""
        with self._lock:
            if self._runner is None:
                self._runner = ScriptRunner()
                atexit.register(self.close)
            outcomes = self._runner.run([call_of(job) for job in jobs])
        return [ran_of(job, outcome) for job, outcome in zip(jobs, outcomes, strict=True)]

    def close(self) -> None:
        """Stop the engine's processes; the next frame starts new ones."""
        with self._lock:
            if self._runner is not None:
                self._runner.close()
                self._runner = None
                atexit.unregister(self.close)


@cache
def engine_door() -> EngineDoor:
    """Return the engine of this process."""
    return EngineDoor()


@cache
def process_desk() -> ScriptDesk:
    """Return the desk of this process, for pages, jobs and commands."""
    return ScriptDesk(engine_door())
