from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q

from beffroi.city.ingest.contracts import Status
from beffroi.city.ingest.mqtt.models import Broker, BrokerAccount, BrokerState, Subscription
from beffroi.city.ingest.reread_models import Rereading
from beffroi.foundation.database.models import TerritoryModel
from beffroi.kernel.clock import now
from beffroi.kernel.identifiers import uuid7
from beffroi.sdk.connectors import Authentication

__all__ = [
    "Broker",
    "BrokerAccount",
    "BrokerState",
    "IngestError",
    "Message",
    "Rereading",
    "Source",
    "SourceActivity",
    "Subscription",
    "UnclaimedDevice",
]


class Source(TerritoryModel):
    """One sender of messages: an application of a network server, an integrator's program.

    ``key`` is in the address that it posts to and opens nothing by itself. Secrets are kept as
    the SHA-256 of 256 random bits; ``sealed_key`` is the key shared with a network that signs,
    encrypted because verifying a signature needs it in clear (see ``sealing``).
    """

    id = models.BigAutoField(primary_key=True)
    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    key = models.CharField(max_length=64, unique=True, db_collation="C")
    name = models.CharField(max_length=120)
    connector_key = models.CharField(max_length=63)
    authentication = models.CharField(max_length=16, default=Authentication.SECRET.value)
    secret_hash = models.BinaryField(max_length=32, null=True)
    former_secret_hash = models.BinaryField(max_length=32, null=True)
    former_secret_until = models.DateTimeField(null=True)
    sealed_key = models.BinaryField(null=True)
    settings = models.JSONField(default=dict, blank=True)
    default_codec = models.CharField(max_length=63, blank=True, default="")
    enabled = models.BooleanField(default=True)
    last_message_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=now)

    class Meta:
        db_table = "ingest_source"
        constraints = [
            models.UniqueConstraint(fields=["territory", "name"], name="ingest_source_name"),
            models.CheckConstraint(
                condition=Q(secret_hash__isnull=False) | Q(sealed_key__isnull=False),
                name="ingest_source_authenticates",
            ),
        ]


class Message(TerritoryModel):
    """One message as it was received, kept for a declared number of days.

    ``key`` makes it once: the same message by another gateway, or sent again because the
    acknowledgement was lost, has the same key.
    """

    id = models.BigAutoField(primary_key=True)
    source = models.ForeignKey(
        Source, on_delete=models.PROTECT, related_name="messages", db_index=False
    )
    key = models.CharField(max_length=255, db_collation="C")
    device_identifier = models.CharField(max_length=200, db_collation="C")
    device_id = models.BigIntegerField(null=True)
    status = models.CharField(max_length=12, db_collation="C")
    observed_at = models.DateTimeField()
    received_at = models.DateTimeField()
    raw = models.BinaryField()
    content_type = models.CharField(max_length=100, blank=True, default="")
    payload = models.BinaryField(null=True)
    f_port = models.SmallIntegerField(default=0)
    f_cnt = models.BigIntegerField(null=True)
    values = models.JSONField(null=True)
    readings = models.JSONField(null=True)
    decoded = models.JSONField(null=True)
    radio = models.JSONField(null=True)
    late = models.BooleanField(default=False)
    simulated = models.BooleanField(default=False)
    error_code = models.CharField(max_length=64, blank=True, default="")
    error = models.JSONField(null=True)
    attempts = models.SmallIntegerField(default=1)
    time_shift_ms = models.BigIntegerField(null=True)
    """What an agent adds to the times that the device gave: its clock was wrong."""

    class Meta:
        db_table = "ingest_message"
        constraints = [
            models.UniqueConstraint(
                fields=["territory", "source", "key"], name="ingest_message_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["territory", "device_identifier", "-id"], name="ingest_message_of_device"
            ),
            models.Index(fields=["territory", "source", "-id"], name="ingest_message_of_source"),
            models.Index(
                fields=["territory", "source", "-id"],
                condition=Q(status__in=[Status.UNDECODABLE.value, Status.QUARANTINED.value]),
                name="ingest_message_in_error",
            ),
            models.Index(
                fields=["territory", "source", "device_identifier", "id"],
                condition=Q(status=Status.UNCLAIMED.value),
                name="ingest_message_unclaimed",
            ),
            # Rows lie in the order they came: a few pages of ranges find those to remove.
            BrinIndex(
                fields=["received_at"],
                pages_per_range=32,
                autosummarize=True,
                name="ingest_message_age",
            ),
        ]


class IngestError(TerritoryModel):
    """Something that a source sent and that could not be read, with what it sent.

    ``error`` holds the English sentence and its fields; ``body`` is cut at 64 kB.
    """

    id = models.BigAutoField(primary_key=True)
    source = models.ForeignKey(
        Source, on_delete=models.PROTECT, related_name="errors", db_index=False
    )
    at = models.DateTimeField(default=now)
    code = models.CharField(max_length=64)
    error = models.JSONField(default=dict)
    content_type = models.CharField(max_length=100, blank=True, default="")
    body = models.BinaryField(default=b"")
    body_size = models.BigIntegerField(default=0)

    class Meta:
        db_table = "ingest_error"
        indexes = [models.Index(fields=["territory", "source", "-id"], name="ingest_error_recent")]


class UnclaimedDevice(TerritoryModel):
    """A device that was heard and that nobody has claimed.

    Once claimed it stays, with ``claimed_at``, until the last of its kept messages is decoded.
    """

    id = models.BigAutoField(primary_key=True)
    source = models.ForeignKey(
        Source, on_delete=models.PROTECT, related_name="unclaimed", db_index=False
    )
    identifier = models.CharField(max_length=200, db_collation="C")
    name = models.CharField(max_length=200, blank=True, default="")
    model = models.CharField(max_length=120, blank=True, default="")
    lon = models.FloatField(null=True)
    lat = models.FloatField(null=True)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    message_count = models.BigIntegerField(default=1)
    claimed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "ingest_unclaimed"
        constraints = [
            models.UniqueConstraint(
                fields=["territory", "source", "identifier"], name="ingest_unclaimed_once"
            )
        ]


class SourceActivity(TerritoryModel):
    """What a source sent in one hour, counted by the processes about once a second.

    A process that is killed loses the counts of its last second; the messages themselves are
    the record.
    """

    id = models.BigAutoField(primary_key=True)
    source = models.ForeignKey(
        Source, on_delete=models.CASCADE, related_name="activity", db_index=False
    )
    hour = models.DateTimeField()
    accepted = models.BigIntegerField(default=0)
    duplicates = models.BigIntegerField(default=0)
    unclaimed = models.BigIntegerField(default=0)
    undecodable = models.BigIntegerField(default=0)
    quarantined = models.BigIntegerField(default=0)
    refused = models.BigIntegerField(default=0)
    wrong_secret = models.BigIntegerField(default=0)

    class Meta:
        db_table = "ingest_activity"
        constraints = [
            models.UniqueConstraint(
                fields=["territory", "source", "hour"], name="ingest_activity_hour"
            )
        ]
