"""The secrets that we show to a broker, encrypted where they are stored."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from uuid import UUID

from django.conf import settings

from beffroi.city.ingest.mqtt.contracts import BrokerProblem
from beffroi.kernel import sealing


class Secret(Enum):
    """What a sealed secret is for; never changed once something is sealed with it."""

    PASSWORD = b"beffroi mqtt password 1"
    CLIENT_KEY = b"beffroi mqtt client key 1"


def seal(text: str, *, what: Secret, broker: UUID) -> bytes:
    """Return a secret of a broker, sealed with the installation's key."""
    return sealing.seal(
        text, purpose=what.value, owner=broker.bytes, secret_key=str(settings.SECRET_KEY)
    )


def unseal(sealed: bytes | memoryview | None, *, what: Secret, broker: UUID) -> str:
    """Return a secret, or an empty text where there is none.

    Raises:
        BrokerProblem: the installation's key has changed.
    """
    if sealed is None:
        return ""
    text = sealing.unseal(
        bytes(sealed), purpose=what.value, owner=broker.bytes, secret_keys=_keys()
    )
    if text is None:
        raise BrokerProblem(
            "The password or the key kept for this broker cannot be opened.",
            code="broker.sealed",
            way_out="SECRET_KEY has changed: enter them again on the broker's page.",
        )
    return text


def _keys() -> Sequence[str]:
    return [str(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
