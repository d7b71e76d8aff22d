"""Whole addresses, for what is read outside a browser."""

from __future__ import annotations

from django.conf import settings


def absolute(path: str) -> str:
    """Return the whole address of a path of this installation."""
    return f"{settings.BEFFROI.public_url}/{path.lstrip('/')}"
