"""Whole addresses of the links that are sent: of the installation, whatever a request says."""

from __future__ import annotations

from django.conf import settings


def whole_address(path: str) -> str:
    """Return the public address of a path."""
    return f"{settings.BEFFROI.public_url}{path}"
