"""The period that the charts of a page show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from beffroi.city.series.contracts import Step
from beffroi.kernel.clock import now, parse_instant

LONGEST = timedelta(days=366 * 20)


class Span(StrEnum):
    """How long a period is; the values are those of the address."""

    DAY = "jour"
    WEEK = "semaine"
    MONTH = "mois"
    YEAR = "annee"


LABELS: dict[Span, Promise] = {
    Span.DAY: _("Day"),
    Span.WEEK: _("Week"),
    Span.MONTH: _("Month"),
    Span.YEAR: _("Year"),
}
LENGTHS = {
    Span.DAY: timedelta(days=1),
    Span.WEEK: timedelta(days=7),
    Span.MONTH: timedelta(days=31),
    Span.YEAR: timedelta(days=366),
}
POINTS = {Span.DAY: 1_500, Span.WEEK: 400, Span.MONTH: 800, Span.YEAR: 400}
"""Asked of a curve: raw values over a day, then at most half an hour, an hour and a day each."""
TABLE_STEPS = {
    Span.DAY: Step.HOUR,
    Span.WEEK: Step.DAY,
    Span.MONTH: Step.DAY,
    Span.YEAR: Step.MONTH,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A period of an address; ``chosen`` when the address names its two ends itself."""

    span: Span
    start: datetime
    end: datetime
    chosen: bool

    @property
    def points(self) -> int:
        """Return how many points a chart asks for at most."""
        return POINTS[self.span]

    @property
    def table_step(self) -> Step:
        """Return what one line of the table that says the same stands for."""
        length = self.end - self.start
        if not self.chosen:
            return TABLE_STEPS[self.span]
        if length <= timedelta(days=3):
            return Step.HOUR
        return Step.DAY if length <= timedelta(days=100) else Step.MONTH

    def moved(self, *, forward: bool) -> tuple[datetime, datetime] | None:
        """Return the ends of the period after or before this one; None beyond the present."""
        length = self.end - self.start
        if not forward:
            return self.start - length, self.start
        if not self.chosen or self.end >= now() - timedelta(minutes=1):
            return None
        return self.end, min(self.end + length, now())


def period_of(*, span: str, start: str = "", end: str = "") -> Period:
    """Return the period that the words of an address ask for.

    What cannot be read, or makes no period, is left aside: a link that was cut still opens.
    """
    known = Span(span) if span in set(Span) else Span.DAY
    first, last = _instant(start), _instant(end)
    if first is not None and last is not None and first < last <= first + LONGEST:
        return Period(span=known, start=first, end=last, chosen=True)
    present = now()
    return Period(span=known, start=present - LENGTHS[known], end=present, chosen=False)


def _instant(text: str) -> datetime | None:
    if not text:
        return None
    try:
        # In an address a plus sign that was not escaped arrives as a space.
        return parse_instant(f"{text[:11]}{text[11:].replace(' ', '+')}")
    except (ValueError, OverflowError):
        return None
