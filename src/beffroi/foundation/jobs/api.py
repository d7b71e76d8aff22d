"""What other rooms may use of jobs."""

from __future__ import annotations

from beffroi.foundation.jobs.contracts import Beat, BeatState, Loop
from beffroi.foundation.jobs.pulse import beat_states, declared_beats, run_due, run_pulse
from beffroi.foundation.jobs.worker import declared_loops, job, run_worker

__all__ = [
    "Beat",
    "BeatState",
    "Loop",
    "beat_states",
    "declared_beats",
    "declared_loops",
    "job",
    "run_due",
    "run_pulse",
    "run_worker",
]
