"""``beffroi bench api``: what the API costs beside the reading it does, and beside bare SQL.

Three ways to the same rows, in one process and one run: the whole API (every middleware, key,
budget, parameters, serialisation, without a socket); the selector that it calls; and the
selector's own statements sent again over a bare connection, their rows thrown away. CPU time is
this process's: what else the machine does changes it little.
"""

from __future__ import annotations

import io
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.db import connections

from beffroi.city.assets.api import (
    WHOLE,
    AssetQuery,
    BulkOptions,
    NewAsset,
    assets_listed,
    assets_upsert_many,
)
from beffroi.city.assets.models import Asset
from beffroi.city.series.api import (
    NewObservation,
    SeriesQuery,
    Step,
    latest_listed,
    observations_record,
    series_maintain,
    series_range,
    streams_listed,
    values_read,
)
from beffroi.city.series.models import Stream
from beffroi.foundation.database.api import acting_for, after_migrate, connected_to
from beffroi.foundation.database.connection import django_database
from beffroi.foundation.database.embedded import EmbeddedServer
from beffroi.foundation.territories.api import TerritoryKind, territory_create
from beffroi.interfaces.api.budgets import BUDGETS
from beffroi.interfaces.api.contracts import MOST_REQUESTS, MOST_ROWS, NewKey
from beffroi.interfaces.api.keys import key_create
from beffroi.kernel.clock import now
from beffroi.kernel.geometry import BoundingBox
from beffroi.kernel.identifiers import uuid7
from beffroi.sdk.declarations import Statistic
from beffroi.site.cli.words import decimal
from beffroi.site.cli.words import gettext as _

Say = Callable[[str], None]

ASSETS = 1_000
IN_VIEW = 500
EVERY = timedelta(minutes=10)
DAYS = 365
WARM_UP = 5
_VIEW = BoundingBox(3.80, 43.55, 3.95, 43.68)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one way to the rows costs, in milliseconds: the clock's, and this process's CPU."""

    p50: float
    p95: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Read:
    """One question: its address, its selector, and how many rows the answer has."""

    label: str
    path: str
    selector: Callable[[], Any]
    count: Callable[[Any], int]


@dataclass(frozen=True, slots=True)
class _Bench:
    territory_id: int
    root: str
    key: str
    stream: Stream


def bench_api(*, rounds: int, say: Say, folder: Path | None = None) -> list[tuple[str, list[Cost]]]:
    """Measure four questions of a program, and tell them as a table.

    A server of its own is made in ``folder`` and removed afterwards. Its process must not have
    another database open.
    """
    told: list[tuple[str, list[Cost]]] = []
    with _scratch(folder) as (owner, application):
        with connected_to(django_database(owner)):
            call_command("migrate", verbosity=0, interactive=False)
            after_migrate()
            connections.close_all()
        with connected_to(django_database(application)):
            at = now().replace(minute=0, second=0, microsecond=0)
            bench = _filled(at)
            _analyse(owner)
            say(_heading(rounds))
            for read in _reads(bench, at=at):
                size, costs = _measured(bench, read, application, rounds=rounds)
                told.append((read.label, costs))
                say(_line(f"{read.label} ({size})", costs))
            connections.close_all()
    return told


@contextmanager
def _scratch(folder: Path | None) -> Iterator[tuple[str, str]]:
    place = Path(tempfile.mkdtemp(prefix="beffroi-bench-", dir=folder))
    if os.geteuid() == 0:
        place.chmod(0o711)  # the server's own account has to pass through
    server = EmbeddedServer(place / "data", unsafe_fast=True)
    try:
        urls = server.start()
        if urls.owner is None:
            raise AssertionError("a server just made has an owner")
        yield urls.owner, urls.application
    finally:
        server.stop()
        shutil.rmtree(place, ignore_errors=True)


def _analyse(owner: str) -> None:
    """Do at once what the server does by itself some minutes after so many rows."""
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("ANALYZE")


def _filled(at: datetime) -> _Bench:
    territory = territory_create(
        siren="200000008", name="Banc d’essai", kind=TerritoryKind.SYNDICAT
    )
    rows = [
        NewAsset(
            external_key=f"bench-{rank}",
            name=f"Point {rank}",
            lon=3.81 + 0.13 * (rank % 25) / 25 + (0 if rank < IN_VIEW else 1),
            lat=43.56 + 0.1 * (rank // 25 % 20) / 20,
            properties={"address": f"{rank} rue de la Loge", "height_m": 7.5},
        )
        for rank in range(ASSETS)
    ]
    with acting_for(territory.id):
        assets_upsert_many(rows, type_key="light_point", options=BulkOptions())
        assets = sorted(
            assets_listed(AssetQuery(), scope=WHOLE, limit=ASSETS),
            key=lambda one: int(one.external_key.rpartition("-")[2]),
        )
        by_uuid = dict(Asset.objects.values_list("uuid", "id"))
        streams = Stream.objects.bulk_create(
            Stream(
                uuid=uuid7(),
                territory_id=territory.id,
                asset_id=by_uuid[asset.uuid],
                measure_key="power_w",
                unit="W",
            )
            for asset in assets
        )
        key = key_create(
            NewKey(
                name="bench",
                verbs=("assets.see",),
                requests_per_minute=MOST_REQUESTS,
                rows_per_minute=MOST_ROWS,
            )
        ).key
    observations_record(
        territory.id,
        [NewObservation(stream.id, at, float(stream.id % 90)) for stream in streams],
    )
    first = at - timedelta(days=DAYS)
    count = DAYS * 24 * 6
    observations_record(
        territory.id,
        [
            NewObservation(streams[0].id, first + EVERY * rank, float(rank % 90))
            for rank in range(count)
        ],
    )
    series_maintain(at)
    root = f"/api/v1/territories/{territory.slug}"
    return _Bench(territory.id, root, key, streams[0])


def _reads(bench: _Bench, *, at: datetime) -> Sequence[Read]:
    stream = bench.stream
    month, year = at - timedelta(days=30), at - timedelta(days=DAYS)

    def period(start: datetime) -> str:
        return f"start={start:%Y-%m-%dT%H:%M:%SZ}&end={at:%Y-%m-%dT%H:%M:%SZ}"

    def of_stream() -> Any:
        return streams_listed(SeriesQuery(streams=(stream.uuid,)), scope=WHOLE, limit=1)

    def a_month() -> Any:
        of_stream()
        return values_read(stream.id, start=month, end=at)

    def a_year() -> Any:
        of_stream()
        return series_range(stream.id, start=year, end=at, step=Step.DAY, statistic=Statistic.MEAN)

    bbox = f"{_VIEW.west},{_VIEW.south},{_VIEW.east},{_VIEW.north}"
    series = f"{bench.root}/streams/{stream.uuid}"
    return (
        Read(
            _("latest values of 500 assets in a view"),
            f"{bench.root}/latest?bbox={bbox}&limit=500",
            lambda: latest_listed(SeriesQuery(bbox=_VIEW), scope=WHOLE, limit=500),
            len,
        ),
        Read(
            _("a month of one stream"),
            f"{series}/observations?{period(month)}",
            a_month,
            lambda found: len(found[0]),
        ),
        Read(
            _("a year of one stream by day"),
            f"{series}/aggregates?step=day&{period(year)}",
            a_year,
            len,
        ),
        Read(
            _("a page of 1,000 assets"),
            f"{bench.root}/assets?limit=1000",
            lambda: assets_listed(AssetQuery(), scope=WHOLE, limit=1_001),
            len,
        ),
    )


def _measured(
    bench: _Bench, read: Read, application: str, *, rounds: int
) -> tuple[int, list[Cost]]:
    handler = get_wsgi_application()

    def through_the_api() -> None:
        _answered(handler, read.path, key=bench.key)

    BUDGETS.forget()
    costs = [_cost(through_the_api, rounds)]
    with acting_for(bench.territory_id):
        costs.append(_cost(read.selector, rounds))
        size = read.count(read.selector())
        with _recording() as statements:
            read.selector()
    with psycopg.connect(application, prepare_threshold=None) as bare:
        bare.execute("SELECT set_config('beffroi.territory', %s, true)", [str(bench.territory_id)])

        def bare_sql() -> None:
            for statement, parameters, binary in statements:
                with bare.cursor(binary=binary) as cursor:
                    cursor.execute(statement, parameters)

        costs.append(_cost(bare_sql, rounds))
    return size, costs


def _answered(handler: Any, path: str, *, key: str) -> None:
    where, _mark, query = path.partition("?")
    told: list[str] = []

    def start(status: str, headers: list[tuple[str, str]]) -> None:
        del headers
        told.append(status)

    answer = handler(
        {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": where,
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "localhost",
            "HTTP_AUTHORIZATION": f"Bearer {key}",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": io.StringIO(),
            "wsgi.url_scheme": "http",
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        },
        start,
    )
    body = b"".join(answer)
    answer.close()
    if not told[0].startswith("200"):
        raise AssertionError(f"{path}: {told[0]} {body[:300]!r}")


@contextmanager
def _recording() -> Iterator[list[tuple[Any, Any, bool]]]:
    """Note the statements that psycopg sends, to send them again without our code."""
    sent: list[tuple[Any, Any, bool]] = []
    original = psycopg.Cursor.execute

    def execute(self: Any, query: Any, params: Any = None, **options: Any) -> Any:
        sent.append((query, params, bool(options.get("binary"))))
        return original(self, query, params, **options)

    psycopg.Cursor.execute = execute  # type: ignore[method-assign]  # put back just below
    try:
        yield sent
    finally:
        psycopg.Cursor.execute = original  # type: ignore[method-assign]  # as it was


def _cost(run: Callable[[], Any], rounds: int) -> Cost:
    for _turn in range(WARM_UP):
        run()
    spent = []
    before = time.process_time()
    for _turn in range(rounds):
        started = time.perf_counter()
        run()
        spent.append((time.perf_counter() - started) * 1000)
    cpu = (time.process_time() - before) * 1000 / rounds
    return Cost(statistics.median(spent), statistics.quantiles(spent, n=20)[18], cpu)


def _heading(rounds: int) -> str:
    head = _("milliseconds, {rounds} rounds: p50 / p95 / CPU").format(rounds=rounds)
    names = (_("the API"), _("selector"), _("bare SQL"))
    return f"{head}\n  {'':<48}" + "".join(f"{name:>24}" for name in names)


def _line(label: str, costs: Sequence[Cost]) -> str:
    written = [
        " / ".join(decimal(value, digits=2) for value in (cost.p50, cost.p95, cost.cpu))
        for cost in costs
    ]
    return f"  {label:<48}" + "".join(f"{text:>24}" for text in written)
