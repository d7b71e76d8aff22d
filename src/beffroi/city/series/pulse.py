"""What the pulse does for series."""

from __future__ import annotations

from datetime import datetime, timedelta

from beffroi.city.series import api
from beffroi.foundation.jobs.api import Beat


def _maintain(at: datetime) -> str:
    report = api.series_maintain(at)
    if report.failed:
        raise api.MaintenanceFailed(
            "Not everything was done: {report}.", params={"report": report.sentence()}
        )
    return report.sentence()


BEATS = (Beat(key="series.maintain", every=timedelta(minutes=5), run=_maintain),)
