"""Which months a territory has, and what a worker does about them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from beffroi.city.archive.contracts import ArchiveFailed, Month, MonthExported
from beffroi.city.archive.exporting import closed_months, month_export
from beffroi.city.archive.manifests import manifest_read, month_folder
from beffroi.city.archive.places import Place
from beffroi.city.archive.selectors import first_day
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.api import TerritoryCard, territories_all
from beffroi.kernel.clock import PARIS
from beffroi.kernel.errors import BeffroiError


def first_month(territory: TerritoryCard) -> Month | None:
    """Return the month of the oldest observation of a territory."""
    with acting_for(territory.id):
        day = first_day()
    return None if day is None else Month.of(day)


def month_export_next(
    place: Place, *, at: datetime, empty: set[tuple[str, Month]]
) -> MonthExported | None:
    """Export the oldest closed month that a place does not hold, of any territory; one at a time.

    A month that cannot be exported keeps no other from being so. Months of which nothing is to be
    had are added to ``empty``, and not looked at again while they are in it.

    Raises:
        ArchiveFailed: a month could not be, and no other was left; naming each, and why.
    """
    failures: list[str] = []
    for territory in territories_all():
        for month in _closed(territory, at=at):
            folder = month_folder(place, territory=territory.slug, month=month)
            if (territory.slug, month) in empty:
                continue
            with _noted(failures, territory, month):
                if manifest_read(folder, territory=territory.slug, month=month) is not None:
                    continue
                done = month_export(place, territory=territory, month=month)
                if done.outcome == "written":
                    return done
                empty.add((territory.slug, month))
    _tell(failures)
    return None


def months_refresh(place: Place, *, at: datetime) -> list[MonthExported]:
    """Compare the latest closed month of each territory with what is stored: values come late.

    Raises:
        ArchiveFailed: naming each month that could not be, and why.
    """
    done: list[MonthExported] = []
    failures: list[str] = []
    for territory in territories_all():
        for month in _closed(territory, at=at)[-1:]:
            with _noted(failures, territory, month):
                done.append(month_export(place, territory=territory, month=month))
    _tell(failures)
    return [item for item in done if item.outcome == "written"]


def _closed(territory: TerritoryCard, *, at: datetime) -> list[Month]:
    first = first_month(territory)
    today = Month.of(at.astimezone(PARIS).date())
    return [] if first is None else closed_months(first, today, at=at)


@contextmanager
def _noted(failures: list[str], territory: TerritoryCard, month: Month) -> Iterator[None]:
    try:
        yield
    except (BeffroiError, OSError) as problem:
        failures.append(f"{territory.slug} {month}: {problem}")


def _tell(failures: list[str]) -> None:
    if failures:
        raise ArchiveFailed(
            "{count} months were not archived. {problems}",
            params={"count": len(failures), "problems": " ; ".join(failures[:5])},
        )
