"""What a person's roles let them see, as a filter on rows that have a domain and an area."""

from __future__ import annotations

from django.db.models import Q

from beffroi.foundation.accounts.contracts import Scope

WHOLE = Scope(everything=True, allowed=frozenset())
"""For code that acts for the territory itself: imports, ingestion, background jobs."""


def scope_filter(scope: Scope, *, prefix: str = "") -> Q:
    """Return the condition on ``domain_key`` and ``area_id`` (of the relation ``prefix``).

    An empty scope sees nothing.
    """
    if scope.everything:
        return Q()
    seen = Q(pk__in=())
    for domain_key, area_ids in _areas_by_domain(scope).items():
        pair = Q()
        if domain_key is not None:
            pair &= Q(**{f"{prefix}domain_key": domain_key})
        if area_ids is not None:
            pair &= Q(**{f"{prefix}area_id__in": sorted(area_ids)})
        seen |= pair
    return seen


def scope_key(scope: Scope) -> tuple[tuple[str, int], ...] | None:
    """Return the scope as a hashable key in a stable order; None for everything."""
    if scope.everything:
        return None
    return tuple(sorted((domain or "", area or 0) for domain, area in scope.allowed))


def _areas_by_domain(scope: Scope) -> dict[str | None, set[int] | None]:
    """Group the pairs, so that a role on thirty areas is one condition; None means all areas."""
    found: dict[str | None, set[int] | None] = {}
    for domain_key, area_id in scope.allowed:
        if area_id is None:
            found[domain_key] = None
            continue
        known = found.setdefault(domain_key, set())
        if known is not None:
            known.add(area_id)
    return found
