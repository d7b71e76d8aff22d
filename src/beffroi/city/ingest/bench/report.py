"""``beffroi bench ingest``: messages acknowledged durable per second, beside the floor."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path

import psycopg
from django.db import connections

from beffroi.city.ingest.bench import messages
from beffroi.city.ingest.bench.framing import write_framed
from beffroi.city.ingest.bench.http_load import Job, Result
from beffroi.city.ingest.bench.mqtt import MqttFigure, mqtt_figure
from beffroi.city.ingest.bench.running import cpu_of, cpu_of_server, send, servers
from beffroi.city.ingest.bench.stages import stages
from beffroi.city.ingest.bench.town import BenchTown, Door, bench_town
from beffroi.foundation.database.api import connected_to
from beffroi.foundation.database.connection import django_database
from beffroi.kernel.clock import now

CONNECTIONS = 256
BATCH_CONNECTIONS = 8
BATCH_ROWS = 200
ROUNDS = 3
_GAP = timedelta(minutes=5)

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure: what was sent and what it cost.

    Attributes:
        per_s: deliveries acknowledged a second.
        server_us, database_us, load_us: CPU per delivery of our processes, of PostgreSQL, of the
            sender; microseconds.
    """

    label: str
    result: Result
    server_us: float
    database_us: float
    load_us: float

    @property
    def per_s(self) -> float:
        """Return deliveries acknowledged a second."""
        return self.result.acknowledged / self.result.seconds if self.result.seconds else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much is sent: single messages, bodies of rows, and rounds of each."""

    messages: int = 40_000
    bodies: int = 1_000
    rounds: int = ROUNDS


def bench_ingest(*, say: Say, folder: Path | None = None, extent: Extent | None = None) -> None:
    """Measure the door of a town made for it, and tell what was found.

    The sender, the servers and the database share the machine. Each measure is followed by a count
    in the database: a message acknowledged and not stored ends the benchmark with an error.
    """
    extent = extent or Extent()
    with bench_town(folder) as town:
        bench = _Bench(town, extent)
        say(f"{'':34}{'per s':>9}{'p50 ms':>9}{'p99 ms':>9}{'server µs':>11}{'SQL µs':>8}"
            f"{'load µs':>9}")  # fmt: skip
        floors = [bench.floor(rank) for rank in range(extent.rounds)]
        say(_line("floor: COPY and commit", floors))
        singles = [bench.singles(1, rank) for rank in range(extent.rounds)]
        say(_line("single messages, one process", singles))
        twice = [bench.singles(2, rank) for rank in range(extent.rounds)]
        say(_line("single messages, two processes", twice))
        over_mqtt = [figure for figure in (bench.mqtt() for _ in range(extent.rounds)) if figure]
        say(_mqtt_line(over_mqtt))
        best = max(_median(singles), _median(twice))
        processes = 2 if _median(twice) > _median(singles) else 1
        half = bench.singles(processes, 0, per_s=best / 2)
        say(_line(f"at half of it ({best / 2:,.0f}/s)", [half]))
        batches = [bench.batches(1, rank) for rank in range(extent.rounds)]
        say(_line(f"bodies of {BATCH_ROWS} rows, one process", batches))
        batches_of_two = [bench.batches(2, rank) for rank in range(extent.rounds)]
        say(_line(f"bodies of {BATCH_ROWS} rows, two processes", batches_of_two))
        say("")
        values = messages.VALUES_OF_A_FRAME
        observations = (
            max(_median(batches), _median(batches_of_two))
            * BATCH_ROWS
            * len(messages.STATION_MEASURES)
        )
        say(f"single messages: {best:,.0f} a second of {values} observations each, "
            f"{best / _median(floors):.2f} of the floor")  # fmt: skip
        say(f"batches: {observations:,.0f} observations a second")
        say(f"p99 at half load: {half.result.latencies_ms[2]:.1f} ms")
        say("")
        say("CPU of one message by stage, microseconds:")
        with connected_to(django_database(town.application_url)):
            measured = stages(town)
            connections.close_all()
        ours = statistics.median(figure.server_us for figure in singles)
        for name, microseconds in measured.items():
            say(f"  {name:32}{microseconds:>7.1f}")
        say(f"  {'HTTP, waiting, sending':32}{ours - sum(measured.values()):>7.1f}")
        sql = statistics.median(figure.database_us for figure in singles)
        say(f"  {'PostgreSQL':32}{sql:>7.1f}")


class _Bench:
    def __init__(self, town: BenchTown, extent: Extent) -> None:
        self._town = town
        self._extent = extent
        self._first = count(1, 1_000_000)
        self._requests = town.folder / "requests"

    def floor(self, rank: int) -> Figure:
        """Send single messages to the floor."""
        self._write_frames(self._town.sensors, "/")
        module = ["-m", "beffroi.city.ingest.bench.floor", "{port}", self._town.application_url]
        with servers(module, count=1, ready="/", environment={}) as running:
            return self._measured(f"floor {rank}", running, connections=CONNECTIONS)

    def singles(self, processes: int, rank: int, *, per_s: float = 0.0) -> Figure:
        """Send single messages to so many ingest processes."""
        door = self._town.sensors
        self._write_frames(door, f"{door.target}?event=up")
        before = self._stored()
        with self._platform(processes) as running:
            figure = self._measured(f"single {rank}", running, connections=CONNECTIONS, per_s=per_s)
        self._check(before, figure, rows=1)
        return figure

    def mqtt(self) -> MqttFigure | None:
        """Send single messages over MQTT, QoS 1, by one publisher and one subscriber."""
        bodies = messages.frames(
            self._town.sensors.devices,
            count=self._extent.messages,
            first=next(self._first),
            at=now() - _GAP,
        )
        write_framed(self._requests, bodies)
        return mqtt_figure(self._town, self._requests, count=self._extent.messages)

    def batches(self, processes: int, rank: int) -> Figure:
        """Send bodies of many rows to so many ingest processes."""
        door = self._town.stations
        bodies = messages.station_rows(
            door.devices,
            count=self._extent.bodies,
            rows=BATCH_ROWS,
            first=next(self._first),
            at=now() - _GAP,
        )
        messages.write_requests(self._requests, bodies, target=door.target, secret=door.secret)
        before = self._stored()
        with self._platform(processes) as running:
            figure = self._measured(f"bodies {rank}", running, connections=BATCH_CONNECTIONS)
        self._check(before, figure, rows=BATCH_ROWS)
        return figure

    def _write_frames(self, door: Door, target: str) -> None:
        bodies = messages.frames(
            door.devices, count=self._extent.messages, first=next(self._first), at=now() - _GAP
        )
        messages.write_requests(self._requests, bodies, target=target, secret=door.secret)

    def _platform(self, processes: int) -> AbstractContextManager[list[tuple[int, int]]]:
        return servers(
            ["-m", "beffroi", "ingest", "--listen", "127.0.0.1:{port}"],
            count=processes,
            ready="/ingest/ready",
            environment={
                "DATABASE_URL": self._town.application_url,
                "BEFFROI_DATA_DIR": str(self._town.folder),
            },
        )

    def _measured(
        self,
        label: str,
        running: Sequence[tuple[int, int]],
        *,
        connections: int,
        per_s: float = 0.0,
    ) -> Figure:
        processes = [pid for _, pid in running]
        ours, sql = cpu_of(processes), cpu_of_server(self._town.postmaster)
        result = send(
            Job(
                addresses=[("127.0.0.1", port) for port, _ in running],
                requests=str(self._requests),
                connections=connections,
                per_s=per_s,
            )
        )
        ours, sql = cpu_of(processes) - ours, cpu_of_server(self._town.postmaster) - sql
        n = max(1, result.acknowledged)
        return Figure(label, result, ours / n * 1e6, sql / n * 1e6, result.cpu_s / n * 1e6)

    def _stored(self) -> int:
        with psycopg.connect(self._town.administrator_url) as admin:
            row = admin.execute("SELECT count(*) FROM ingest_message").fetchone()
        return 0 if row is None else int(row[0])

    def _check(self, before: int, figure: Figure, *, rows: int) -> None:
        stored = self._stored() - before
        if figure.result.refused or stored != figure.result.acknowledged * rows:
            raise AssertionError(
                f"{figure.label}: {figure.result.acknowledged * rows} acknowledged,"
                f" {stored} stored, {figure.result.refused} refused"
            )


def _mqtt_line(figures: Sequence[MqttFigure]) -> str:
    label = "MQTT QoS 1, one subscriber"
    if not figures:
        return f"{label:34}  not measured: there is no mosquitto here"
    middle = sorted(figures, key=lambda figure: figure.per_s)[len(figures) // 2]
    return (
        f"{label:34}{middle.per_s:>9,.0f}{'':>18}{middle.subscriber_us:>11.0f}"
        f"{middle.database_us:>8.0f}   broker {middle.broker_us:.0f}"
    )


def _median(figures: Sequence[Figure]) -> float:
    return statistics.median(figure.per_s for figure in figures)


def _line(label: str, figures: Sequence[Figure]) -> str:
    def middle(of: Callable[[Figure], float]) -> float:
        return statistics.median(of(figure) for figure in figures)

    return (
        f"{label:34}{_median(figures):>9,.0f}"
        f"{middle(lambda figure: figure.result.latencies_ms[0]):>9.1f}"
        f"{middle(lambda figure: figure.result.latencies_ms[2]):>9.1f}"
        f"{middle(lambda figure: figure.server_us):>11.0f}"
        f"{middle(lambda figure: figure.database_us):>8.0f}"
        f"{middle(lambda figure: figure.load_us):>9.0f}"
    )
