"""Keys shared with a network that signs, encrypted where they are stored.

Verifying a signature needs the key itself, so a hash will not do. It is sealed with AES-256-GCM
under a key derived (HKDF-SHA-256) from the installation's SECRET_KEY: a copy of the database
alone opens nothing. The source's UUID is authenticated with it, so that a sealed key cannot be
moved to another source.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from beffroi.kernel.errors import ConfigurationError

_PURPOSE = b"beffroi ingest shared key 1"
_NONCE_OCTETS = 12


def seal(text: str, *, source: UUID, secret_key: str) -> bytes:
    """Return the nonce and the encrypted text."""
    nonce = os.urandom(_NONCE_OCTETS)
    return nonce + AESGCM(_derived(secret_key)).encrypt(nonce, text.encode(), source.bytes)


def unseal(sealed: bytes, *, source: UUID, secret_keys: Sequence[str]) -> str:
    """Return the text; ``secret_keys`` are the present one and those it replaced.

    Raises:
        ConfigurationError: none of the keys opens it.
    """
    nonce, content = sealed[:_NONCE_OCTETS], sealed[_NONCE_OCTETS:]
    for secret_key in secret_keys:
        try:
            return AESGCM(_derived(secret_key)).decrypt(nonce, content, source.bytes).decode()
        except InvalidTag:
            continue
    raise ConfigurationError(
        "The key that the source {source} shares with its network cannot be opened.",
        code="source.sealed",
        way_out="SECRET_KEY has changed: enter the shared key again on the source's page.",
        params={"source": source},
    )


def _derived(secret_key: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(secret_key.encode())
