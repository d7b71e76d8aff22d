"""Every address of the installation, filled with what stands for one town or another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from beffroi.foundation.accounts.access import rule_of
from beffroi.foundation.accounts.contracts import RuleKind

PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>[^)]*\)")
TERRITORY = "t/<slug:territory>/"
API = "api/v1/territories/<slug:territory>"
"""Addresses of a territory that programs read; whoever has neither key nor session is told 401."""
PARTS = {
    "equipements/<uuid:asset>/apercu/",
    "equipements/<uuid:asset>/courbe/<slug:measure>/",
}
"""What a page's script asks for, to put into the page."""


@dataclass(frozen=True)
class Route:
    """One pattern of the URLconf.

    Attributes:
        pattern: as it is written there, such as ``t/<slug:territory>/sources/<uuid:source>/``.
        public: it opens to anybody, and says why.
    """

    pattern: str
    public: bool

    @property
    def parameters(self) -> tuple[str, ...]:
        """Return the names that have to be filled."""
        return tuple(one or other for one, other in PARAMETER.findall(self.pattern))

    @property
    def of_territory(self) -> bool:
        """Tell whether it is an address of a territory."""
        return self.pattern.startswith(TERRITORY) or self.of_api

    @property
    def of_api(self) -> bool:
        """Tell whether it is an address of a territory that programs read."""
        return self.pattern.startswith(API)

    @property
    def headers(self) -> dict[str, str]:
        """Return what a part of a page is asked with: alone, it sends to the whole page."""
        return {"HX-Request": "true"} if self.page in PARTS else {}

    @property
    def page(self) -> str:
        """Return its pattern within a territory."""
        return self.pattern.removeprefix(TERRITORY)

    def filled(self, names: dict[str, Any]) -> str:
        """Return the address with its parameters.

        Raises:
            KeyError: a parameter that no town of the test has: ``marked_town`` must name it.
        """
        text = PARAMETER.sub(lambda found: str(names[found[1] or found[2]]), self.pattern)
        return "/" + text.replace("^", "").replace("$", "")


def routes(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[Route]:
    """Walk the URLconf."""
    for entry in (resolver or get_resolver()).url_patterns:
        pattern = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from routes(entry, pattern)
        elif isinstance(entry, URLPattern):
            rule = rule_of(entry.callback)
            yield Route(pattern, public=rule is not None and rule.kind is RuleKind.PUBLIC)


def fillings(
    route: Route, mine: dict[str, Any], theirs: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Give every mixture of one's own names and another's, but for wholly one's own.

    A name that is the same for both (a measure, the place of a tile) makes no mixture.
    """
    seen = set()
    for picks in product((False, True), repeat=len(route.parameters)):
        names = {
            name: (theirs if foreign else mine)[name]
            for name, foreign in zip(route.parameters, picks, strict=True)
        }
        key = tuple(str(value) for value in names.values())
        if any(picks) and key not in seen and names != {n: mine[n] for n in names}:
            seen.add(key)
            yield names
