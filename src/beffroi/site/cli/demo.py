"""``beffroi demo``: a living city, from nothing."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import threading
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from beffroi.site.cli.holding import LEAST_OCTETS, held
from beffroi.site.cli.output import Step, line
from beffroi.site.cli.program import Command, database_at_hand, set_up_django
from beffroi.site.cli.serve import (
    add_listen,
    keeper_of,
    listen_address,
    plans,
    ready_to_serve,
)
from beffroi.site.cli.words import gettext as _
from beffroi.site.supervisor import ProcessPlan, Supervisor

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from beffroi.site.demo.folder import DemoFolder
    from beffroi.site.demo.player import Player

LINK_LIFETIME = timedelta(hours=12)
FIRST_RUN_OCTETS = 3_000_000_000
"""Free disk that a first run asks for; it was seen to take 1.7 GB with the database's journal."""


def add_commands(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``demo`` and ``demo-player``."""
    demo = subparsers.add_parser("demo", help=_("opens a living demo city"))
    _add_options(demo)
    demo.set_defaults(command=Command(run_demo, needs_database=False, needs_django=False))
    # Without a help text it is not listed: the demo starts it.
    player = subparsers.add_parser("demo-player")
    _add_options(player)
    player.set_defaults(command=Command(run_player))


def run_demo(options: argparse.Namespace) -> int:
    """Build what is missing, serve, play, print the links, watch until a signal."""
    from beffroi.site.demo.folder import DemoFolder

    host, port = listen_address(options.listen)
    folder = DemoFolder(options.data, state=_state_folder())
    supervisor = Supervisor(report=line)
    with (
        held(
            host=host, port=port, needed_octets=LEAST_OCTETS if folder.state() else FIRST_RUN_OCTETS
        ),
        database_at_hand() as server,
        tempfile.TemporaryDirectory(prefix="beffroi-") as sockets,
    ):
        set_up_django()
        with Step(_("database")) as step:
            step.detail = ready_to_serve()
        try:
            build(folder)
            supervisor.start(plans(Path(sockets), host=host, port=port))
            play_past(folder, base_url=f"http://{host}:{port}")
            supervisor.start([_player(options)])
            signal.signal(signal.SIGTERM, supervisor.ask_to_stop)
            signal.signal(signal.SIGINT, supervisor.ask_to_stop)
            print_links(folder)
            supervisor.watch(also=keeper_of(server))
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            supervisor.stop()
            line("", "", _("Everything has stopped."))
    return 0


def run_player(options: argparse.Namespace) -> None:
    """Play the present until a signal."""
    from beffroi.site.demo.folder import DemoFolder

    host, port = listen_address(options.listen)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    folder = DemoFolder(options.data, state=_state_folder())
    player_of(folder, base_url=f"http://{host}:{port}").play(stop)


def build(folder: DemoFolder) -> None:
    """Do the steps that this data directory has not seen with these files."""
    from beffroi.site.demo import city, datasets

    with Step(_("territory of Montpellier")) as step:
        town = city.territory(folder)
        step.detail = town.name
    version = folder.version_of(
        *(one.name for one in datasets.BASEMAP), datasets.ADDRESSES, salt=datasets.BASEMAP
    )
    if not folder.is_done("basemap", version=version):
        with Step(_("base map: streets, parks, water, buildings")) as step:
            step.detail = city.basemap(folder, town, step)
        folder.done("basemap", version=version)
    imported = False
    for wanted in datasets.ASSETS:
        version = folder.version_of(wanted.name, salt=wanted)
        if not folder.is_done(wanted.type_key, version=version):
            with Step(wanted.label) as step:
                step.detail = city.assets(folder, town, wanted, step)
            folder.done(wanted.type_key, version=version)
            imported = True
    if imported or not folder.is_done("devices", version="1"):
        with Step(_("simulated assets")) as step:
            step.detail = city.simulated_assets(town)
        with Step(_("sources and devices")) as step:
            city.sources(folder, town)
            step.detail = city.devices(folder, town, step)
        folder.done("devices", version="1")


def play_past(folder: DemoFolder, *, base_url: str) -> None:
    """Send the past through the ingest door."""
    with Step(_("past observations, through the ingest door")) as step:
        step.detail = player_of(folder, base_url=base_url).past(step)


def player_of(folder: DemoFolder, *, base_url: str) -> Player:
    """Return the player of the demo's town."""
    from beffroi.foundation.database.api import acting_for
    from beffroi.site.demo import city
    from beffroi.site.demo.fleets import fleets
    from beffroi.site.demo.player import Player

    town = city.territory(folder)
    with acting_for(town.id):
        members = {asset_type: city.members_of(asset_type) for asset_type in fleets()}
        garages = city.replayed_car_parks(folder)
    return Player(
        folder,
        doors=city.sources(folder, town),
        members=members,
        garages=garages,
        base_url=base_url,
    )


def print_links(folder: DemoFolder) -> None:
    """Print one sign-in link for an operator and one for an administrator."""
    from beffroi.site.demo import city
    from beffroi.site.demo.people import sign_in_links

    town = city.territory(folder)
    sys.stdout.write("\n")
    line("", "", _("The city is open. Click one of these links to come in:"))
    for label, address in sign_in_links(town, lifetime=LINK_LIFETIME):
        line(label, "", address)
    line("", "", _("Each link works once, within twelve hours. Ctrl-C stops everything."))
    line("", "", _("For another link: {command}").format(command=_link_command()))
    sys.stdout.write("\n")


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("demo"),
        metavar=_("FOLDER"),
        help=_("the demo’s files (default: demo)"),
    )
    add_listen(parser)


def _link_command() -> str:
    """Return what makes another link, as it is typed in the folder one is in."""
    program = os.path.relpath(sys.argv[0]) if "/" in sys.argv[0] else sys.argv[0]
    folder = os.path.relpath(os.environ["BEFFROI_DATA_DIR"])
    return f"{program} --data-dir {folder} people sign-in-link admin@demo.example"


def _player(options: argparse.Namespace) -> ProcessPlan:
    return ProcessPlan(
        name="demo",
        arguments=(
            "demo-player",
            "--data",
            str(options.data.absolute()),
            "--listen",
            options.listen,
        ),
        detail=_("replayed and simulated devices"),
    )


def _state_folder() -> Path:
    return Path(os.environ["BEFFROI_DATA_DIR"])
