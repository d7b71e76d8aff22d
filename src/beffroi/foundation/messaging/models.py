from __future__ import annotations

from django.db import models
from django.db.models import Q

from beffroi.foundation.database.models import TerritoryModel
from beffroi.foundation.messaging.contracts import DeliveryState, WebhookState
from beffroi.kernel.clock import now
from beffroi.kernel.identifiers import uuid7

# In the database the primary keys are (territory, id): what a distributed table needs.


class OutboxRow(TerritoryModel):
    """One event, written in the transaction of its effect, gone once it is put in deliveries.

    ``id`` gives the order: two events of one thing are written by transactions that wait for
    each other, so the second has the greater number.
    """

    id = models.BigAutoField(primary_key=True)
    uuid = models.UUIDField(default=uuid7)
    topic = models.CharField(max_length=60, db_collation="C")
    payload = models.JSONField()
    created_at = models.DateTimeField(default=now)

    class Meta:
        db_table = "messaging_outbox"


class Webhook(TerritoryModel):
    """An address that wants some events.

    ``sealed_secret`` is encrypted (``kernel.sealing``): signing needs it in clear. ``claim`` and
    ``claimed_until`` say which sender serves it: one at a time, so that order is kept; the claim
    of a sender that was killed ends by itself. ``last_number`` numbers its deliveries.
    """

    id = models.BigAutoField(primary_key=True)
    uuid = models.UUIDField(default=uuid7, editable=False)
    name = models.CharField(max_length=120)
    url = models.CharField(max_length=2_000)
    topics = models.JSONField()
    filters = models.JSONField(default=dict)
    sealed_secret = models.BinaryField()
    former_sealed_secret = models.BinaryField(null=True)
    former_secret_until = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, default=WebhookState.ACTIVE.value)
    sleep_reason = models.CharField(max_length=30, blank=True, default="")
    state_changed_at = models.DateTimeField(default=now)
    created_at = models.DateTimeField(default=now)
    created_by_id = models.IntegerField(null=True)
    created_by_name = models.CharField(max_length=200, blank=True, default="")
    last_number = models.BigIntegerField(default=0)
    last_success_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    failures = models.IntegerField(default=0)
    claim = models.UUIDField(null=True)
    claimed_until = models.DateTimeField(null=True)

    class Meta:
        db_table = "messaging_webhook"
        constraints = [
            models.UniqueConstraint(fields=["territory", "uuid"], name="messaging_webhook_uuid"),
            models.UniqueConstraint(fields=["territory", "name"], name="messaging_webhook_name"),
        ]


class Delivery(TerritoryModel):
    """A batch of events of one topic on its way to one webhook.

    ``body`` is what is sent, octet for octet the same at each attempt; ``uuid`` is the
    ``webhook-id`` by which a receiver knows that it has it already.
    """

    id = models.BigAutoField(primary_key=True)
    uuid = models.UUIDField(default=uuid7, editable=False)
    # The database's own foreign key is (territory, webhook), and deletes with the webhook.
    webhook = models.ForeignKey(
        Webhook,
        on_delete=models.DO_NOTHING,
        related_name="deliveries",
        db_constraint=False,
        db_index=False,
    )
    number = models.BigIntegerField()
    topic = models.CharField(max_length=60, db_collation="C")
    event_count = models.IntegerField()
    body = models.TextField()
    state = models.CharField(max_length=10, default=DeliveryState.WAITING.value)
    aside = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=now)
    attempts = models.IntegerField(default=0)
    first_attempt_at = models.DateTimeField(null=True)
    last_attempt_at = models.DateTimeField(null=True)
    next_attempt_at = models.DateTimeField(default=now)
    last_status = models.SmallIntegerField(null=True)
    last_failure = models.CharField(max_length=20, blank=True, default="")
    last_error = models.CharField(max_length=300, blank=True, default="")
    excerpt = models.TextField(blank=True, default="")

    class Meta:
        db_table = "messaging_delivery"
        constraints = [
            models.UniqueConstraint(fields=["territory", "uuid"], name="messaging_delivery_uuid"),
            models.UniqueConstraint(
                fields=["territory", "webhook", "number"], name="messaging_delivery_number"
            ),
        ]
        indexes = [
            models.Index(
                fields=["territory", "webhook", "number"],
                condition=Q(state=DeliveryState.WAITING.value),
                name="messaging_delivery_line",
            ),
            models.Index(
                fields=["territory", "next_attempt_at"],
                condition=Q(state=DeliveryState.WAITING.value),
                name="messaging_delivery_due",
            ),
            models.Index(fields=["territory", "created_at"], name="messaging_delivery_age"),
        ]
