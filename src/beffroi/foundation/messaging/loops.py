"""What a worker does for this room beside its jobs."""

from __future__ import annotations

from beffroi.foundation.jobs.api import Loop
from beffroi.foundation.messaging.sending import run_sender

LOOPS = (Loop(key="messaging.sender", run=run_sender),)
