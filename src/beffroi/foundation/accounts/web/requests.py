"""What the access decorators left on a request, with its type."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest

from beffroi.foundation.accounts.contracts import Access
from beffroi.foundation.territories.api import TerritoryCard


def access_of(request: HttpRequest) -> Access:
    """Return what the agent may do."""
    return cast("Access", request.access)  # type: ignore[attr-defined]  # set by @agent


def territory_of_page(request: HttpRequest) -> TerritoryCard:
    """Return the territory of the page."""
    return cast("TerritoryCard", request.territory)  # type: ignore[attr-defined]  # set by @agent
