from __future__ import annotations

from django.db import models
from django.db.models import Q

from beffroi.foundation.database.models import TerritoryModel
from beffroi.kernel.clock import now
from beffroi.kernel.identifiers import uuid7

# In the database the primary key is (territory, id): what a distributed table needs.


class ApiKey(TerritoryModel):
    """A program that may read a territory.

    ``key_hash`` is the SHA-256 of 256 random bits. The last three columns are its budget: what
    it may still ask, as it stood at ``counted_at``.
    """

    id = models.BigAutoField(primary_key=True)
    uuid = models.UUIDField(default=uuid7, editable=False)
    name = models.CharField(max_length=120)
    prefix = models.CharField(max_length=16)
    key_hash = models.BinaryField(max_length=32)
    verbs = models.JSONField(default=list)
    domains = models.JSONField(default=list)
    areas = models.JSONField(default=list)
    origins = models.JSONField(default=list)
    requests_per_minute = models.IntegerField()
    rows_per_minute = models.IntegerField()
    expires_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=now)
    created_by_id = models.BigIntegerField(null=True)
    created_by_name = models.CharField(max_length=200, blank=True, default="")
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    requests_left = models.FloatField(null=True)
    rows_left = models.FloatField(null=True)
    counted_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "api_key"
        constraints = [
            models.UniqueConstraint(fields=["territory", "uuid"], name="api_key_uuid"),
            models.UniqueConstraint(fields=["territory", "key_hash"], name="api_key_hash"),
            models.UniqueConstraint(
                fields=["territory", "name"],
                condition=Q(revoked_at__isnull=True),
                name="api_key_name",
            ),
            models.CheckConstraint(
                condition=Q(requests_per_minute__gte=1, rows_per_minute__gte=1),
                name="api_key_rates",
            ),
        ]
        indexes = [models.Index(fields=["key_hash"], name="api_key_presented")]
