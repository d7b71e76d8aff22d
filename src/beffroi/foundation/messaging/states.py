"""Changes of state of a webhook, by a person or by itself."""

from __future__ import annotations

from datetime import datetime

from beffroi.foundation.audit.api import SYSTEM
from beffroi.foundation.messaging import journal
from beffroi.foundation.messaging.contracts import SleepReason, WebhookState
from beffroi.foundation.messaging.models import Webhook

TRANSITIONS: dict[WebhookState, frozenset[WebhookState]] = {
    WebhookState.ACTIVE: frozenset({WebhookState.PAUSED, WebhookState.ASLEEP}),
    WebhookState.PAUSED: frozenset({WebhookState.ACTIVE}),
    WebhookState.ASLEEP: frozenset({WebhookState.ACTIVE, WebhookState.PAUSED}),
}


def state_set(
    webhook: Webhook, state: WebhookState, *, at: datetime, reason: SleepReason | None = None
) -> bool:
    """Write another state; False when it cannot follow the present one."""
    if state not in TRANSITIONS[WebhookState(webhook.state)]:
        return False
    webhook.state = state.value
    webhook.sleep_reason = "" if reason is None else reason.value
    webhook.state_changed_at = at
    webhook.save(update_fields=["state", "sleep_reason", "state_changed_at"])
    return True


def put_to_sleep(webhook: Webhook, reason: SleepReason, *, at: datetime) -> None:
    """Stop serving a webhook that cannot be served; a person wakes it."""
    if state_set(webhook, WebhookState.ASLEEP, at=at, reason=reason):
        journal.tell(journal.SLEPT, webhook, actor=SYSTEM, reason=reason.value)
