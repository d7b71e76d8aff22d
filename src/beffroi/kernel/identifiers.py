"""Identifiers: what they look like and how they are checked."""

from __future__ import annotations

import os
import re
import secrets
import time
import unicodedata
import uuid

_DEV_EUI = re.compile(r"[0-9a-f]{16}")
_INSEE = re.compile(r"(\d{2}|2[AB])\d{3}")


def uuid7() -> uuid.UUID:
    """Return a time-ordered UUID version 7 (RFC 9562, section 5.7)."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & ((1 << 48) - 1)) << 80
    value |= int.from_bytes(os.urandom(10), "big")
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return uuid.UUID(int=value)


def new_secret(*, octets: int = 32) -> str:
    """Return an unguessable URL-safe text of ``octets`` random octets."""
    return secrets.token_urlsafe(octets)


def slug_of(text: str) -> str:
    """Return the text in lower-case ASCII letters, digits and single hyphens."""
    plain = unicodedata.normalize("NFKD", text.replace("œ", "oe").replace("Œ", "oe"))
    plain = "".join(mark for mark in plain if not unicodedata.combining(mark)).lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def dev_eui(text: str) -> str:
    """Return a LoRaWAN DevEUI as sixteen lower-case hexadecimal digits.

    Raises:
        ValueError: the text is not eight octets in hexadecimal.
    """
    plain = text.strip().lower().replace("-", "").replace(":", "")
    if not _DEV_EUI.fullmatch(plain):
        raise ValueError(f"{text!r} is not a DevEUI of 16 hexadecimal digits")
    return plain


def is_insee(text: str) -> bool:
    """Tell whether the text has the form of an INSEE commune code (Corsica included)."""
    return _INSEE.fullmatch(text) is not None


def is_siren(text: str) -> bool:
    """Tell whether the text is a SIREN: nine digits whose Luhn sum is a multiple of ten."""
    if len(text) != 9 or not text.isascii() or not text.isdigit():
        return False
    total = 0
    for rank, digit in enumerate(reversed(text)):
        value = int(digit) * (2 if rank % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
