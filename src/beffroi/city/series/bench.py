"""``beffroi bench read``: how fast the reads of a screen are, beside the database's own floor."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, cast

import numpy as np
import psycopg
from django.core.management import call_command
from django.db import connections

from beffroi.city.assets.api import WHOLE, BulkOptions, NewAsset, assets_upsert_many
from beffroi.city.series import bench_rows, indicators, ranges, reading, selectors, windows
from beffroi.city.series.civil_time import day_of, days_of, edges_ms, floor_ms, instant_of
from beffroi.city.series.contracts import Step
from beffroi.city.series.models import Stream
from beffroi.city.series.packed_days import days_write
from beffroi.foundation.database.api import acting_for, after_migrate, connected_to
from beffroi.foundation.database.connection import django_database, url_with
from beffroi.foundation.database.contracts import DEFAULT_DATABASE
from beffroi.foundation.database.embedded import EmbeddedServer
from beffroi.foundation.territories.api import TerritoryKind, territory_create
from beffroi.kernel.clock import now
from beffroi.kernel.errors import ConfigurationError
from beffroi.kernel.geometry import BoundingBox
from beffroi.kernel.identifiers import uuid7
from beffroi.kernel.quality import Quality
from beffroi.kernel.units import Unit
from beffroi.sdk.declarations import Indicator, MeasureTotal, Statistic

ASSETS = 2_000
IN_VIEW = 500
DAYS = 365
HOT_DAYS = 1
ROUNDS = 40
TYPE_KEY = "light_point"
MEASURE = "power_w"
OCTETS_PER_ROW = 45
"""Disk needed per observation while the benchmark runs, log of the database included."""

Say = Callable[[str], None]

_VIEW = BoundingBox(3.80, 43.55, 3.95, 43.68)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long one read took: ours, and the same statements without our code, in milliseconds."""

    read: str
    items: int
    median_ms: float
    p95_ms: float
    floor_median_ms: float
    floor_p95_ms: float


@dataclass(frozen=True, slots=True)
class BenchRead:
    """One read: ours, and another way to the same, given a stream."""

    label: str
    ours: Callable[[int], int]
    floor: Callable[[psycopg.Cursor[Any], int], object]


@dataclass(frozen=True, slots=True)
class BenchCity:
    """What was made to be read."""

    territory_id: int
    asset_ids: Sequence[int]
    stream_ids: Sequence[int]


def bench_read(
    sizes: Sequence[int] = (1_000_000, 10_000_000, 50_000_000),
    *,
    say: Say,
    folder: Path | None = None,
) -> dict[int, list[Timing]]:
    """Measure the reads of a screen at several numbers of observations, and tell them as tables.

    A server of its own is made in ``folder`` (by default the system's temporary folder) and
    removed afterwards. Streams hold a value each quarter of an hour for a year; today and yesterday
    are hot, the rest packed. Reads are warm, of random streams; the floor sends the same statements
    over a bare connection of the application role and throws the rows away.

    Raises:
        ConfigurationError: the folder has not enough room.
    """
    sizes = sorted(sizes)
    require_room(folder, octets=sizes[-1] * OCTETS_PER_ROW)
    results: dict[int, list[Timing]] = {}
    with scratch_server(folder) as (server, urls):
        with connected_to(django_database(urls[0])):
            call_command("migrate", verbosity=0, interactive=False)
            after_migrate()
            connections.close_all()
        with connected_to(django_database(urls[1])):
            at = now().replace(minute=0, second=0, microsecond=0)
            city = build_city(at)
            filled = 0
            for size in sizes:
                wanted = min(ASSETS, max(1, round(size / (DAYS * 96))))
                started = time.perf_counter()
                rows = _fill(server, city, first=filled, last=wanted, at=at)
                filled = wanted
                say(_filled_sentence(server, size, rows, time.perf_counter() - started))
                results[size] = _measure(city, urls[1], streams=filled, at=at)
                say(_table(results[size]))
            connections.close_all()
    return results


def require_room(folder: Path | None, *, octets: int) -> None:
    """Refuse to begin where the disk has not this many octets free, and 2 GiB beside."""
    place = folder or Path(tempfile.gettempdir())
    needed = octets + 2 * 1024**3
    free = shutil.disk_usage(place).free
    if free < needed:
        raise ConfigurationError(
            "{place} has {free} GB free; {needed} GB are needed.",
            way_out="Ask for fewer rows, or name another folder.",
            params={
                "place": str(place),
                "free": f"{free / 1e9:.1f}",
                "needed": f"{needed / 1e9:.1f}",
            },
        )


@contextmanager
def scratch_server(folder: Path | None) -> Iterator[tuple[str, tuple[str, str]]]:
    """Start a server of its own; give the address of its administrator, owner and application."""
    place = Path(tempfile.mkdtemp(prefix="beffroi-bench-", dir=folder))
    if os.geteuid() == 0:
        place.chmod(0o711)  # the server's own account has to pass through
    server = EmbeddedServer(place / "data", unsafe_fast=True)
    try:
        urls = server.start()
        if urls.owner is None:
            raise AssertionError("a server just made has an owner")
        admin_url = url_with(server.administrator_url(), dbname=DEFAULT_DATABASE)
        yield admin_url, (urls.owner, urls.application)
    finally:
        server.stop()
        shutil.rmtree(place, ignore_errors=True)


def build_city(at: datetime) -> BenchCity:
    """Make the assets, a stream for each, and its latest value."""
    territory = territory_create(
        siren="200000008", name="Banc d’essai", kind=TerritoryKind.SYNDICAT
    )
    # 500 of the 2,000 lie in the view, on a regular grid; the others beside it.
    rows = [
        NewAsset(
            external_key=f"bench-{rank}",
            lon=3.81 + 0.13 * (rank % 25) / 25 + (0 if rank < IN_VIEW else 1),
            lat=43.56 + 0.1 * (rank // 25 % 20) / 20,
        )
        for rank in range(ASSETS)
    ]
    with acting_for(territory.id):
        assets_upsert_many(rows, type_key=TYPE_KEY, options=BulkOptions())
        asset_ids = _ids("SELECT id FROM assets_asset ORDER BY id")
        Stream.objects.bulk_create(
            Stream(
                uuid=uuid7(),
                territory_id=territory.id,
                asset_id=asset_id,
                measure_key=MEASURE,
                unit="W",
            )
            for asset_id in asset_ids
        )
        stream_ids = _ids("SELECT id FROM series_stream ORDER BY id")
        with connections["default"].cursor() as cursor:
            cursor.execute(
                "INSERT INTO series_latest SELECT territory_id, id, asset_id, measure_key, %s, %s,"
                " id %% 90, %s FROM series_stream",
                [at, at, int(Quality.GOOD)],
            )
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT series_partitions_ensure(%s, %s)",
            [day_of(at) - timedelta(days=HOT_DAYS), day_of(at) + timedelta(days=3)],
        )
    return BenchCity(territory.id, asset_ids, stream_ids)


def _fill(admin_url: str, city: BenchCity, *, first: int, last: int, at: datetime) -> int:
    """Give a year of values to some more streams; return the rows of all."""
    stream_ids = city.stream_ids[first:last]
    today, until_ms = day_of(at), floor_ms(at)
    every = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    for day in every[: -HOT_DAYS - 1] if stream_ids else []:
        with acting_for(city.territory_id):
            made = bench_rows.synthetic_day(day, stream_ids=stream_ids, until_ms=until_ms)
            days_write(city.territory_id, bench_rows.observations_of(made, stream_ids=stream_ids))
    with psycopg.connect(admin_url, autocommit=True) as admin:
        for day in every[-HOT_DAYS - 1 :] if stream_ids else []:
            made = bench_rows.synthetic_day(day, stream_ids=stream_ids, until_ms=until_ms)
            copy_in(admin, "series_observation", made, city=city, stream_ids=stream_ids)
        admin.execute("VACUUM (ANALYZE)")
        row = admin.execute(
            "SELECT (SELECT count(*) FROM series_observation) + (SELECT sum(n) FROM series_segment)"
        ).fetchone()
    return int(cast("Any", row)[0])


def copy_in(
    admin: psycopg.Connection[Any],
    table: str,
    made: bench_rows.SyntheticDay,
    *,
    city: BenchCity,
    stream_ids: Sequence[int],
) -> None:
    """Load a day of every stream into a table of observations, in order of arrival."""
    with admin.cursor().copy(f"COPY {table} FROM STDIN (FORMAT binary)".encode()) as copy:
        copy.write(bench_rows.COPY_HEAD)
        copy.write(
            bench_rows.observation_octets(
                made, territory_id=city.territory_id, stream_ids=stream_ids
            )
        )
        copy.write(bench_rows.COPY_TAIL)


def _measure(city: BenchCity, app_url: str, *, streams: int, at: datetime) -> list[Timing]:
    with (
        psycopg.connect(app_url, prepare_threshold=None) as bare,
        acting_for(city.territory_id),
    ):
        bare.execute("SELECT set_config('beffroi.territory', %s, true)", [str(city.territory_id)])
        with bare.cursor(binary=True) as cursor:
            return [_timed(read, cursor, city.stream_ids[:streams]) for read in _reads(city, at=at)]


def _timed(read: BenchRead, cursor: psycopg.Cursor[Any], stream_ids: Sequence[int]) -> Timing:
    draw = Random(bench_rows.SEED)  # noqa: S311 - the same streams at each run
    chosen = draw.choices(stream_ids, k=ROUNDS + 3)
    ours, floor, items = [], [], 0
    for rank, stream_id in enumerate(chosen):
        read.floor(cursor, stream_id)  # untimed: whoever came first would pay for the disk
        for turn in (rank % 2, 1 - rank % 2):
            began = time.perf_counter()
            if turn:
                items = read.ours(stream_id)
                ours.append(time.perf_counter() - began)
            else:
                read.floor(cursor, stream_id)
                floor.append(time.perf_counter() - began)
    # The first rounds fill the caches of the connections; they are not what a screen waits for.
    mine, theirs = np.array(ours[3:]) * 1000, np.array(floor[3:]) * 1000
    return Timing(
        read=read.label,
        items=items,
        median_ms=float(np.median(mine)),
        p95_ms=float(np.percentile(mine, 95)),
        floor_median_ms=float(np.median(theirs)),
        floor_p95_ms=float(np.percentile(theirs, 95)),
    )


def _reads(city: BenchCity, *, at: datetime) -> Iterator[BenchRead]:
    view = selectors.view_parameters(_VIEW, scope=WHOLE, limit=IN_VIEW)
    in_view = list(city.asset_ids[:IN_VIEW])
    yield BenchRead(
        "latest values of 500 assets, by number",
        lambda _stream: len(selectors.latest_of_assets(in_view)),
        lambda cursor, _stream: run(
            cursor, selectors.LATEST, {"asset_ids": in_view, "measures": None}
        ),
    )
    yield BenchRead(
        "latest values of 500 assets in a view",
        lambda _stream: len(selectors.latest_in_view(_VIEW, scope=WHOLE, limit=IN_VIEW)),
        lambda cursor, _stream: run(cursor, selectors.IN_VIEW, view),
    )
    for label, length in (("day", 1), ("week", 7), ("month", 30), ("year", 365)):
        start = at - timedelta(days=length)
        yield _curve(f"one stream, a {label}, every value", start, at, Step.RAW)
        if length > 1:
            step = Step.HOUR if length < 365 else Step.DAY
            yield _curve(f"one stream, a {label}, by {step}", start, at, step)
    for label, total in (
        ("indicator of a domain, latest values", None),
        ("indicator of a domain, mean of a month", timedelta(days=30)),
    ):
        yield _indicator(label, total, at=at)


def _curve(label: str, start: datetime, end: datetime, step: Step) -> BenchRead:
    def ours(stream_id: int) -> int:
        return len(ranges.series_range(stream_id, start=start, end=end, step=step))

    def floor(cursor: psycopg.Cursor[Any], stream_id: int) -> object:
        low, high = start, end
        if step is not Step.RAW:
            edges = edges_ms(start, end, step)
            low, high = instant_of(int(edges[0])), instant_of(int(edges[-1]))
        first, last = days_of(low, high)
        statement = reading.DAYS if step is Step.DAY else reading.VALUES
        return run(
            cursor,
            statement,
            {"stream_id": stream_id, "start": low, "end": high, "first": first, "last": last},
        )

    return BenchRead(label, ours, floor)


def _indicator(label: str, window: timedelta | None, *, at: datetime) -> BenchRead:
    total = MeasureTotal(
        asset_type=TYPE_KEY,
        measure=MEASURE,
        over_assets=Statistic.SUM,
        over_time=Statistic.LAST if window is None else Statistic.MEAN,
        window=window,
    )
    indicator = Indicator(
        key="bench",
        label="bench",
        definition="bench",
        source="bench",
        unit=Unit.WATT,
        inputs={"power": total},
        compute=lambda *, power: float(power),
    )
    since = at - (window or timedelta(hours=24))
    statement = indicators.LATEST if window is None else windows.window_sql(Statistic.MEAN)
    asked = windows.window_parameters(TYPE_KEY, MEASURE, since=since, until=at)
    return BenchRead(
        label,
        lambda _stream: indicators.indicator_evaluate(indicator, at=at).contributing,
        lambda cursor, _stream: run(cursor, statement, asked),
    )


def run(
    cursor: psycopg.Cursor[Any], statement: str, parameters: dict[str, Any]
) -> list[tuple[Any, ...]]:
    """Run one statement and return every row."""
    return cursor.execute(statement.encode(), parameters).fetchall()


def _ids(statement: str) -> list[int]:
    with connections["default"].cursor() as cursor:
        cursor.execute(statement)
        return [int(row[0]) for row in cursor.fetchall()]


def _filled_sentence(admin_url: str, size: int, rows: int, seconds: float) -> str:
    with psycopg.connect(admin_url) as admin:
        row = admin.execute(
            "SELECT pg_total_relation_size('series_segment'), (SELECT sum(n) FROM series_segment)"
        ).fetchone()
    octets, packed = cast("Any", row)
    return (
        f"\n{size:,} observations asked, {rows:,} stored; {seconds:.0f} s to fill; "
        f"packed {float(octets) / float(packed):.1f} octets per observation, indexes included"
    )


def _table(timings: Sequence[Timing]) -> str:
    head = f"{'milliseconds, warm':44}{'items':>8}{'p50':>9}{'p95':>9}{'floor p50':>11}{'p95':>9}"
    lines = [
        f"{item.read:44}{item.items:>8,}{item.median_ms:>9.2f}{item.p95_ms:>9.2f}"
        f"{item.floor_median_ms:>11.2f}{item.floor_p95_ms:>9.2f}"
        for item in timings
    ]
    return "\n".join([head, *lines])
