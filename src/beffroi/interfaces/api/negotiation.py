"""Which form an answer takes: what the caller accepts, among what the resource has."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from django.http import HttpRequest
from django.utils.translation import gettext_noop as _

from beffroi.interfaces.api.contracts import FormRefused

LONGEST_HEADER = 2_000


class Form(Enum):
    """A form, with its media type and the other names it is asked for by."""

    JSON = ("application/json",)
    GEOJSON = ("application/geo+json", "application/vnd.geo+json")
    NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")
    CSV = ("text/csv",)
    PARQUET = ("application/vnd.apache.parquet", "application/parquet")

    @property
    def media_type(self) -> str:
        """Return the type that the answer declares."""
        return str(self.value[0])


def form_of(request: HttpRequest, offered: Sequence[Form]) -> Form:
    """Return the offered form that the caller likes best; the first of equals.

    Each form has the quality of the most precise range of ``Accept`` that it falls in
    (RFC 9110, 12.5.1). Without the header every form is accepted.

    Raises:
        FormRefused: none of them is accepted.
    """
    header = request.headers.get("Accept", "").strip()
    if not header or header == "*/*":
        return offered[0]
    ranges = ranges_of(header[:LONGEST_HEADER])
    best = max(offered, key=lambda form: _quality(form, ranges))
    if _quality(best, ranges) > 0:
        return best
    raise FormRefused(
        _("This address does not give {accept}."),
        way_out=_("Ask for one of these with the header Accept: {offered}."),
        params={
            "accept": header[:200],
            "offered": ", ".join(form.media_type for form in offered),
        },
    )


def ranges_of(header: str) -> dict[str, float]:
    """Read an ``Accept`` header: media range to quality; what cannot be read is left out."""
    found: dict[str, float] = {}
    for part in header.split(","):
        name, *parameters = (word.strip().lower() for word in part.split(";"))
        if name.count("/") != 1:
            continue
        quality = 1.0
        for parameter in parameters:
            key, _equals, value = parameter.partition("=")
            if key.strip() == "q":
                quality = _weight(value)
        found[name] = quality
    return found


def _weight(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    return weight if 0.0 <= weight <= 1.0 else 0.0


def _quality(form: Form, ranges: dict[str, float]) -> float:
    exact = [ranges[name] for name in form.value if name in ranges]
    if exact:
        return max(exact)
    group = f"{form.media_type.partition('/')[0]}/*"
    return ranges.get(group, ranges.get("*/*", 0.0))
