from __future__ import annotations

from django.db import models

from beffroi.foundation.database.models import TerritoryModel
from beffroi.kernel.clock import now
from beffroi.kernel.identifiers import uuid7


class Rereading(TerritoryModel):
    """Kept messages of the devices of one model, decoded again in the background.

    It goes on from ``last_message`` part by part, so that a page can tell how far it is and a
    worker that was killed loses one part; it is over at ``finished_at``.
    """

    id = models.BigAutoField(primary_key=True)
    uuid = models.UUIDField(default=uuid7, editable=False)
    model_uuid = models.UUIDField()
    total = models.BigIntegerField(default=0)
    done = models.BigIntegerField(default=0)
    decoded = models.BigIntegerField(default=0)
    undecodable = models.BigIntegerField(default=0)
    observations = models.BigIntegerField(default=0)
    last_message = models.BigIntegerField(default=0)
    until_message = models.BigIntegerField(default=0)
    asked_at = models.DateTimeField(default=now)
    finished_at = models.DateTimeField(null=True, blank=True)
    user_id = models.BigIntegerField(null=True, blank=True)

    class Meta:
        db_table = "ingest_rereading"
        constraints = [
            models.UniqueConstraint(fields=["territory", "uuid"], name="ingest_rereading_uuid")
        ]
        indexes = [
            models.Index(fields=["territory", "model_uuid", "-id"], name="ingest_rereading_model")
        ]
