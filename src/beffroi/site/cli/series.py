"""``beffroi series``: closed months leave as Parquet, and come back."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from beffroi.kernel.errors import BeffroiError, InvalidInput
from beffroi.site.cli.output import Step, line
from beffroi.site.cli.program import Command
from beffroi.site.cli.words import counted, decimal, ngettext
from beffroi.site.cli.words import gettext as _

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from beffroi.city.archive.api import Month, MonthImported, Place
    from beffroi.foundation.territories.api import TerritoryCard


def add_commands(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands of ``series``."""
    series = subparsers.add_parser("series", help=_("the history of measurements"))
    inner = series.add_subparsers(metavar="ACTION", required=True)
    export = inner.add_parser("export", help=_("writes closed months as Parquet files"))
    export.add_argument(
        "--to", required=True, metavar=_("PLACE"), help=_("a folder, or s3://bucket/prefix")
    )
    _choice(export)
    export.add_argument(
        "--measure",
        action="append",
        default=[],
        metavar=_("MEASURE"),
        help=_("only this measure; may be repeated"),
    )
    export.add_argument(
        "--replace",
        action="store_true",
        help=_("also where fewer values are left in the database than in the archive"),
    )
    export.set_defaults(command=Command(run_export))
    importing = inner.add_parser("import", help=_("reads exported months back"))
    importing.add_argument("place", metavar=_("PLACE"), help=_("a folder, or s3://bucket/prefix"))
    _choice(importing)
    importing.add_argument(
        "--check", action="store_true", help=_("verifies everything and writes nothing")
    )
    importing.set_defaults(command=Command(run_import))


def _choice(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--territory", metavar=_("TERRITORY"))
    parser.add_argument("--month", default="", metavar="2026-05", help=_("this month alone"))
    parser.add_argument(
        "--from", default="", dest="first", metavar="2026-01", help=_("the first month")
    )
    parser.add_argument("--until", default="", metavar="2026-12", help=_("the last month"))


def run_export(options: argparse.Namespace) -> int:
    """Export each month and say what became of it; 1 when one could not be exported."""
    from beffroi.city.archive.api import month_export, place_open

    place = place_open(options.to)
    failed = 0
    for territory in _territories(options.territory):
        for month in _months(options, territory):
            try:
                with Step(f"{territory.slug} {month}") as step:
                    done = month_export(
                        place,
                        territory=territory,
                        month=month,
                        measures=options.measure,
                        replace=options.replace,
                        progress=step,
                    )
                    step.detail = {
                        "written": _("{rows} observations, {size} MB"),
                        "unchanged": _("unchanged, {rows} observations"),
                        "kept": _("kept as it was: fewer values are left in the database"),
                        "empty": _("nothing was observed"),
                    }[done.outcome].format(
                        rows=counted(done.rows), size=decimal(done.octets / 1_000_000)
                    )
            except BeffroiError as problem:
                failed += 1
                line(f"{territory.slug} {month}", _("failed"), problem.told(_))
    return 1 if failed else 0


def run_import(options: argparse.Namespace) -> int:
    """Verify each month, then bring it back; 1 when something was refused or left out."""
    from beffroi.city.archive.api import archives_found, place_open

    place = place_open(options.place)
    cards = {card.slug: card for card in _territories(None)}
    wanted = _bounds(options)
    found = [
        (slug, month)
        for slug, month in archives_found(place, territory=options.territory)
        if wanted[0] is None or wanted[0] <= month
        if wanted[1] is None or month <= wanted[1]
    ]
    healthy = bool(found)
    for slug, month in found:
        try:
            with Step(f"{slug} {month}") as step:
                if options.check or slug not in cards:
                    healthy &= _checked(place, slug, month, known=slug in cards, step=step)
                else:
                    healthy &= _imported(place, cards[slug], month, step=step)
        except BeffroiError as problem:
            healthy = False
            line(f"{slug} {month}", _("refused"), problem.told(_))
    return 0 if healthy else 1


def _checked(place: Place, slug: str, month: Month, *, known: bool, step: Step) -> bool:
    from beffroi.city.archive.api import month_verify

    manifest = month_verify(place, territory=slug, month=month)
    text = _("whole, {rows} observations") if known else _("whole; no such territory here")
    step.detail = text.format(rows=counted(manifest.rows))
    return known


def _imported(place: Place, territory: TerritoryCard, month: Month, *, step: Step) -> bool:
    from beffroi.city.archive.api import month_import

    done = month_import(place, territory=territory, month=month, progress=step)
    step.detail = _told(done)
    for orphan in done.orphans:
        line(orphan, _("left out"), _("the territory has no such asset"))
    return not done.rows_left_out


def _told(done: MonthImported) -> str:
    parts = [
        ngettext("{count} new", "{count} new", done.stored).format(count=counted(done.stored)),
        ngettext("{count} known", "{count} known", done.known).format(count=counted(done.known)),
    ]
    if done.streams_made:
        text = ngettext("{count} series made", "{count} series made", done.streams_made)
        parts.append(text.format(count=counted(done.streams_made)))
    if done.rows_left_out:
        text = ngettext("{count} left out", "{count} left out", done.rows_left_out)
        parts.append(text.format(count=counted(done.rows_left_out)))
    return ", ".join(parts)


def _territories(slug: str | None) -> list[TerritoryCard]:
    from beffroi.foundation.territories.api import territories_all, territory_by_slug

    return [territory_by_slug(slug)] if slug else list(territories_all())


def _months(options: argparse.Namespace, territory: TerritoryCard) -> list[Month]:
    from beffroi.city.archive.api import Month, closed_months, first_month
    from beffroi.kernel.clock import PARIS, now

    low, high = _bounds(options)
    if options.month and low is not None:
        return [low]  # said to be still open where it is
    first = first_month(territory)
    if first is None:
        return []
    today = Month.of(now().astimezone(PARIS).date())
    return closed_months(max(low or first, first), min(high or today, today), at=now())


def _bounds(options: argparse.Namespace) -> tuple[Month | None, Month | None]:
    from beffroi.city.archive.api import Month

    if options.month and (options.first or options.until):
        raise InvalidInput(
            "--month and --from or --until contradict each other.",
            field="--month",
            value=options.month,
        )
    if options.month:
        month = Month.parse(options.month)
        return month, month
    return (
        Month.parse(options.first, option="--from") if options.first else None,
        Month.parse(options.until, option="--until") if options.until else None,
    )
