"""``beffroi sources``: doors for networks, and what is sent through them."""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beffroi.kernel.errors import InvalidInput
from beffroi.site.cli.output import Step, line
from beffroi.site.cli.program import Command

if TYPE_CHECKING:
    from argparse import _SubParsersAction

SECRET_VARIABLE = "BEFFROI_SOURCE_SECRET"  # noqa: S105 - the name of a variable


def add_commands(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands of ``sources``."""
    sources = subparsers.add_parser("sources", help="les sources de mesures")
    inner = sources.add_subparsers(metavar="ACTION", required=True)
    listing = inner.add_parser("list", help="liste les sources et leur dernier message")
    listing.add_argument("--territory", metavar="TERRITOIRE")
    listing.set_defaults(command=Command(run_list))
    create = inner.add_parser("create", help="ouvre une source ; son secret n’est montré qu’ici")
    create.add_argument("connector", metavar="CONNECTEUR")
    create.add_argument("name", metavar="NOM")
    create.add_argument("--territory", metavar="TERRITOIRE")
    create.add_argument("--settings", default="{}", metavar="JSON")
    create.add_argument("--codec", default="", help="décodeur des appareils qui n’en ont pas")
    create.set_defaults(command=Command(run_create))
    kept = inner.add_parser("messages", help="liste les messages gardés d’un appareil")
    kept.add_argument("--device", required=True, metavar="IDENTIFIANT")
    kept.add_argument("--territory", metavar="TERRITOIRE")
    kept.add_argument("--most", type=int, default=100_000, metavar="N")
    kept.set_defaults(command=Command(run_messages))
    send = inner.add_parser("send", help="envoie un fichier CSV ou JSON par lignes, par morceaux")
    send.add_argument("file", type=Path, metavar="FICHIER")
    send.add_argument("address", metavar="ADRESSE", help="https://…/ingest/connecteur/source")
    send.add_argument("--batch", type=int, default=1_000)
    send.set_defaults(command=Command(run_send, needs_database=False))


def run_list(options: argparse.Namespace) -> None:
    """Print one line for each source."""
    from beffroi.city.ingest.api import sources_list
    from beffroi.foundation.database.api import acting_for
    from beffroi.site.cli.choosing import chosen_territory

    with acting_for(chosen_territory(options.territory).id):
        for source in sources_list():
            last = source.last_message_at
            said = last.astimezone().isoformat(" ", "minutes") if last else "aucun message"
            line(source.name, source.connector_key, said)


def run_create(options: argparse.Namespace) -> None:
    """Open a source and print its address and secret, once."""
    from beffroi.city.ingest.api import source_create
    from beffroi.foundation.database.api import acting_for
    from beffroi.site.cli.choosing import chosen_territory
    from beffroi.site.links import absolute

    with acting_for(chosen_territory(options.territory).id):
        source, issued = source_create(
            options.connector,
            name=options.name,
            settings=_settings(options.settings),
            default_codec=options.codec,
        )
    line(source.name, "ouverte", absolute(f"/ingest/{source.connector_key}/{source.key}"))
    if issued is not None:
        line("secret", "", f"{issued.secret}   (montré une seule fois)")


def run_messages(options: argparse.Namespace) -> None:
    """Print the time of each message kept of a device, the last first."""
    from beffroi.city.ingest.api import device_messages
    from beffroi.foundation.database.api import acting_for
    from beffroi.site.cli.choosing import chosen_territory

    with acting_for(chosen_territory(options.territory).id):
        for message in device_messages(options.device, limit=options.most):
            sys.stdout.write(f"{message.observed_at.astimezone(UTC).isoformat()}\n")


def run_send(options: argparse.Namespace) -> None:
    """Send a file to a door in pieces; what was taken already is not taken twice.

    Raises:
        InvalidInput: the address is no door, the file cannot be read, or no secret is set.
    """
    from beffroi.site.sending import Sender, door_of

    secret = os.environ.get(SECRET_VARIABLE, "")
    if not secret:
        raise InvalidInput(
            "The source's secret is not known.",
            field=SECRET_VARIABLE,
            way_out="Set {field} in the environment; a command line can be read by others.",
        )
    lines = options.file.read_bytes().splitlines()
    is_csv = options.file.suffix.lower() in {".csv", ".tsv", ".txt"}
    base, door = door_of(options.address, secret=secret, is_csv=is_csv)
    if is_csv:
        door, lines = door.with_header(lines[0]), lines[1:]
    with Step(options.file.name) as step:
        sent = Sender(base).send_all(
            door, lines, batch=options.batch, progress=lambda done: step(done, len(lines))
        )
        step.detail = f"{sent} lignes envoyées"


def _settings(text: str) -> dict[str, Any]:
    try:
        settings = json.loads(text)
    except ValueError:
        settings = None
    if not isinstance(settings, dict):
        raise InvalidInput(
            "{value} is not a JSON object.", field="--settings", value=text
        ) from None
    return settings
