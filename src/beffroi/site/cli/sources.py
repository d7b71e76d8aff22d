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
from beffroi.site.cli.words import counted, ngettext
from beffroi.site.cli.words import gettext as _

if TYPE_CHECKING:
    from argparse import _SubParsersAction

SECRET_VARIABLE = "BEFFROI_SOURCE_SECRET"  # noqa: S105 - the name of a variable


def add_commands(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands of ``sources``."""
    sources = subparsers.add_parser("sources", help=_("the sources of measurements"))
    inner = sources.add_subparsers(metavar="ACTION", required=True)
    listing = inner.add_parser("list", help=_("lists the sources and their last message"))
    listing.add_argument("--territory", metavar=_("TERRITORY"))
    listing.set_defaults(command=Command(run_list))
    create = inner.add_parser("create", help=_("opens a source; its secret is shown here only"))
    create.add_argument("connector", metavar=_("CONNECTOR"))
    create.add_argument("name", metavar=_("NAME"))
    create.add_argument("--territory", metavar=_("TERRITORY"))
    create.add_argument("--settings", default="{}", metavar="JSON")
    create.add_argument("--codec", default="", help=_("codec of the devices that have none"))
    create.set_defaults(command=Command(run_create))
    kept = inner.add_parser("messages", help=_("lists the messages kept of a device"))
    kept.add_argument("--device", required=True, metavar=_("IDENTIFIER"))
    kept.add_argument("--territory", metavar=_("TERRITORY"))
    kept.add_argument("--most", type=int, default=100_000, metavar="N")
    kept.set_defaults(command=Command(run_messages))
    send = inner.add_parser("send", help=_("sends a CSV or JSON-lines file in pieces"))
    send.add_argument("file", type=Path, metavar=_("FILE"))
    send.add_argument("address", metavar=_("ADDRESS"), help=_("https://…/ingest/connector/source"))
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
            said = last.astimezone().isoformat(" ", "minutes") if last else _("no message")
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
    line(source.name, _("opened"), absolute(f"/ingest/{source.connector_key}/{source.key}"))
    if issued is not None:
        line("secret", "", _("{secret}   (shown this once)").format(secret=issued.secret))


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
        sender = Sender(base)
        sent = sender.send_all(
            door, lines, batch=options.batch, progress=lambda done: step(done, len(lines))
        )
        step.detail = ngettext("{count} line sent", "{count} lines sent", sent).format(
            count=counted(sent)
        )
        for name, told in (
            ("duplicates", _("{count} known already")),
            ("unclaimed", _("{count} of devices to claim")),
            ("undecodable", _("{count} not decoded")),
            ("quarantined", _("{count} whose time cannot be true")),
            ("refused_count", _("{count} refused")),
        ):
            if sender.totals[name]:
                step.detail += ", " + told.format(count=counted(sender.totals[name]))


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
