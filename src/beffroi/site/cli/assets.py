"""``beffroi assets`` and ``beffroi basemap``: the town's files become things on a map."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from beffroi.kernel.errors import InvalidInput
from beffroi.site.cli.output import Step, line
from beffroi.site.cli.program import Command

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_commands(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands of ``assets`` and ``basemap``."""
    assets = subparsers.add_parser("assets", help="les équipements")
    inner = assets.add_subparsers(metavar="ACTION", required=True)
    importing = inner.add_parser("import", help="importe un fichier tel qu’il est")
    importing.add_argument("file", type=Path, metavar="FICHIER")
    importing.add_argument("--type", required=True, dest="type_key", help="type d’équipement")
    importing.add_argument("--territory", metavar="TERRITOIRE")
    importing.add_argument(
        "--map", action="append", default=[], metavar="COLONNE=CIBLE", help="corrige une colonne"
    )
    importing.add_argument("--attribution", default="", help="mention due aux auteurs")
    importing.add_argument("--dry-run", action="store_true", help="dit ce qui serait fait")
    importing.set_defaults(command=Command(run_import))
    types = inner.add_parser("types", help="liste les types déclarés")
    types.set_defaults(command=Command(run_types, needs_database=False))

    basemap = subparsers.add_parser("basemap", help="le fond de carte de la ville")
    inner = basemap.add_subparsers(metavar="ACTION", required=True)
    layer = inner.add_parser("import", help="ajoute une couche au fond de carte")
    layer.add_argument("file", type=Path, metavar="FICHIER")
    layer.add_argument("--layer", required=True)
    layer.add_argument("--territory", metavar="TERRITOIRE")
    layer.add_argument("--attribution", default="")
    layer.set_defaults(command=Command(run_basemap_import))
    build = inner.add_parser("build", help="refait les tuiles")
    build.add_argument("--territory", metavar="TERRITOIRE")
    build.set_defaults(command=Command(run_basemap_build))


def run_import(options: argparse.Namespace) -> int:
    """Import a file, or say what an import would do; 1 when every row was refused."""
    from beffroi.city.assets.api import ImportOptions, import_file, report_text
    from beffroi.site.cli.choosing import chosen_territory

    territory = chosen_territory(options.territory)
    overrides = dict(_assignment(text) for text in options.map)
    with Step(options.file.name) as step:
        report = import_file(
            options.file,
            territory_id=territory.id,
            type_key=options.type_key,
            mapping_overrides=overrides,
            options=ImportOptions(attribution=options.attribution),
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
    line(done.layer, "importé", f"{done.stored} objets, {done.refused} refusés")


def run_basemap_build(options: argparse.Namespace) -> None:
    """Make the tiles of the base map again."""
    from beffroi.city.basemap.api import basemap_build
    from beffroi.foundation.database.api import acting_for
    from beffroi.site.cli.choosing import chosen_territory

    territory = chosen_territory(options.territory)
    with acting_for(territory.id), Step("tuiles du fond de carte") as step:
        basemap_build(progress=step)


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
