"""Files between their upload and the confirmation of their import."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from beffroi.city.assets.contracts import ImportRefused
from beffroi.city.assets.import_runs import ImportNotFound
from beffroi.city.assets.models import ImportUpload
from beffroi.foundation.database.api import current_user_id, required_territory_id
from beffroi.kernel.clock import now

MAX_UPLOAD = 64 * 1024 * 1024
KEPT_FOR = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """An uploaded file."""

    uuid: UUID
    file_name: str
    type_key: str
    content: bytes


@transaction.atomic
def upload_keep(content: bytes, *, name: str, type_key: str) -> UUID:
    """Keep a file for at most a day, for the person who acts; return its identifier.

    Raises:
        ImportRefused: it is empty or too large.
    """
    if not content:
        raise ImportRefused(
            "“{value}” is empty.",
            field="file",
            value=name,
            way_out="Export it again and check its size before sending it.",
        )
    if len(content) > MAX_UPLOAD:
        raise ImportRefused(
            "“{value}” is larger than {limit} MB.",
            field="file",
            value=name,
            way_out="Cut it in several files, or ask the administrator to import it on the server.",
            params={"limit": str(MAX_UPLOAD // (1024 * 1024))},
        )
    row = ImportUpload.objects.create(
        territory_id=required_territory_id(),
        file_name=name[:255],
        type_key=type_key,
        content=content,
        size=len(content),
        user_id=current_user_id(),
    )
    return row.uuid


def upload_get(uuid: UUID) -> Upload:
    """Return a file that the acting person uploaded less than a day ago.

    Raises:
        ImportNotFound: there is none: it was imported, has expired or is somebody else's.
    """
    row = ImportUpload.objects.filter(
        uuid=uuid, user_id=current_user_id(), created_at__gte=now() - KEPT_FOR
    ).first()
    if row is None:
        raise ImportNotFound(
            "This file is not here any more.",
            way_out="Files are kept for a day: send it again.",
        )
    return Upload(
        uuid=row.uuid,
        file_name=row.file_name,
        type_key=row.type_key,
        content=bytes(row.content),
    )


def upload_forget(uuid: UUID) -> None:
    """Delete an uploaded file."""
    ImportUpload.objects.filter(uuid=uuid).delete()


def uploads_purge(*, at: datetime | None = None) -> int:
    """Delete the files that nobody imported within a day; return how many."""
    limit = (at or now()) - KEPT_FOR
    return ImportUpload.objects.filter(created_at__lt=limit).delete()[0]
