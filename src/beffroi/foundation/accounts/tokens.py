"""One-time tokens: what goes in the link, and the hash that is stored in its place."""

from __future__ import annotations

import hashlib

from beffroi.kernel.identifiers import new_secret


def token_new(*, prefix: str = "") -> str:
    """Return an unguessable token of 256 bits, behind a readable prefix."""
    return f"{prefix}{new_secret()}"


def token_hash(token: str) -> str:
    """Return what is stored: SHA-256 is enough for a random token, which no list can hold."""
    return hashlib.sha256(token.encode()).hexdigest()


def territory_of(token: str) -> int | None:
    """Return the territory's number that an invitation's token begins with, or ``None``.

    It only says which rows may be looked at; the secret after it decides.
    """
    number, dot, _secret = token.partition(".")
    if not dot or not number.isascii() or not number.isdigit() or len(number) > 9:
        return None
    return int(number)
