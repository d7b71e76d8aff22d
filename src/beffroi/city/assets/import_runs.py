"""What is known of imports: those done, those under way, those given up."""

from __future__ import annotations

from dataclasses import fields
from typing import Any
from uuid import UUID

from beffroi.city.assets.contracts import UpsertCounts
from beffroi.city.assets.import_contracts import (
    Absent,
    AbsentAssets,
    FindingView,
    ImportOptions,
    ImportReport,
    RowRefusal,
)
from beffroi.city.assets.models import ImportRun
from beffroi.kernel.errors import NotFound

MAX_NAMES = 20


class ImportNotFound(NotFound):
    """No such import in the territory."""

    code = "import.not_found"


def import_get(uuid: UUID) -> ImportReport:
    """Return what an import did, does or would do.

    Raises:
        ImportNotFound: there was none.
    """
    run = ImportRun.objects.filter(uuid=uuid).first()
    if run is None:
        raise ImportNotFound("There is no such import here.")
    return run_report(run)


def imports_recent(*, limit: int = 20) -> list[ImportReport]:
    """Return the last imports, latest first, without their refusals; trials are left out."""
    runs = ImportRun.objects.filter(trial=False).defer("refusals").order_by("-started_at")
    return [run_report(run, refusals=False) for run in runs[:limit]]


def import_latest(*, type_key: str, file_name: str) -> ImportReport | None:
    """Return the last import of this type, of a file of this name if there was one."""
    runs = ImportRun.objects.filter(
        trial=False, failure={}, finished_at__isnull=False, type_key=type_key
    ).order_by("-started_at")
    run = runs.filter(file_name=file_name[:255]).first() or runs.first()
    return None if run is None else run_report(run)


def files_of_type(type_key: str) -> list[str]:
    """Return the names of the files that assets of a type came from, latest first."""
    runs = ImportRun.objects.filter(trial=False, failure={}, type_key=type_key)
    names = runs.order_by("-started_at").values_list("file_name", flat=True)
    return list(dict.fromkeys(names))[:MAX_NAMES]


def run_report(run: ImportRun, *, refusals: bool = True) -> ImportReport:
    """Return the contract of a record."""
    return ImportReport(
        uuid=run.uuid,
        file_name=run.file_name,
        type_key=run.type_key,
        findings=tuple(FindingView(**finding) for finding in run.findings),
        mapping=run.mapping,
        counts=UpsertCounts(
            created=run.created_count,
            updated=run.updated_count,
            unchanged=run.unchanged_count,
            restored=run.restored_count,
        ),
        refused=run.refused_count,
        dropped=run.dropped_count,
        doubts=run.doubt_count,
        refusals=tuple(RowRefusal(**item) for item in run.refusals) if refusals else (),
        seconds=run.seconds,
        dry_run=run.trial,
        started_at=run.started_at,
        finished_at=run.finished_at,
        options=options_read(run.options),
        absent=AbsentAssets(count=run.absent_count, first=tuple(run.absent)),
        failure=run.failure,
        chosen=run.options.get("mapping", {}),
        upload=run.upload_uuid,
    )


def options_read(stored: dict[str, Any]) -> ImportOptions:
    """Return options as they were stored; what this version does not know is left out."""
    known = {item.name for item in fields(ImportOptions)}
    given = {key: value for key, value in stored.items() if key in known}
    if "absent" in given:
        given["absent"] = Absent(given["absent"])
    return ImportOptions(**given)
