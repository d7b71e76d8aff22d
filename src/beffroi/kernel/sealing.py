"""Secrets that must be read again, encrypted where they are stored.

A hash verifies a secret that somebody presents; it does not help to sign with one. Such a secret
is sealed with AES-256-GCM under a key derived (HKDF-SHA-256) from the installation's secret key
and from what the secret is for: a copy of the database alone opens nothing. What it belongs to is
authenticated with it, so that a sealed secret cannot be moved to another owner.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_OCTETS = 12


def seal(text: str, *, purpose: bytes, owner: bytes, secret_key: str) -> bytes:
    """Return the nonce and the encrypted text.

    Args:
        text: the secret.
        purpose: what it is for; never changed once something is sealed with it.
        owner: what it belongs to, such as the octets of a UUID.
        secret_key: the installation's.
    """
    nonce = os.urandom(_NONCE_OCTETS)
    return nonce + AESGCM(_derived(secret_key, purpose)).encrypt(nonce, text.encode(), owner)


def unseal(
    sealed: bytes, *, purpose: bytes, owner: bytes, secret_keys: Sequence[str]
) -> str | None:
    """Return the text, or ``None`` when none of the keys opens it.

    ``secret_keys`` are the present one and those it replaced.
    """
    nonce, content = sealed[:_NONCE_OCTETS], sealed[_NONCE_OCTETS:]
    for secret_key in secret_keys:
        try:
            return AESGCM(_derived(secret_key, purpose)).decrypt(nonce, content, owner).decode()
        except InvalidTag:
            continue
    return None


def _derived(secret_key: str, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret_key.encode())
