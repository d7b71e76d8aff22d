"""Messages and errors are kept for a declared number of days, then removed."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from beffroi.city.ingest.models import SourceActivity
from beffroi.kernel.clock import now

CHUNK = 10_000
ACTIVITY_DAYS = 400

_PURGE = {
    "ingest_message": "received_at",
    "ingest_error": "at",
}


def messages_purge(*, at: datetime | None = None, days: int | None = None) -> int:
    """Remove messages and errors of the current territory that are older; return how many.

    At most ten thousand of each: call it again, in another transaction, until it returns 0.
    ``days`` is the installation's ``BEFFROI_RAW_MESSAGE_DAYS`` when it is not given. A message
    that is removed could be taken in again; its values would find themselves stored already.
    """
    kept = settings.BEFFROI.raw_message_days if days is None else days
    limit = (at or now()) - timedelta(days=kept)
    removed = 0
    with transaction.atomic(), connection.cursor() as cursor:
        for table, column in _PURGE.items():
            cursor.execute(
                f"DELETE FROM {table} WHERE id IN ("  # noqa: S608 - the names above
                f"SELECT id FROM {table} WHERE {column} < %s LIMIT {CHUNK})",
                [limit],
            )
            removed += cursor.rowcount
    oldest = (at or now()) - timedelta(days=ACTIVITY_DAYS)
    SourceActivity.objects.filter(hour__lt=oldest).delete()
    return removed
