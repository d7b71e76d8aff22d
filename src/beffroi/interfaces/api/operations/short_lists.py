"""Lists that are read whole: some dozens or hundreds of rows, cut into pages by their key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from beffroi.interfaces.api.answers import LISTS, Page, listed, names_of
from beffroi.interfaces.api.asking import USUAL_ROWS, PageAsked
from beffroi.interfaces.api.cursors import cursor_read
from beffroi.interfaces.api.resources import Resource


def short_list(
    request: HttpRequest,
    resource: Resource,
    found: Sequence[dict[str, Any]],
    asked: PageAsked,
    *,
    key: str | tuple[str, ...],
) -> HttpResponseBase:
    """Answer with rows in the order of their key, which is unique."""
    keys = (key,) if isinstance(key, str) else key

    def rank(row: dict[str, Any]) -> list[str]:
        return [str(row[name]) for name in keys]

    ordered = sorted(found, key=rank)

    def read(after: list[Any] | None, limit: int) -> Page:
        rest = ordered if after is None else [row for row in ordered if rank(row) > after]
        rows = rest[:limit]
        return Page(
            columns={name: [row[name] for row in rows] for name in resource.names},
            after=rank(rows[-1]) if len(rest) > limit else None,
        )

    after = cursor_read(request, len(keys))
    return listed(
        request,
        resource,
        read,
        limit=asked.limit,
        usual=USUAL_ROWS,
        after=None if after is None else [str(value) for value in after],
        names=names_of(request, resource, asked.fields),
        forms=LISTS,
    )
