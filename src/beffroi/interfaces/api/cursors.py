"""Where a page ends: an opaque text that says from which row the next one goes on.

It holds values of the row itself, and not a count of rows, so that what is added or removed
meanwhile neither repeats nor skips another row. It is bound to the address and the filters it was
made for.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_noop as _

from beffroi.kernel.errors import InvalidInput

CURSOR = "cursor"
_FREE = frozenset({CURSOR, "limit", "fields"})
"""Parameters that may change from one page to the next."""
LONGEST = 500


def cursor_written(request: HttpRequest, values: list[Any]) -> str:
    """Return the cursor of the page that follows a row."""
    text = json.dumps([_bond(request), *values], separators=(",", ":"), default=str)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def cursor_read(request: HttpRequest, count: int) -> list[str | int | float] | None:
    """Return the values of the request's cursor, or None on the first page.

    Raises:
        InvalidInput: it was not made for this address and these filters.
    """
    text = request.GET.get(CURSOR, "")
    if not text:
        return None
    try:
        octets = base64.urlsafe_b64decode(text[:LONGEST] + "=" * (-len(text[:LONGEST]) % 4))
        found: Any = json.loads(octets)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or len(found) != count + 1 or found[0] != _bond(request):
        raise cursor_refused(text)
    values: list[str | int | float] = found[1:]
    return values


def cursor_refused(text: str) -> InvalidInput:
    """Return the refusal of a cursor."""
    return InvalidInput(
        _("This cursor was not made for this address and these filters."),
        field=CURSOR,
        value=text,
        way_out=_("Follow the address in “next”, or begin again without a cursor."),
    )


def _bond(request: HttpRequest) -> str:
    filters = sorted((name, request.GET.getlist(name)) for name in request.GET if name not in _FREE)
    asked = json.dumps([request.path, filters])
    return hashlib.sha256(asked.encode()).hexdigest()[:10]
