"""What of the installed urban services one person sees."""

from __future__ import annotations

import hashlib
from collections.abc import Collection

from beffroi.foundation.accounts.contracts import AllowedPair, Scope
from beffroi.sdk.declarations import Domain
from beffroi.sdk.registry import domains


def seen_domains(scope: Scope) -> list[Domain]:
    """Return the urban services of which the person sees something, in their order."""
    if scope.everything:
        return list(domains().values())
    keys = {domain for domain, _area in scope.allowed}
    return [item for item in domains().values() if None in keys or item.key in keys]


def narrowed(scope: Scope, chosen: Collection[str]) -> Scope:
    """Return what is both within the scope and of the chosen services; none chosen is no limit."""
    if not chosen:
        return scope
    pairs: set[AllowedPair] = set()
    for domain, area in [(None, None)] if scope.everything else scope.allowed:
        if domain is None:
            pairs.update((key, area) for key in chosen)
        elif domain in chosen:
            pairs.add((domain, area))
    return Scope(everything=False, allowed=frozenset(pairs))


def scope_mark(scope: Scope) -> str:
    """Return a text that is the same for two persons who see the same, for the keys of caches."""
    if scope.everything:
        return "all"
    pairs = sorted((domain or "*", area or 0) for domain, area in scope.allowed)
    words = ",".join(f"{domain}:{area}" for domain, area in pairs)
    return hashlib.sha256(words.encode()).hexdigest()[:24]
