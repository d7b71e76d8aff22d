"""Imports that pages ask for: small files at once, large ones as a job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from uuid import UUID

from django.db import transaction

from beffroi.city.assets import tasks
from beffroi.city.assets.import_contracts import ImportOptions, ImportReport
from beffroi.city.assets.import_jobs import import_now
from beffroi.city.assets.import_runs import import_get
from beffroi.city.assets.models import ImportRun
from beffroi.city.assets.uploads import upload_get
from beffroi.foundation.database.api import current_user_id, required_territory_id

AT_ONCE_BYTES = 400_000
"""Of a larger file a page does not wait for the import: about ten thousand rows, two seconds."""


@transaction.atomic
def import_start(
    upload: UUID,
    *,
    mapping: Mapping[str, str],
    options: ImportOptions,
    trial: bool = False,
    expected_absent: int | None = None,
) -> ImportReport:
    """Import an uploaded file, now or as soon as a worker is free; return how far it is.

    Args:
        upload: the file, of the acting person.
        mapping: column to target, where it differs from the proposal.
        options: choices of the person.
        trial: count only; the file stays, to be imported afterwards.
        expected_absent: see :func:`~.importing.import_run`.

    Raises:
        ImportNotFound: the file is not there any more.
        BeffroiError: a small file is refused.
    """
    kept = upload_get(upload)
    run = ImportRun.objects.create(
        territory_id=required_territory_id(),
        file_name=kept.file_name,
        type_key=kept.type_key,
        options=asdict(options),
        trial=trial,
        upload_uuid=upload,
        user_id=current_user_id(),
    )
    if len(kept.content) > AT_ONCE_BYTES:
        tasks.file_import.defer(
            territory_id=required_territory_id(),
            run=str(run.uuid),
            mapping=dict(mapping),
            expected_absent=expected_absent,
        )
    else:
        import_now(run, mapping=mapping, expected_absent=expected_absent)
    return import_get(run.uuid)
