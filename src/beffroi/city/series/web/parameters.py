"""What an address may ask of a series: its period and its step, in French words."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from django.http import QueryDict

from beffroi.city.series.api import ExportFormat, RangeRefused, Step
from beffroi.kernel.clock import PARIS, as_utc, now, parse_instant

USUAL_PERIOD = timedelta(days=1)
USUAL_POINTS = 1_500

_FIRST = datetime(1, 1, 3, tzinfo=UTC)

STEPS = {
    "brut": Step.RAW,
    "5min": Step.MINUTES_5,
    "15min": Step.MINUTES_15,
    "30min": Step.MINUTES_30,
    "heure": Step.HOUR,
    "3h": Step.HOURS_3,
    "6h": Step.HOURS_6,
    "jour": Step.DAY,
    "semaine": Step.WEEK,
    "mois": Step.MONTH,
}
"""Values of ``pas``; without one the finest step that a screen can show is taken."""


def period_of(query: QueryDict) -> tuple[datetime, datetime]:
    """Return the period of ``de`` and ``a``: days or instants; by default the last 24 hours.

    A day stands for its start in ``de`` and for its end in ``a``, at Paris.

    Raises:
        RangeRefused: one of them is neither a day nor an instant.
    """
    end = _instant(query, "a", end=True) or now()
    start = _instant(query, "de", end=False)
    return start or max(end, _FIRST) - USUAL_PERIOD, end


def step_of(query: QueryDict) -> Step | None:
    """Return the step of ``pas``, or None where it is not given.

    Raises:
        RangeRefused: there is no such step.
    """
    text = query.get("pas", "")
    if text in {"", "auto"}:
        return None
    if text not in STEPS:
        raise RangeRefused(
            "There is no step {value}.",
            field="pas",
            value=text,
            way_out="Steps are: {known}.",
            params={"known": ", ".join(STEPS)},
        )
    return STEPS[text]


def points_of(query: QueryDict) -> int:
    """Return the number of points of ``points``.

    Raises:
        RangeRefused: it is not a number.
    """
    text = query.get("points", "") or str(USUAL_POINTS)
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise RangeRefused("{value} is not a number of points.", field="points", value=text)
    return int(text)


def form_of(query: QueryDict, *, extension: str) -> ExportFormat:
    """Return the form of a file; ``forme=international`` gives commas and decimal points.

    Raises:
        RangeRefused: there is no such form.
    """
    if extension == "parquet":
        return ExportFormat.PARQUET
    forms = {"": ExportFormat.CSV_FRENCH, "international": ExportFormat.CSV}
    text = query.get("forme", "")
    if text not in forms:
        raise RangeRefused(
            "There is no form {value}.",
            field="forme",
            value=text,
            way_out="Leave it out, or write international.",
        )
    return forms[text]


def uuids_of(query: QueryDict, name: str) -> list[UUID]:
    """Return the identifiers given under a name, repeated or separated by commas.

    Raises:
        RangeRefused: one is not an identifier.
    """
    found = []
    for text in ",".join(query.getlist(name)).split(","):
        if not text:
            continue
        try:
            found.append(UUID(text))
        except ValueError as problem:
            raise RangeRefused(
                "{value} is not an identifier of a series.", field=name, value=text
            ) from problem
    return found


def _instant(query: QueryDict, name: str, *, end: bool) -> datetime | None:
    text = query.get(name, "").strip()
    if not text:
        return None
    try:
        if len(text) == len("2026-11-22"):
            day = date.fromisoformat(text) + timedelta(days=int(end))
            return as_utc(datetime.combine(day, time(), tzinfo=PARIS))
        # In an address a plus sign that was not escaped arrives as a space.
        return parse_instant(f"{text[:11]}{text[11:].replace(' ', '+')}")
    except (ValueError, OverflowError) as problem:
        raise RangeRefused(
            "{value} is neither a day nor an instant.",
            field=name,
            value=text,
            way_out="Write 2026-11-22 or 2026-11-22T14:30:00+01:00.",
        ) from problem
