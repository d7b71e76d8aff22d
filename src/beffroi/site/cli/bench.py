"""``beffroi bench``: figures anybody can measure again, beside their floor."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from beffroi.site.cli.program import Command
from beffroi.site.cli.words import gettext as _

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_commands(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands of ``bench``."""
    bench = subparsers.add_parser("bench", help=_("measures that anybody can repeat"))
    inner = bench.add_subparsers(metavar=_("MEASURE"), required=True)
    read = inner.add_parser("read", help=_("reading series of 1, 10 and 50 million observations"))
    read.add_argument(
        "--rows", type=int, nargs="+", default=[1_000_000, 10_000_000, 50_000_000], metavar="N"
    )
    read.add_argument(
        "--folder", type=Path, help=_("where to make the scratch database (8 GB free)")
    )
    read.set_defaults(command=Command(run_read, needs_database=False))
    ingest = inner.add_parser(
        "ingest", help=_("messages taken in a second, acknowledged once on the disk")
    )
    ingest.add_argument("--messages", type=int, default=40_000, metavar="N")
    ingest.add_argument("--bodies", type=int, default=1_000, metavar="N")
    ingest.add_argument("--rounds", type=int, default=3, help=_("measures of each"))
    ingest.add_argument(
        "--folder", type=Path, help=_("where to make the scratch database (8 GB free)")
    )
    ingest.set_defaults(command=Command(run_ingest, needs_database=False))
    history = inner.add_parser(
        "history", help=_("what observations weigh, hot, packed and packed by month")
    )
    history.add_argument("--rows", type=int, default=50_000_000, metavar="N")
    history.add_argument(
        "--folder", type=Path, help=_("where to make the scratch database (12 GB free)")
    )
    history.set_defaults(command=Command(run_history, needs_database=False))
    city = inner.add_parser("map", help=_("the map of a running town, in a real browser"))
    city.add_argument(
        "--url", metavar=_("ADDRESS"), help=_("where it runs; BEFFROI_PUBLIC_URL by default")
    )
    city.add_argument("--territory", metavar=_("TERRITORY"))
    city.add_argument("--chromium", default="/usr/bin/chromium", metavar=_("PATH"))
    city.add_argument("--runs", type=int, default=5, help=_("five at least"))
    city.set_defaults(command=Command(run_map))
    api = inner.add_parser("api", help=_("the API beside its selectors and bare SQL"))
    api.add_argument("--rounds", type=int, default=100, metavar="N")
    api.add_argument("--folder", type=Path, help=_("where to make the scratch database (1 GB)"))
    api.set_defaults(command=Command(run_api, needs_database=False))


def run_read(options: argparse.Namespace) -> None:
    """Measure reads in a scratch server that is removed afterwards."""
    from beffroi.city.series.bench import bench_read

    bench_read(tuple(options.rows), say=_say, folder=options.folder)


def run_ingest(options: argparse.Namespace) -> None:
    """Measure the door in a scratch server that is removed afterwards."""
    from beffroi.city.ingest.bench.report import Extent, bench_ingest

    extent = Extent(messages=options.messages, bodies=options.bodies, rounds=options.rounds)
    bench_ingest(say=_say, folder=options.folder, extent=extent)


def run_history(options: argparse.Namespace) -> None:
    """Measure weight, packing and reads in a scratch server that is removed afterwards."""
    from beffroi.city.series.bench_history import bench_history

    bench_history(options.rows, say=_say, folder=options.folder)


def run_map(options: argparse.Namespace) -> None:
    """Measure the map of a running installation."""
    from beffroi.site.bench_map import bench_map
    from beffroi.site.cli.choosing import chosen_territory

    territory = chosen_territory(options.territory)
    bench_map(
        territory,
        base_url=map_address(options),
        chromium=options.chromium,
        runs=options.runs,
        say=_say,
    )


def run_api(options: argparse.Namespace) -> None:
    """Measure the API in a scratch server that is removed afterwards."""
    from beffroi.site.bench_api import bench_api

    bench_api(rounds=max(20, options.rounds), say=_say, folder=options.folder)


def map_address(options: argparse.Namespace) -> str:
    """Return where the town is open: what was asked for, or else its public address."""
    from django.conf import settings

    return str(options.url or settings.BEFFROI.public_url).rstrip("/")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
