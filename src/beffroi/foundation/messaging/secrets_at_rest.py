"""Secrets of webhooks, sealed where they are stored."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.conf import settings

from beffroi.foundation.messaging.models import Webhook
from beffroi.kernel import sealing

_PURPOSE = b"beffroi webhook secret 1"


def sealed(secret: str, *, webhook: UUID) -> bytes:
    """Return a secret as it is stored."""
    return sealing.seal(
        secret, purpose=_PURPOSE, owner=webhook.bytes, secret_key=settings.SECRET_KEY
    )


def secrets_of(webhook: Webhook, *, at: datetime) -> list[str] | None:
    """Return the secrets that sign today, the present one first; ``None`` if it does not open."""
    present = _opened(webhook, bytes(webhook.sealed_secret))
    if present is None:
        return None
    until = webhook.former_secret_until
    if webhook.former_sealed_secret is None or until is None or until <= at:
        return [present]
    former = _opened(webhook, bytes(webhook.former_sealed_secret))
    return [present] if former is None else [present, former]


def _opened(webhook: Webhook, content: bytes) -> str | None:
    return sealing.unseal(
        content,
        purpose=_PURPOSE,
        owner=webhook.uuid.bytes,
        secret_keys=(settings.SECRET_KEY, *map(str, settings.SECRET_KEY_FALLBACKS)),
    )
