"""``beffroi init``: a town, its areas, its first administrator."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from beffroi.kernel.errors import InvalidInput
from beffroi.site.cli.output import line
from beffroi.site.cli.program import Command
from beffroi.site.cli.words import gettext as _
from beffroi.site.cli.words import ngettext

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_commands(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``init``."""
    parser = subparsers.add_parser(
        "init", help=_("opens a territory and invites its administrator")
    )
    authority = parser.add_mutually_exclusive_group(required=True)
    authority.add_argument("--insee", metavar="CODE", help=_("a commune, by its INSEE code"))
    authority.add_argument(
        "--siren", metavar=_("NUMBER"), help=_("an inter-municipal body, by its SIREN")
    )
    parser.add_argument("--name", metavar=_("NAME"), help=_("name, when the SIREN is in no list"))
    parser.add_argument("--kind", choices=("departement", "syndicat"))
    parser.add_argument(
        "--slug", metavar=_("WORD"), help=_("word of the addresses (default: from the name)")
    )
    parser.add_argument(
        "--boundary", type=Path, metavar="GEOJSON", help=_("boundary of the territory")
    )
    parser.add_argument("--areas", type=Path, metavar="GEOJSON", help=_("districts"))
    parser.add_argument(
        "--admin", required=True, metavar=_("ADDRESS"), help=_("first administrator")
    )
    parser.set_defaults(command=Command(run_init))


def run_init(options: argparse.Namespace) -> None:
    """Migrate if needed, make the territory, print the invitation once."""
    from django.db import transaction

    from beffroi.foundation.accounts.api import first_administrator_invite
    from beffroi.foundation.territories.api import TerritoryKind, territory_create
    from beffroi.site.links import absolute
    from beffroi.site.migration import migrate, pending_migrations

    if pending_migrations():
        migrate()
    # One transaction: a wrong boundary file leaves no half-made territory behind.
    with transaction.atomic():
        territory = territory_create(
            insee=options.insee,
            siren=options.siren,
            name=options.name,
            kind=TerritoryKind(options.kind) if options.kind else None,
            slug=options.slug,
        )
        areas = shapes_set(territory.id, boundary=options.boundary, areas=options.areas)
        issued = first_administrator_invite(territory.id, email=options.admin)
    districts = ngettext("{count} district", "{count} districts", areas).format(count=areas)
    line(territory.name, _("open"), f"/t/{territory.slug}/ — {districts}")
    line(
        _("administrator"),
        _("invited"),
        _("{email}, by this link, which works once, within seven days:").format(
            email=options.admin
        ),
    )
    line("", "", absolute(issued.path))


def shapes_set(territory_id: int, *, boundary: Path | None, areas: Path | None) -> int:
    """Give a territory its boundary and its districts; return how many districts."""
    from beffroi.foundation.database.api import acting_for
    from beffroi.foundation.territories.api import (
        AreaKind,
        area_drafts_from_geojson,
        areas_replace,
        boundary_from_geojson,
        territory_boundary_set,
    )

    drafts = []
    with acting_for(territory_id):
        if boundary is not None:
            territory_boundary_set(territory_id, boundary=boundary_from_geojson(_read(boundary)))
        if areas is not None:
            drafts = area_drafts_from_geojson(_read(areas))
            areas_replace(territory_id, kind=AreaKind.DISTRICT, drafts=drafts)
    return len(drafts)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise InvalidInput(
            "The file {value} cannot be read: {reason}.",
            field="file",
            value=str(path),
            params={"reason": problem.strerror or ""},
        ) from None
