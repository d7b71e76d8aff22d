"""Keys shared with a network that signs, encrypted where they are stored.

Verifying a signature needs the key itself, so a hash will not do; see ``kernel.sealing``. The
source's UUID is authenticated with it, so that a sealed key cannot be moved to another source.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from beffroi.kernel import sealing
from beffroi.kernel.errors import ConfigurationError

_PURPOSE = b"beffroi ingest shared key 1"


def seal(text: str, *, source: UUID, secret_key: str) -> bytes:
    """Return the nonce and the encrypted text."""
    return sealing.seal(text, purpose=_PURPOSE, owner=source.bytes, secret_key=secret_key)


def unseal(sealed: bytes, *, source: UUID, secret_keys: Sequence[str]) -> str:
    """Return the text; ``secret_keys`` are the present one and those it replaced.

    Raises:
        ConfigurationError: none of the keys opens it.
    """
    text = sealing.unseal(sealed, purpose=_PURPOSE, owner=source.bytes, secret_keys=secret_keys)
    if text is not None:
        return text
    raise ConfigurationError(
        "The key that the source {source} shares with its network cannot be opened.",
        code="source.sealed",
        way_out="SECRET_KEY has changed: enter the shared key again on the source's page.",
        params={"source": source},
    )
