"""Order of a table, from the query of the page."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest


def ordering(request: HttpRequest, *, allowed: Mapping[str, str], default: str) -> str:
    """Return the argument of ``order_by`` that the parameter ``tri`` asks for.

    ``allowed`` maps what the URL may say to a field; a key with a leading hyphen descends.
    What is not allowed gives the default, so that a mistyped URL still shows the page.
    """
    asked = request.GET.get("tri", default)
    for choice in (asked, default):
        key = choice.removeprefix("-")
        if key in allowed:
            return ("-" if choice.startswith("-") else "") + allowed[key]
    raise ValueError(f"the default order {default!r} is not among the allowed ones")
