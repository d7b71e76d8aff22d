"""What the access decorator left on a request, with its type."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest

from beffroi.foundation.accounts.contracts import Access


def access_of(request: HttpRequest) -> Access:
    """Return what the agent may do."""
    return cast("Access", request.access)  # type: ignore[attr-defined]  # set by @agent
