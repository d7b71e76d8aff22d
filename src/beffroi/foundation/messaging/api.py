"""What other rooms may use of messaging."""

from __future__ import annotations

from beffroi.foundation.messaging.contracts import (
    PING,
    Answer,
    DeliveryCard,
    DeliveryNotFound,
    DeliveryPage,
    DeliveryState,
    Failure,
    Filters,
    IssuedWebhook,
    OutboxEvent,
    SleepReason,
    Topic,
    WebhookCard,
    WebhookNotFound,
    WebhookRefused,
    WebhookState,
)
from beffroi.foundation.messaging.outbox import (
    OUTBOX_INSERT,
    WANTED_SELECT,
    WEBHOOKS_CHANNEL,
    outbox_append,
    outbox_columns,
    outbox_wanted,
)
from beffroi.foundation.messaging.retention import deliveries_purge
from beffroi.foundation.messaging.selectors import (
    deliveries_page,
    delivery_get,
    webhook_get,
    webhooks_list,
)
from beffroi.foundation.messaging.services import (
    delivery_resend,
    webhook_change,
    webhook_create,
    webhook_pause,
    webhook_remove,
    webhook_resume,
    webhook_rotate_secret,
    webhook_test,
)
from beffroi.foundation.messaging.topics import topics_all, topics_declare

__all__ = [
    "OUTBOX_INSERT",
    "PING",
    "WANTED_SELECT",
    "WEBHOOKS_CHANNEL",
    "Answer",
    "DeliveryCard",
    "DeliveryNotFound",
    "DeliveryPage",
    "DeliveryState",
    "Failure",
    "Filters",
    "IssuedWebhook",
    "OutboxEvent",
    "SleepReason",
    "Topic",
    "WebhookCard",
    "WebhookNotFound",
    "WebhookRefused",
    "WebhookState",
    "deliveries_page",
    "deliveries_purge",
    "delivery_get",
    "delivery_resend",
    "outbox_append",
    "outbox_columns",
    "outbox_wanted",
    "topics_all",
    "topics_declare",
    "webhook_change",
    "webhook_create",
    "webhook_get",
    "webhook_pause",
    "webhook_remove",
    "webhook_resume",
    "webhook_rotate_secret",
    "webhook_test",
    "webhooks_list",
]
