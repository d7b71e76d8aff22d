"""Signatures of what is sent, as Standard Webhooks 1.0 defines them (standardwebhooks.com)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from beffroi.kernel.clock import epoch_ms

PREFIX = "whsec_"
_OCTETS = 32
TOLERANCE = timedelta(minutes=5)


def new_secret() -> str:
    """Return a fresh secret: ``whsec_`` and 256 random bits in base64."""
    return PREFIX + base64.b64encode(os.urandom(_OCTETS)).decode()


def signature_headers(
    body: bytes, *, identifier: UUID, at: datetime, secrets: Sequence[str]
) -> dict[str, str]:
    """Return the three headers of a signed message; one signature per secret."""
    timestamp = str(epoch_ms(at) // 1000)
    signed = " ".join(
        f"v1,{_signature(body, identifier=str(identifier), timestamp=timestamp, secret=secret)}"
        for secret in secrets
    )
    return {
        "webhook-id": str(identifier),
        "webhook-timestamp": timestamp,
        "webhook-signature": signed,
    }


def signature_holds(body: bytes, *, headers: Mapping[str, str], secret: str, at: datetime) -> bool:
    """Tell whether a message is authentic and recent: what a receiver does.

    ``headers`` have names in lower case.
    """
    identifier = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not timestamp.isascii() or not timestamp.isdigit():
        return False
    if abs(epoch_ms(at) // 1000 - int(timestamp)) > TOLERANCE.total_seconds():
        return False
    try:
        expected = _signature(body, identifier=identifier, timestamp=timestamp, secret=secret)
    except binascii.Error:
        return False
    given = headers.get("webhook-signature", "").split()
    return any(
        hmac.compare_digest(one.removeprefix("v1,").encode(), expected.encode())
        for one in given
        if one.startswith("v1,")
    )


def _signature(body: bytes, *, identifier: str, timestamp: str, secret: str) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    content = b".".join((identifier.encode(), timestamp.encode(), body))
    return base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
