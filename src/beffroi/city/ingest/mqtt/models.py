from __future__ import annotations

from django.db import models

from beffroi.city.ingest.mqtt.contracts import AccountKind, Protocol
from beffroi.foundation.database.models import TerritoryModel
from beffroi.kernel.clock import now
from beffroi.kernel.identifiers import uuid7


class Broker(TerritoryModel):
    """A broker that messages are read from.

    Its password and the key of our certificate are sealed as shared keys are (see ``sealing``):
    to be shown to a broker they must be known. Certificates are no secrets.
    """

    id = models.BigAutoField(primary_key=True)
    uuid = models.UUIDField(default=uuid7, editable=False)
    name = models.CharField(max_length=120)
    host = models.CharField(max_length=253)
    port = models.IntegerField()
    tls = models.BooleanField(default=True)
    ca_certificate = models.TextField(blank=True, default="")
    client_certificate = models.TextField(blank=True, default="")
    sealed_client_key = models.BinaryField(null=True)
    username = models.CharField(max_length=200, blank=True, default="")
    sealed_password = models.BinaryField(null=True)
    client_id = models.CharField(max_length=60)
    protocol = models.CharField(max_length=8, default=Protocol.V5.value)
    keep_alive_s = models.SmallIntegerField(default=30)
    shared_group = models.CharField(max_length=60, blank=True, default="")
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=now)

    class Meta:
        db_table = "ingest_broker"
        constraints = [
            models.UniqueConstraint(fields=["territory", "uuid"], name="ingest_broker_uuid"),
            models.UniqueConstraint(fields=["territory", "name"], name="ingest_broker_name"),
        ]


class Subscription(TerritoryModel):
    """A topic of a broker, and the source whose messages come by it."""

    id = models.BigAutoField(primary_key=True)
    uuid = models.UUIDField(default=uuid7, editable=False)
    broker = models.ForeignKey(
        Broker, on_delete=models.CASCADE, related_name="subscriptions", db_index=False
    )
    source = models.ForeignKey(
        "ingest.Source", on_delete=models.CASCADE, related_name="subscriptions", db_index=False
    )
    topic = models.CharField(max_length=250, db_collation="C")
    qos = models.SmallIntegerField(default=1)
    created_at = models.DateTimeField(default=now)

    class Meta:
        db_table = "ingest_subscription"
        constraints = [
            models.UniqueConstraint(fields=["territory", "uuid"], name="ingest_subscription_uuid"),
            models.UniqueConstraint(
                fields=["territory", "broker", "source", "topic"], name="ingest_subscription_once"
            ),
        ]
        indexes = [models.Index(fields=["territory", "source"], name="ingest_subscription_source")]


class BrokerState(TerritoryModel):
    """What one subscriber process told last of its connection; nothing depends on it."""

    id = models.BigAutoField(primary_key=True)
    broker = models.ForeignKey(
        Broker, on_delete=models.CASCADE, related_name="states", db_index=False
    )
    process = models.CharField(max_length=100, db_collation="C")
    updated_at = models.DateTimeField()
    connected_since = models.DateTimeField(null=True)
    last_message_at = models.DateTimeField(null=True)
    received = models.BigIntegerField(default=0)
    unguaranteed = models.BigIntegerField(default=0)
    retained = models.BigIntegerField(default=0)
    refused = models.BigIntegerField(default=0)
    unmatched = models.BigIntegerField(default=0)
    waiting = models.IntegerField(default=0)
    rate = models.FloatField(default=0)
    error = models.JSONField(null=True)
    error_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "ingest_broker_state"
        constraints = [
            models.UniqueConstraint(
                fields=["territory", "broker", "process"], name="ingest_broker_state_once"
            )
        ]


class BrokerAccount(TerritoryModel):
    """Who may publish on a broker whose files we write; the hash is mosquitto's own form."""

    id = models.BigAutoField(primary_key=True)
    uuid = models.UUIDField(default=uuid7, editable=False)
    broker = models.ForeignKey(
        Broker, on_delete=models.CASCADE, related_name="accounts", db_index=False
    )
    source = models.ForeignKey(
        "ingest.Source", on_delete=models.CASCADE, related_name="+", db_index=False, null=True
    )
    username = models.CharField(max_length=120, db_collation="C")
    kind = models.CharField(max_length=12, default=AccountKind.DEVICE.value)
    password_hash = models.CharField(max_length=200)
    issued_at = models.DateTimeField(default=now)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "ingest_broker_account"
        constraints = [
            models.UniqueConstraint(
                fields=["territory", "uuid"], name="ingest_broker_account_uuid"
            ),
            models.UniqueConstraint(
                fields=["territory", "broker", "username"], name="ingest_broker_account_name"
            ),
        ]
