"""``beffroi demo``: a living city, from nothing."""

from __future__ import annotations

import argparse
import signal
import tempfile
import threading
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from beffroi.site.cli.output import Step, line
from beffroi.site.cli.program import Command, database_at_hand, set_up_django
from beffroi.site.cli.serve import keeper_of, listen_address, plans, ready_to_serve
from beffroi.site.supervisor import ProcessPlan, Supervisor

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from beffroi.site.demo.folder import DemoFolder
    from beffroi.site.demo.player import Player

LINK_LIFETIME = timedelta(hours=12)


def add_commands(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``demo`` and ``demo-player``."""
    for name, text, run in (
        ("demo", "ouvre une ville de démonstration vivante", run_demo),
        ("demo-player", "joue les appareils de la démonstration", run_player),
    ):
        parser = subparsers.add_parser(name, help=text)
        parser.add_argument("--data", type=Path, default=Path("demo"), metavar="DOSSIER")
        parser.add_argument("--listen", default="127.0.0.1:8000", metavar="HÔTE:PORT")
        own_database = name == "demo-player"
        parser.set_defaults(
            command=Command(run, needs_database=own_database, needs_django=own_database)
        )


def run_demo(options: argparse.Namespace) -> int:
    """Build what is missing, serve, play, print the links, watch until a signal."""
    host, port = listen_address(options.listen)
    supervisor = Supervisor(report=line)
    with database_at_hand() as server, tempfile.TemporaryDirectory(prefix="beffroi-") as sockets:
        set_up_django()
        from beffroi.site.demo.folder import DemoFolder

        with Step("base de données") as step:
            step.detail = ready_to_serve()
        folder = DemoFolder(options.data, state=_state_folder())
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
            line("", "", "Tout est arrêté.")
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

    with Step("territoire de Montpellier") as step:
        town = city.territory(folder)
        step.detail = town.name
    version = folder.version_of(
        *(one.name for one in datasets.BASEMAP), datasets.ADDRESSES, salt=datasets.BASEMAP
    )
    if not folder.is_done("basemap", version=version):
        with Step("fond de carte : rues, parcs, eau, bâtiments") as step:
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
        with Step("équipements simulés") as step:
            step.detail = city.simulated_assets(town)
        with Step("sources et appareils") as step:
            city.sources(folder, town)
            step.detail = city.devices(folder, town, step)
        folder.done("devices", version="1")


def play_past(folder: DemoFolder, *, base_url: str) -> None:
    """Send the past through the ingest door."""
    with Step("relevés passés, par la porte d’ingestion") as step:
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
    line("", "", "")
    for label, address in sign_in_links(town, lifetime=LINK_LIFETIME):
        line(label, "", address)
    line("", "", "Chaque lien sert une fois. Ctrl-C arrête tout.")


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
        detail="appareils rejoués et simulés",
    )


def _state_folder() -> Path:
    from django.conf import settings

    return Path(settings.BEFFROI.data_dir)
