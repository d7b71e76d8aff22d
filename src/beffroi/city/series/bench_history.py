"""``beffroi bench history``: what years of observations weigh, and how fast they are read."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, cast

import numpy as np
import psycopg
from django.core.management import call_command
from django.db import connections

from beffroi.city.series import bench_rows, ranges, selectors, windows
from beffroi.city.series.bench import (
    ASSETS,
    DAYS,
    HOT_DAYS,
    IN_VIEW,
    MEASURE,
    TYPE_KEY,
    BenchCity,
    BenchRead,
    Say,
    build_city,
    copy_in,
    require_room,
    run,
    scratch_server,
)
from beffroi.city.series.civil_time import day_of, edges_ms, floor_ms, instant_of
from beffroi.city.series.contracts import Step
from beffroi.city.series.packing import day_pack
from beffroi.city.series.repacking import months_pack
from beffroi.foundation.database.api import acting_for, after_migrate, connected_to
from beffroi.foundation.database.connection import django_database
from beffroi.kernel.clock import now
from beffroi.sdk.declarations import Statistic

SHOWN_HOT = 32
"""Days that are left hot at first, so that a month can be read hot."""

ROUNDS, SLOW_ROUNDS = 40, 7
OCTETS_PER_ROW = 190
"""Disk needed per observation: the table that is not packed, and the log of the database."""

_PEER = """
CREATE TABLE bench_unpacked (
    territory_id integer NOT NULL, stream_id bigint NOT NULL, observed_at timestamptz(3) NOT NULL,
    value float8 NOT NULL, quality smallint NOT NULL,
    UNIQUE (territory_id, stream_id, observed_at) INCLUDE (value, quality))
"""
_PEER_VALUES = """
SELECT array_send(array_agg(at_ms)), array_send(array_agg(value)), array_send(array_agg(quality))
FROM (SELECT (date_part('epoch', observed_at) * 1000)::bigint AS at_ms, value, quality
      FROM bench_unpacked WHERE territory_id = %(territory_id)s AND stream_id = %(stream_id)s
        AND observed_at >= %(start)s AND observed_at < %(end)s ORDER BY observed_at) hot
"""
_PEER_DAYS = """
SELECT series_day_of(observed_at), count(*), min(value), max(value), sum(value), max(quality)
FROM bench_unpacked WHERE territory_id = %(territory_id)s AND stream_id = %(stream_id)s
  AND observed_at >= %(start)s AND observed_at < %(end)s AND quality NOT IN (4, 9)
GROUP BY 1 ORDER BY 1
"""
_PEER_WINDOW = f"""
WITH {windows.STREAMS}
SELECT array_send(array_agg(n)), array_send(array_agg(total)) FROM (
    SELECT count(*)::float8 AS n, sum(o.value) AS total
    FROM bench_unpacked o JOIN streams ON streams.id = o.stream_id
    WHERE o.territory_id = %(territory_id)s AND o.observed_at >= %(since)s
      AND o.observed_at <= %(until)s AND o.quality NOT IN (4, 9) GROUP BY o.stream_id) figures
"""  # noqa: S608 - constants of this module only
_SIZES = """
SELECT c.relname, pg_relation_size(c.oid), pg_indexes_size(c.oid),
       coalesce(pg_total_relation_size(c.reltoastrelid), 0)
FROM pg_class c
WHERE c.relkind = 'r' AND c.relname ~ %(names)s AND pg_total_relation_size(c.oid) > 0
ORDER BY 1
"""


def bench_history(rows: int, *, say: Say, folder: Path | None = None) -> None:
    """Measure weight, packing and reads of a year of observations; tell them as tables.

    Streams hold a value each quarter of an hour for a year. They are loaded as ingest leaves them,
    packed day by day by the same code as the pulse's, then by month. At each stage the reads of a
    screen are timed beside the same answers from one table that is never packed, warm, of random
    streams, in the same run.

    Raises:
        ConfigurationError: the folder has not enough room.
    """
    require_room(folder, octets=rows * OCTETS_PER_ROW)
    with scratch_server(folder) as (server, urls):
        with connected_to(django_database(urls[0])):
            call_command("migrate", verbosity=0, interactive=False)
            after_migrate()
            connections.close_all()
        with (
            connected_to(django_database(urls[1])),
            psycopg.connect(server, autocommit=True) as admin,
        ):
            at = now().replace(minute=0, second=0, microsecond=0)
            streams = min(ASSETS, max(1, round(rows / (DAYS * 96))))
            bench = _History(build_city(at), streams, at, admin, urls[1], say)
            bench.run()
            connections.close_all()


class _History:
    def __init__(  # noqa: PLR0917 - made once, above
        self,
        city: BenchCity,
        streams: int,
        at: datetime,
        admin: psycopg.Connection[Any],
        app_url: str,
        say: Say,
    ) -> None:
        self.city, self.at, self.admin, self.app_url, self.say = city, at, admin, app_url, say
        self.stream_ids = city.stream_ids[:streams]
        today = day_of(at)
        self.days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]

    def run(self) -> None:
        self.admin.execute(_PEER.encode())
        self.admin.execute("GRANT SELECT ON bench_unpacked TO PUBLIC")
        first_hot = len(self.days) - SHOWN_HOT
        spent = 0.0
        for day in self.days[:first_hot]:
            self._load(day)
            spent += self._packed(day)
        for day in self.days[first_hot:]:
            self._load(day)
        self.admin.execute("VACUUM (ANALYZE)")
        count = self._number("SELECT count(*) FROM bench_unpacked")
        hot = self._number("SELECT count(*) FROM series_observation")
        self.say(f"\n{count:,} observations of {len(self.stream_ids):,} streams, one year\n")
        self._sizes("not packed", "^bench_unpacked$", count)
        self._sizes("hot", "^series_observation_", hot)
        self._reads("hot", end=self.at, year=False)
        for day in self.days[first_hot : -HOT_DAYS - 1]:
            spent += self._packed(day)
        packed = self._number("SELECT sum(n) FROM series_segment")
        self.say(f"\npacking: {packed / spent:,.0f} observations a second")
        self.admin.execute("VACUUM (ANALYZE)")
        self._sizes("packed", "^series_segment$", packed)
        past = instant_of(edges_ms(self.at, self.at + timedelta(hours=1), Step.MONTH)[0])
        past -= timedelta(days=1)
        self._reads("packed", end=past, year=True)
        began = time.perf_counter()
        repacked = months_pack(day_of(self.at))
        spent = time.perf_counter() - began
        if repacked.problem:
            raise AssertionError(repacked.problem)
        self.say(f"\npacking by month: {repacked.rows / spent:,.0f} observations a second")
        # What is left single of this month would hide in pages that all the year has filled.
        self.admin.execute("VACUUM (FULL, ANALYZE) series_segment")
        self.admin.execute("VACUUM (ANALYZE)")
        self._sizes("packed by month", "^series_month$", repacked.rows)
        self._reads("packed by month", end=past, year=True)
        left = self._number(
            "SELECT (SELECT count(*) FROM series_observation)"
            " + (SELECT coalesce(sum(n), 0) FROM series_segment)"
            " + (SELECT coalesce(sum(n), 0) FROM series_month)"
        )
        self.say(f"\n{left:,} observations are still there, {count - left:,} missing")

    def _load(self, day: date) -> None:
        made = bench_rows.synthetic_day(day, stream_ids=self.stream_ids, until_ms=floor_ms(self.at))
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT series_partitions_ensure(%s, %s)", [day, day])
        for table in ("series_observation", "bench_unpacked"):
            copy_in(self.admin, table, made, city=self.city, stream_ids=self.stream_ids)

    def _packed(self, day: date) -> float:
        began = time.perf_counter()
        packed = day_pack(day)
        spent = time.perf_counter() - began
        if packed.problem or not packed.rows:
            raise AssertionError(packed.problem or f"nothing of {day} was packed")
        return spent

    def _number(self, statement: str) -> int:
        return int(cast("Any", self.admin.execute(statement.encode()).fetchone())[0])

    def _sizes(self, stage: str, names: str, count: int) -> None:
        found = self.admin.execute(_SIZES.encode(), {"names": names}).fetchall()
        table, indexes, toast = (sum(row[place] for row in found) for place in (1, 2, 3))
        self.say(
            f"{stage:18}{(table + indexes + toast) / count:7.2f} octets per observation: "
            f"{table / count:.2f} rows, {indexes / count:.2f} indexes, {toast / count:.2f} aside"
        )

    def _reads(self, stage: str, *, end: datetime, year: bool) -> None:
        head = f"\n{stage + ', milliseconds, warm':44}{'items':>8}{'p50':>9}{'p95':>9}"
        self.say(f"{head}{'unpacked':>11}{'p95':>9}")
        with (
            psycopg.connect(self.app_url, prepare_threshold=None) as bare,
            acting_for(self.city.territory_id),
        ):
            bare.execute(
                "SELECT set_config('beffroi.territory', %s, true)", [str(self.city.territory_id)]
            )
            with bare.cursor(binary=True) as cursor:
                for read, rounds in self._questions(end, year=year):
                    self.say(_timed(read, cursor, self.stream_ids, rounds=rounds))

    def _questions(self, end: datetime, *, year: bool) -> Iterator[tuple[BenchRead, int]]:
        in_view = list(self.city.asset_ids[:IN_VIEW])
        latest = {"asset_ids": in_view, "measures": None}
        yield (
            BenchRead(
                "latest values of 500 assets",
                lambda _stream: len(selectors.latest_of_assets(in_view)),
                lambda cursor, _stream: run(cursor, selectors.LATEST, latest),
            ),
            ROUNDS,
        )
        month = end - timedelta(days=30)
        yield self._curve("one stream, a month, every value", month, end, Step.RAW), ROUNDS
        if year:
            start = self.at - timedelta(days=365)
            yield self._curve("one stream, a year, by day", start, self.at, Step.DAY), ROUNDS
            yield self._curve("one stream, a year, every value", start, self.at, Step.RAW), ROUNDS
        asked = {
            "territory_id": self.city.territory_id,
            **windows.window_parameters(TYPE_KEY, MEASURE, since=month, until=end),
        }
        yield (
            BenchRead(
                "indicator of a domain, mean of a month",
                lambda _stream: len(
                    windows.over_window(
                        TYPE_KEY, MEASURE, statistic=Statistic.MEAN, since=month, until=end
                    )
                ),
                lambda cursor, _stream: run(cursor, _PEER_WINDOW, asked),
            ),
            SLOW_ROUNDS,
        )

    def _curve(self, label: str, start: datetime, end: datetime, step: Step) -> BenchRead:
        statement = _PEER_DAYS if step is Step.DAY else _PEER_VALUES
        asked: dict[str, Any] = {
            "territory_id": self.city.territory_id,
            "start": start,
            "end": end,
        }
        return BenchRead(
            label,
            lambda stream: len(ranges.series_range(stream, start=start, end=end, step=step)),
            lambda cursor, stream: run(cursor, statement, {**asked, "stream_id": stream}),
        )


def _timed(
    read: BenchRead, cursor: psycopg.Cursor[Any], stream_ids: Sequence[int], *, rounds: int
) -> str:
    draw = Random(bench_rows.SEED)  # noqa: S311 - the same streams at each run
    ours, theirs, items = [], [], 0
    for rank, stream_id in enumerate(draw.choices(stream_ids, k=rounds + 2)):
        for turn in (rank % 2, 1 - rank % 2):
            began = time.perf_counter()
            if turn:
                items = read.ours(stream_id)
                ours.append(time.perf_counter() - began)
            else:
                read.floor(cursor, stream_id)
                theirs.append(time.perf_counter() - began)
    # The first rounds fill the caches of the connections; they are not what a screen waits for.
    mine, unpacked = np.array(ours[2:]) * 1000, np.array(theirs[2:]) * 1000
    return (
        f"{read.label:44}{items:>8,}{np.median(mine):>9.2f}{np.percentile(mine, 95):>9.2f}"
        f"{np.median(unpacked):>11.2f}{np.percentile(unpacked, 95):>9.2f}"
    )
