"""``beffroi api``: what programs read the city with."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from beffroi.site.cli.output import line
from beffroi.site.cli.program import Command
from beffroi.site.cli.words import gettext as _

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_commands(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands of ``api``."""
    api = subparsers.add_parser("api", help=_("the interface that programs read"))
    inner = api.add_subparsers(metavar="ACTION", required=True)
    client = inner.add_parser("client", help=_("writes a typed Python client of the API"))
    client.add_argument(
        "--to", type=Path, required=True, metavar=_("FOLDER"), help=_("where to write it")
    )
    client.set_defaults(command=Command(run_client, needs_database=False))


def run_client(options: argparse.Namespace) -> None:
    """Write the client from the OpenAPI document."""
    from beffroi.interfaces.api.client_writer import MODULE, client_module
    from beffroi.interfaces.api.publication import openapi

    path = options.to / MODULE
    options.to.mkdir(parents=True, exist_ok=True)
    path.write_text(client_module(openapi()), encoding="utf-8")
    line(MODULE, _("written"), str(path))
