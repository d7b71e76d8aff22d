"""What this room writes to the audit log, and how it is said on screen."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from beffroi.foundation.audit.api import Actor, Subject, audit_record, verbs_declare
from beffroi.foundation.messaging.models import Webhook

CREATED = "webhooks.created"
CHANGED = "webhooks.changed"
ROTATED = "webhooks.rotated"
PAUSED = "webhooks.paused"
RESUMED = "webhooks.resumed"
SLEPT = "webhooks.slept"
TESTED = "webhooks.tested"
RESENT = "webhooks.resent"
REMOVED = "webhooks.removed"

LABELS = {
    CREATED: _("added a webhook"),
    CHANGED: _("changed a webhook"),
    ROTATED: _("made a new secret for a webhook"),
    PAUSED: _("paused a webhook"),
    RESUMED: _("resumed a webhook"),
    SLEPT: _("put a webhook to sleep"),
    TESTED: _("tested a webhook"),
    RESENT: _("sent a delivery again"),
    REMOVED: _("removed a webhook"),
}
DETAILS = {
    "url": _("address"),
    "topics": _("events"),
    "reason": _("reason"),
    "answer": _("answer"),
    "delivery": _("delivery number"),
}


def declare() -> None:
    """Name this room's verbs."""
    verbs_declare(LABELS, details=DETAILS)


def tell(verb: str, webhook: Webhook, *, actor: Actor, ip: str = "", **detail: object) -> None:
    """Write in the audit log what was done with a webhook."""
    audit_record(
        verb,
        actor=actor,
        territory_id=webhook.territory_id,
        subject=Subject("webhook", webhook.uuid, webhook.name),
        detail=detail,
        ip=ip,
    )
