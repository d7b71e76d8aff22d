"""Passwords in the form of mosquitto's password file.

``$7$<iterations>$<salt>$<hash>``: PBKDF2 with HMAC-SHA-512, salt of 12 octets and hash of 64,
both in base64. Source: mosquitto 2.0, ``mosquitto_passwd`` (the tests compare).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os

ITERATIONS = 101
"""As mosquitto's own: the broker computes it at each connection, and 256 random bits need no
more. A password that a person has chosen would."""

SALT_OCTETS, _HASH_OCTETS = 12, 64


def mosquitto_hash(password: str, *, iterations: int = ITERATIONS, salt: bytes = b"") -> str:
    """Return the hash of a password with a salt, random unless one is given."""
    salt = salt or os.urandom(SALT_OCTETS)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations, _HASH_OCTETS)
    return f"$7${iterations}${_text(salt)}${_text(digest)}"


def is_password_of(password: str, stored: str) -> bool:
    """Tell whether this is the password of a hash, in constant time."""
    try:
        empty, kind, iterations, salt, _digest = stored.split("$")
        if (empty, kind) != ("", "7"):
            return False
        again = mosquitto_hash(password, iterations=int(iterations), salt=base64.b64decode(salt))
    except (ValueError, binascii.Error):
        return False
    return hmac.compare_digest(again, stored)


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")
