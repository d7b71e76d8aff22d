"""Whom the data of the assets must be credited to."""

from __future__ import annotations

from beffroi.city.assets.selectors import seen_assets
from beffroi.foundation.accounts.contracts import Scope


def assets_attributions(*, scope: Scope) -> list[str]:
    """Return the credits of the assets that the scope may see, each once, in order."""
    found = seen_assets(scope).exclude(attribution="").order_by("attribution")
    return list(found.values_list("attribution", flat=True).distinct())
