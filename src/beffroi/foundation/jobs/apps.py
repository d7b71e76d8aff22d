from __future__ import annotations

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Background jobs (procrastinate) and the pulse's timers."""

    name = "beffroi.foundation.jobs"
    label = "jobs"
