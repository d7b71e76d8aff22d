"""What of ingest goes on behind a page."""

from __future__ import annotations

import logging
from uuid import UUID

from beffroi.city.ingest.device_models import reread_part
from beffroi.city.ingest.redecoding import messages_redecode
from beffroi.city.ingest.selectors import source_row
from beffroi.foundation.jobs.api import job

log = logging.getLogger("beffroi.ingest")


@job()
def source_redecode_all(*, territory_id: int, source_uuid: str) -> None:
    """Decode every kept message of a source again; doing it twice changes nothing."""
    del territory_id
    count = messages_redecode(source=source_row(UUID(source_uuid)))
    log.info("%s messages of a source read again, %s decoded", count.messages, count.decoded)


@job()
def model_reread_part(*, territory_id: int, rereading: str) -> None:
    """Decode one part of the kept messages of a device model again, and ask for the next."""
    if reread_part(UUID(rereading)):
        model_reread_part.defer(territory_id=territory_id, rereading=rereading)
