"""What addresses are asked with: parameters that several share, and how they are read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext_noop as _
from ninja import Schema
from pydantic import Field

from beffroi.kernel.clock import parse_instant
from beffroi.kernel.errors import InvalidInput
from beffroi.kernel.geometry import BoundingBox

MOST_ROWS = 10_000
USUAL_ROWS = 1_000
MOST_NAMED = 500
_KEY = re.compile(r"[a-z][a-z0-9_]{0,62}")
_IDENTIFIER = re.compile(r"[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}")
_NUMBER = re.compile(r"[+-]?\d{1,4}(\.\d{0,20})?", re.ASCII)
FIRST_YEAR, LAST_YEAR = 1970, 2199


class FieldsAsked(Schema):
    """Which fields of a thing are given."""

    fields: str | None = Field(
        None,
        max_length=1_000,
        description="Fields to give, separated by commas; all the usual ones by default.",
        examples=["id,name"],
    )


class PageAsked(FieldsAsked):
    """Which part of a list is given."""

    limit: int | None = Field(
        None,
        ge=1,
        le=MOST_ROWS,
        description=(
            f"Rows of a page, {USUAL_ROWS} by default. In CSV, NDJSON and Parquet, without it, "
            "the whole list is given at once."
        ),
        examples=[100],
    )
    cursor: str | None = Field(
        None,
        max_length=500,
        description="Where a former page ended; “next” and the header Link hold it.",
    )


class PeriodAsked(PageAsked):
    """Which period of a series is given."""

    start: str = Field(
        ...,
        max_length=40,
        description="First instant, with its offset (ISO 8601).",
        examples=["2026-03-01T00:00:00+01:00"],
        json_schema_extra={"format": "date-time"},
    )
    end: str = Field(
        ...,
        max_length=40,
        description="Instant that ends the period, itself left out.",
        examples=["2026-04-01T00:00:00+02:00"],
        json_schema_extra={"format": "date-time"},
    )


def instant(text: str, *, field: str) -> datetime:
    """Read an instant with its offset, between 1970 and 2199.

    Raises:
        InvalidInput: it is not one.
    """
    try:
        # A plus sign that was not encoded arrives as a space.
        found = parse_instant(re.sub(r" (\d{2}:\d{2})$", r"+\1", text))
    except (ValueError, OverflowError):
        found = None
    if found is None or not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise InvalidInput(
            _("{value} is not an instant with its offset."),
            field=field,
            value=text,
            way_out=_("Write it as 2026-03-29T08:30:00+02:00 or 2026-03-29T06:30:00Z."),
            params={"value": text},
        )
    return found


def period(asked: PeriodAsked) -> tuple[datetime, datetime]:
    """Read both ends of a period.

    Raises:
        InvalidInput: one is no instant, or the end is not after the start.
    """
    start, end = instant(asked.start, field="start"), instant(asked.end, field="end")
    if end <= start:
        raise InvalidInput(_("The period ends before it begins."), field="end", value=asked.end)
    return start, end


def keys(text: str | None, *, field: str, known: Sequence[str] | None = None) -> tuple[str, ...]:
    """Read keys separated by commas.

    Raises:
        InvalidInput: one has not the form of a key, or is none of ``known``.
    """
    found = tuple(dict.fromkeys(part.strip() for part in (text or "").split(",") if part.strip()))
    for key in found:
        if not _KEY.fullmatch(key) or (known is not None and key not in known):
            raise InvalidInput(
                _("There is no {field} called {value}."),
                field=field,
                value=key,
                way_out=_("The catalogue lists them: domains, asset-types, measures."),
                params={"value": key[:100]},
            )
    return found


def identifiers(text: str | None, *, field: str) -> tuple[UUID, ...]:
    """Read identifiers separated by commas.

    Raises:
        InvalidInput: one is not a UUID, or there are too many.
    """
    parts = [part.strip() for part in (text or "").split(",") if part.strip()]
    if len(parts) > MOST_NAMED:
        raise InvalidInput(
            _("{count} identifiers are more than {most}."),
            field=field,
            value=f"{parts[0]}…",
            params={"count": len(parts), "most": MOST_NAMED},
        )
    return tuple(dict.fromkeys(_uuid(part, field=field) for part in parts))


def rectangle(text: str | None) -> BoundingBox | None:
    """Read ``west,south,east,north`` in degrees.

    Raises:
        InvalidInput: it is not a rectangle of the earth.
    """
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    if len(parts) == 4 and all(_NUMBER.fullmatch(part) for part in parts):
        west, south, east, north = (float(part) for part in parts)
        if -180 <= west <= east <= 180 and -90 <= south <= north <= 90:
            return BoundingBox(west, south, east, north)
    raise InvalidInput(
        _("{value} is not a rectangle."),
        field="bbox",
        value=text,
        way_out=_("Write west,south,east,north in degrees, as 3.80,43.55,3.95,43.68."),
        params={"value": text[:200]},
    )


def _uuid(text: str, *, field: str) -> UUID:
    # UUID() would read braces and a URN as well, and say so in no two ways alike.
    if not _IDENTIFIER.fullmatch(text):
        raise InvalidInput(
            _("{value} is not an identifier (UUID)."),
            field=field,
            value=text,
            params={"value": text[:100]},
        )
    return UUID(text)
