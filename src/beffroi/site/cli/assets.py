"""``beffroi assets`` and ``beffroi basemap``: the town's files become things on a map."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from beffroi.kernel.errors import InvalidInput
from beffroi.site.cli.output import Step, line
from beffroi.site.cli.program import Command
from beffroi.site.cli.words import gettext as _
from beffroi.site.cli.words import rows_told

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_commands(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands of ``assets`` and ``basemap``."""
    assets = subparsers.add_parser("assets", help=_("the assets"))
    inner = assets.add_subparsers(metavar="ACTION", required=True)
    importing = inner.add_parser("import", help=_("imports a file as it is"))
    importing.add_argument("file", type=Path, metavar=_("FILE"))
    importing.add_argument("--type", required=True, dest="type_key", help=_("type of asset"))
    importing.add_argument("--territory", metavar=_("TERRITORY"))
    importing.add_argument(
        "--map",
        action="append",
        default=[],
        metavar=_("COLUMN=TARGET"),
        help=_("corrects a column"),
    )
    importing.add_argument("--attribution", default="", help=_("credit due to the authors"))
    importing.add_argument("--licence", default="", help=_("licence of the data"))
    importing.add_argument(
        "--origin",
        default="",
        choices=("real", "replayed", "simulated"),
        help=_("where what it shows comes from"),
    )
    importing.add_argument(
        "--department",
        default="",
        metavar=_("NAME"),
        help=_("department put in charge of the assets that are created"),
    )
    importing.add_argument("--table", default="", help=_("which sheet or layer of the file"))
    importing.add_argument("--prefix", default="", help=_("put before every identifier"))
    importing.add_argument(
        "--absent",
        default="keep",
        choices=("keep", "check", "remove"),
        help=_("what becomes of assets that the file no longer names"),
    )
    importing.add_argument(
        "--absent-of",
        default="",
        metavar=_("FILE"),
        help=_("only those that a file of this name once brought"),
    )
    importing.add_argument("--dry-run", action="store_true", help=_("says what would be done"))
    importing.set_defaults(command=Command(run_import))
    types = inner.add_parser("types", help=_("lists the declared types"))
    types.set_defaults(command=Command(run_types, needs_database=False))

    basemap = subparsers.add_parser("basemap", help=_("the town’s base map"))
    inner = basemap.add_subparsers(metavar="ACTION", required=True)
    layer = inner.add_parser("import", help=_("adds a layer to the base map"))
    layer.add_argument("file", type=Path, metavar=_("FILE"))
    layer.add_argument("--layer", required=True)
    layer.add_argument("--territory", metavar=_("TERRITORY"))
    layer.add_argument("--attribution", default="")
    layer.set_defaults(command=Command(run_basemap_import))
    build = inner.add_parser("build", help=_("makes the tiles again"))
    build.add_argument("--territory", metavar=_("TERRITORY"))
    build.set_defaults(command=Command(run_basemap_build))


def run_import(options: argparse.Namespace) -> int:
    """Import a file, or say what an import would do; 1 when every row was refused."""
    from beffroi.city.assets.api import Absent, ImportOptions, import_file, report_text
    from beffroi.site.cli.choosing import chosen_territory

    territory = chosen_territory(options.territory)
    chosen = ImportOptions(
        attribution=options.attribution,
        licence=options.licence,
        origin=options.origin,
        department_id=_department(options.department, territory_id=territory.id),
        table=options.table,
        prefix=options.prefix,
        absent=Absent(options.absent),
        absent_of=options.absent_of,
    )
    overrides = dict(_assignment(text) for text in options.map)
    with Step(options.file.name) as step:
        report = import_file(
            options.file,
            territory_id=territory.id,
            type_key=options.type_key,
            mapping_overrides=overrides,
            options=chosen,
            dry_run=options.dry_run,
            report=step,
        )
    sys.stdout.write(report_text(report) + "\n")
    return 0 if report.counts.total else 1


def run_types(_options: argparse.Namespace) -> None:
    """List the declared types of assets."""
    from django.utils.translation import gettext

    from beffroi.sdk.registry import domains

    for domain in domains().values():
        for kind in domain.asset_types:
            line(kind.key, domain.key, gettext(kind.label))


def run_basemap_import(options: argparse.Namespace) -> None:
    """Read one layer of the base map from a file."""
    from beffroi.city.basemap.api import basemap_import
    from beffroi.foundation.database.api import acting_for
    from beffroi.site.cli.choosing import chosen_territory

    territory = chosen_territory(options.territory)
    with acting_for(territory.id):
        done = basemap_import(options.file, layer=options.layer, attribution=options.attribution)
    line(done.layer, _("imported"), rows_told(kept=done.stored, refused=done.refused))


def run_basemap_build(options: argparse.Namespace) -> None:
    """Make the tiles of the base map again."""
    from beffroi.city.basemap.api import basemap_build
    from beffroi.foundation.database.api import acting_for
    from beffroi.site.cli.choosing import chosen_territory

    territory = chosen_territory(options.territory)
    with acting_for(territory.id), Step(_("tiles of the base map")) as step:
        basemap_build(progress=step)


def _department(name: str, *, territory_id: int) -> int | None:
    from beffroi.foundation.accounts.api import departments
    from beffroi.foundation.database.api import acting_for

    if not name:
        return None
    with acting_for(territory_id):
        known = {card.name.casefold(): card for card in departments()}
    found = known.get(name.strip().casefold())
    if found is None:
        raise InvalidInput(
            "There is no department {value}.",
            field="--department",
            value=name,
            way_out="The departments are: {known}.",
            params={"value": name, "known": ", ".join(card.name for card in known.values())},
        )
    return found.id


def _assignment(text: str) -> tuple[str, str]:
    column, mark, target = text.rpartition("=")
    if not mark or not column:
        raise InvalidInput(
            "{value} does not say which column goes where.",
            field="--map",
            value=text,
            way_out="Write it as COLUMN=target, for instance NUMERO=@key.",
        )
    return column, target
