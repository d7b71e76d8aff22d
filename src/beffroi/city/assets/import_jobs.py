"""Doing an import that a page asked for, at once or later."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from uuid import UUID

from django.db import transaction

from beffroi.city.assets.import_runs import options_read
from beffroi.city.assets.importing import import_run
from beffroi.city.assets.journal import IMPORTED
from beffroi.city.assets.models import ImportRun
from beffroi.city.assets.uploads import upload_forget, upload_get
from beffroi.foundation.accounts.api import people, person_card
from beffroi.foundation.audit.api import SYSTEM, Actor, Subject, audit_record
from beffroi.foundation.database.api import acting_for
from beffroi.kernel.clock import now
from beffroi.kernel.errors import BeffroiError

log = logging.getLogger("beffroi.assets")


def import_perform(
    run_uuid: UUID, *, mapping: Mapping[str, str], expected_absent: int | None
) -> None:
    """Do an import that waits, in the name of who asked for it; a refusal is kept with it."""
    run = ImportRun.objects.select_for_update().filter(uuid=run_uuid).first()
    if run is None or run.finished_at is not None:
        return  # a job may be run twice
    with acting_for(run.territory_id, user_id=run.user_id):
        try:
            with transaction.atomic():
                import_now(run, mapping=mapping, expected_absent=expected_absent)
        except BeffroiError as error:
            log.info("the import of %s was refused: %s", run.file_name, error.code)
            ImportRun.objects.filter(pk=run.pk).update(
                finished_at=now(),
                failure={
                    "message": error.message,
                    "way_out": error.way_out,
                    **{f"param_{key}": str(value) for key, value in error.params.items()},
                },
            )


def import_now(run: ImportRun, *, mapping: Mapping[str, str], expected_absent: int | None) -> None:
    """Do an import, forget its file and tell the journal; of a trial, only count.

    Raises:
        BeffroiError: the file is refused or is not there any more.
    """
    upload = run.upload_uuid
    if upload is None:
        return
    kept = upload_get(upload)
    report = import_run(
        kept.content,
        name=kept.file_name,
        type_key=kept.type_key,
        mapping=mapping,
        options=options_read(run.options),
        dry_run=run.trial,
        expected_absent=expected_absent,
        run=run,
    )
    if run.trial:
        return
    upload_forget(upload)
    audit_record(
        IMPORTED,
        actor=_actor(run.user_id),
        territory_id=run.territory_id,
        subject=Subject(kind="import", uuid=report.uuid, label=report.file_name),
        detail={
            "type": report.type_key,
            "created": report.counts.created,
            "updated": report.counts.updated,
            "refused": report.refused,
            "absent": report.absent.count,
        },
    )


def _actor(user_id: int | None) -> Actor:
    if user_id is None:
        return SYSTEM
    membership = people(state="all").filter(user_id=user_id).first()
    name = "" if membership is None else person_card(membership).full_name
    return Actor(user_id=user_id, name=name)
