"""What of the assets goes on behind a page."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from beffroi.city.assets.import_jobs import import_perform
from beffroi.foundation.jobs.api import job


@job(retry=0)
def file_import(
    *,
    territory_id: int,
    run: str,
    mapping: Mapping[str, str],
    expected_absent: int | None = None,
) -> None:
    """Import a file that is too large for a page to wait for; doing it twice changes nothing."""
    del territory_id
    import_perform(UUID(run), mapping=mapping, expected_absent=expected_absent)
