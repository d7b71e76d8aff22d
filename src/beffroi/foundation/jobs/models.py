from __future__ import annotations

from django.db import models


class BeatRun(models.Model):
    """The last run of each beat of the pulse; no territory: it is about the installation."""

    key = models.TextField(primary_key=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)
    last_error = models.TextField(default="", blank=True)

    class Meta:
        db_table = "jobs_beat"
