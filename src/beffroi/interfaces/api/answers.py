"""Answers: a page or a whole list in the form that was asked for, and whether it is still fresh.

Rows stay in columns until they are written: that is how the database and numpy give them, how
Parquet and CSV want them, and msgspec makes JSON objects of them without a Python loop.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec
import numpy as np
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotModified,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.utils.http import parse_etags, urlencode
from django.utils.translation import get_language
from django.utils.translation import gettext_noop as _

from beffroi.foundation.database.api import acting_for
from beffroi.interfaces.api.budgets import BUDGETS
from beffroi.interfaces.api.callers import caller_of
from beffroi.interfaces.api.cursors import CURSOR, cursor_written
from beffroi.interfaces.api.files import csv_head, csv_rows, parquet_parts
from beffroi.interfaces.api.negotiation import Form, form_of
from beffroi.interfaces.api.resources import Resource
from beffroi.kernel.errors import InvalidInput

Column = Sequence[Any] | np.ndarray[Any, Any]
Columns = Mapping[str, Column]

LISTS = (Form.JSON, Form.CSV, Form.NDJSON)
STREAMED = frozenset({Form.CSV, Form.NDJSON, Form.PARQUET})
"""Forms in which a list is given whole, however long, where no limit is asked for."""
STREAM_STEP = 5_000
_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, by columns, and the values from which the next page goes on (None: the end).

    ``stamp`` names columns that change whenever anything else of the row does; empty for all.
    """

    columns: Columns
    after: list[Any] | None
    stamp: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """Return how many rows there are."""
        return next((len(column) for column in self.columns.values()), 0)


Read = Callable[[list[Any] | None, int], Page]
"""From the values of a cursor and a number of rows, the page that follows."""


def listed(
    request: HttpRequest,
    resource: Resource,
    read: Read,
    *,
    limit: int | None,
    usual: int,
    after: list[Any] | None,
    names: Sequence[str],
    forms: Sequence[Form] = LISTS,
) -> HttpResponseBase:
    """Answer with a list: a page of it, or all of it in a form that is streamed.

    Args:
        request: what is asked.
        resource: what the rows are.
        read: gives the rows.
        limit: rows asked for; None was not said.
        usual: rows of a page where nobody says.
        after: values of the cursor.
        names: fields asked for.
        forms: forms there are.
    """
    form = form_of(request, forms)
    if limit is None and form in STREAMED:
        return _streamed(request, resource, read, after=after, names=names, form=form)
    page = read(after, limit or usual)
    etag = _etag(request, form, names, page)
    if _is_kept(request, etag):
        return _unchanged(etag)
    _charge(request, page.count)
    link = "" if page.after is None else _next(request, page.after)
    body = _page_body(page, form, resource=resource, names=names, link=link)
    response = HttpResponse(body, content_type=_content_type(form))
    response.headers["ETag"] = etag
    if link:
        response.headers["Link"] = f'<{link}>; rel="next"'
    _name_file(response, resource, form)
    return response


def single(
    request: HttpRequest,
    values: Mapping[str, Any],
    *,
    names: Sequence[str],
    forms: Sequence[Form] = (Form.JSON,),
) -> HttpResponseBase:
    """Answer with one thing."""
    form = form_of(request, forms)
    body = (
        _encoder.encode(feature(values, names))
        if form is Form.GEOJSON
        else _encoder.encode({name: values[name] for name in names})
    )
    etag = f'W/"{_digest(body, form.name, get_language() or "")}"'
    if _is_kept(request, etag):
        return _unchanged(etag)
    _charge(request, 1)
    response = HttpResponse(body, content_type=_content_type(form))
    response.headers["ETag"] = etag
    return response


def names_of(request: HttpRequest, resource: Resource, fields: str | None) -> tuple[str, ...]:
    """Return the fields that ``fields`` names, in its order; the usual ones when it is not there.

    Raises:
        InvalidInput: the resource has no such field.
    """
    del request
    if fields is None:
        return resource.default_names
    names = tuple(dict.fromkeys(part.strip() for part in fields.split(",") if part.strip()))
    for name in names:
        if name not in resource.names:
            raise InvalidInput(
                _("There is no field {value}."),
                field="fields",
                value=name,
                way_out=_("The fields are: {known}."),
                params={"value": name[:100], "known": ", ".join(resource.names)},
            )
    if not names:
        raise InvalidInput(
            _("No field is named."),
            field="fields",
            value=fields,
            way_out=_("Leave the parameter out to have them all."),
        )
    return names


def feature(values: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return a GeoJSON feature (RFC 7946): the asked fields are its properties."""
    return {
        "type": "Feature",
        "id": values.get("id") or values.get("stream"),
        "geometry": values.get("geometry")
        or {"type": "Point", "coordinates": [values["lon"], values["lat"]]},
        "properties": {
            name: values[name] for name in names if name not in {"id", "geometry", "lon", "lat"}
        },
    }


@cache
def _row_type(names: tuple[str, ...]) -> Callable[..., Any]:
    return msgspec.defstruct("Row", [(name, Any) for name in names], gc=False)


def rows_of(columns: Columns, names: Sequence[str]) -> list[Any]:
    """Return the rows as objects that msgspec writes with the names of the columns."""
    lists = [plain(columns[name]) for name in names]
    return list(map(_row_type(tuple(names)), *lists))


def plain(column: Column) -> Sequence[Any]:
    """Return Python's own values of a column; instants of numpy become text."""
    if not isinstance(column, np.ndarray):
        return column
    if column.dtype.kind == "M":
        found: list[str] = np.datetime_as_string(column, unit="ms", timezone="UTC").tolist()
        return found
    values: list[Any] = column.tolist()
    return values


def _page_body(
    page: Page, form: Form, *, resource: Resource, names: Sequence[str], link: str
) -> bytes:
    match form:
        case Form.CSV:
            return csv_head(names) + csv_rows(page.columns, names)
        case Form.NDJSON:
            return _encoder.encode_lines(rows_of(page.columns, names))
        case Form.PARQUET:
            return b"".join(parquet_parts(resource, names, iter([page.columns])))
        case Form.GEOJSON:
            every = {name: plain(column) for name, column in page.columns.items()}
            features = [
                feature(dict(zip(every, row, strict=True)), names)
                for row in zip(*every.values(), strict=True)
            ]
            return _encoder.encode(
                {"type": "FeatureCollection", "features": features, "next": link or None}
            )
        case _:
            return _encoder.encode({"items": rows_of(page.columns, names), "next": link or None})


def _streamed(
    request: HttpRequest,
    resource: Resource,
    read: Read,
    *,
    after: list[Any] | None,
    names: Sequence[str],
    form: Form,
) -> HttpResponseBase:
    # What cannot be given is refused now, and not in the middle of the answer.
    first = read(after, STREAM_STEP)
    batches = _batches(request, read, first)
    parts: Iterator[bytes]
    match form:
        case Form.CSV:
            parts = _csv_parts(batches, names)
        case Form.PARQUET:
            parts = parquet_parts(resource, names, batches)
        case _:
            parts = (_encoder.encode_lines(rows_of(batch, names)) for batch in batches)
    response = StreamingHttpResponse(
        (part for part in parts if part), content_type=_content_type(form)
    )
    _name_file(response, resource, form)
    return response


def _batches(request: HttpRequest, read: Read, first: Page) -> Iterator[Columns]:
    """Give the rest of a list, each part in a transaction of its own: a slow reader locks none."""
    caller = caller_of(request)
    page = first
    while True:
        _charge(request, page.count)
        yield page.columns
        if page.after is None:
            return
        with acting_for(caller.access.territory_id, user_id=caller.access.user_id or None):
            page = read(page.after, STREAM_STEP)


def _csv_parts(batches: Iterator[Columns], names: Sequence[str]) -> Iterator[bytes]:
    yield csv_head(names)
    for batch in batches:
        yield csv_rows(batch, names)


def _is_kept(request: HttpRequest, etag: str) -> bool:
    kept = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in kept or etag.removeprefix("W/") in {one.removeprefix("W/") for one in kept}


def _unchanged(etag: str) -> HttpResponse:
    response = HttpResponseNotModified()
    response.headers["ETag"] = etag
    return response


def _etag(request: HttpRequest, form: Form, names: Sequence[str], page: Page) -> str:
    stamped = page.stamp or tuple(page.columns)
    digest = hashlib.blake2b(digest_size=12)
    for name in stamped:
        column = page.columns[name]
        if isinstance(column, np.ndarray):
            digest.update(np.ascontiguousarray(column).tobytes())
        else:
            digest.update(msgspec.msgpack.encode(column))
    asked = _digest(
        request.get_full_path().encode(), form.name, ",".join(names), get_language() or ""
    )
    return f'W/"{digest.hexdigest()}-{asked}"'


def _digest(octets: bytes, *words: str) -> str:
    return hashlib.blake2b(octets + "\n".join(words).encode(), digest_size=8).hexdigest()


def _next(request: HttpRequest, after: list[Any]) -> str:
    query = [
        (name, value)
        for name in request.GET
        if name != CURSOR
        for value in request.GET.getlist(name)
    ]
    return f"{request.path}?{urlencode([*query, (CURSOR, cursor_written(request, after))])}"


def _charge(request: HttpRequest, rows: int) -> None:
    caller = getattr(request, "caller", None)
    if caller is not None and caller.allowance is not None:
        BUDGETS.charge(caller.allowance, rows)


def _content_type(form: Form) -> str:
    return f"{form.media_type}; charset=utf-8" if form is Form.CSV else form.media_type


def _name_file(response: HttpResponseBase, resource: Resource, form: Form) -> None:
    if form in {Form.CSV, Form.PARQUET}:
        name = resource.plural.replace(" ", "-")
        ending = "csv" if form is Form.CSV else "parquet"
        response.headers["Content-Disposition"] = f'attachment; filename="{name}.{ending}"'
