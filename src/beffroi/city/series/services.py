from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.utils import DatabaseError, OperationalError

from beffroi.city.series import write_sql
from beffroi.city.series.admission import quality_of
from beffroi.city.series.civil_time import day_of, floor_ms
from beffroi.city.series.contracts import (
    LatestValue,
    MaintenanceReport,
    NewObservation,
    NotProven,
    Packed,
    StreamNotFound,
    WriteResult,
)
from beffroi.city.series.correcting import points_correct
from beffroi.city.series.models import Stream
from beffroi.city.series.packing import day_pack, late_absorb
from beffroi.city.series.repacking import months_pack, repacked_before
from beffroi.city.series.retention import retention_apply
from beffroi.city.series.wire import rows
from beffroi.foundation.database.api import acting_for, required_territory_id
from beffroi.foundation.territories.api import territories_all
from beffroi.kernel.clock import as_utc, now
from beffroi.kernel.identifiers import uuid7
from beffroi.kernel.quality import Quality
from beffroi.sdk.registry import asset_types, measures_of

DAYS_AHEAD = 3
TRY_AGAIN = frozenset({"40001", "40P01", "55P03"})
"""serialization_failure, deadlock_detected, lock_not_available: nothing was done, ask again."""


def streams_ensure(asset_id: int, *, measures: Mapping[str, str]) -> dict[str, int]:
    """Return the stream of each measure of an asset, creating those that are new.

    Args:
        asset_id: an asset of the territory this code acts for.
        measures: measure key to symbol of its unit.

    Raises:
        TerritoryContextError: the code runs outside ``acting_for``.
        StreamNotFound: the territory has no such asset.
    """
    wanted: dict[str, Any] = {
        "territory_id": required_territory_id(),
        "uuids": [uuid7() for _ in measures],
        "asset_ids": [asset_id] * len(measures),
        "measure_keys": list(measures),
        "units": list(measures.values()),
        "created_at": now(),
    }
    with connection.cursor() as cursor:
        cursor.execute(write_sql.STREAMS_INSERT, wanted)
        cursor.execute(write_sql.STREAMS_SELECT, wanted)
        found = {row[2]: int(row[0]) for row in cursor.fetchall()}
    if len(found) < len(measures):
        raise StreamNotFound("There is no such asset here.")
    return found


def observations_record(
    territory_id: int, readings: Sequence[NewObservation], *, received_at: datetime | None = None
) -> WriteResult:
    """Store observations of streams of one territory and keep their latest values.

    What is stored already stays as it is: writing twice changes nothing. All or nothing.

    Raises:
        ObservationRefused: see :func:`~beffroi.city.series.admission.quality_of`.
        StreamNotFound: a stream is not of this territory.
    """
    return _write(territory_id, readings, received_at=received_at, correcting=False)


def observations_correct(
    territory_id: int, readings: Sequence[NewObservation], *, received_at: datetime | None = None
) -> WriteResult:
    """Replace the values of streams at given instants, and add those that are absent.

    Days that are packed already are packed anew, with their summaries; every other value keeps
    its instant and its flag. Of two values of one instant the last given stands. All or nothing,
    and doing it twice changes nothing more: ``stored`` counts the observations that are now other
    than they were. Packing waits until the caller's transaction ends.

    Raises:
        ObservationRefused, StreamNotFound: as :func:`observations_record`.
    """
    return _write(territory_id, readings, received_at=received_at, correcting=True)


def _write(
    territory_id: int,
    readings: Sequence[NewObservation],
    *,
    received_at: datetime | None,
    correcting: bool,
) -> WriteResult:
    if not readings:
        return WriteResult(offered=0, stored=0, changed=())
    arrival = as_utc(received_at or now())
    with acting_for(territory_id):
        known = _streams_known({reading.stream_id for reading in readings})
        columns: dict[str, Any] = {
            "territory_id": territory_id,
            "received_at": arrival,
            "stream_ids": [reading.stream_id for reading in readings],
            "asset_ids": [known[reading.stream_id][0] for reading in readings],
            "measure_keys": [known[reading.stream_id][1] for reading in readings],
            "at_ms": [floor_ms(as_utc(reading.observed_at)) for reading in readings],
            "values": [float(reading.value) for reading in readings],
            "qualities": [
                int(_flag(reading, valid=known[reading.stream_id][2], received_at=arrival))
                for reading in readings
            ],
        }
        with connection.cursor() as cursor:
            if correcting:
                stored = points_correct(columns)
                cursor.execute(write_sql.LATEST_CORRECT, columns)
            else:
                cursor.execute(write_sql.OBSERVATIONS_INSERT, columns)
                stored = cursor.rowcount
                cursor.execute(write_sql.LATEST_UPSERT, columns)
            changed = [write_sql.LatestRow(*row) for row in cursor.fetchall()]
    return WriteResult(
        offered=len(readings),
        stored=stored,
        changed=tuple(
            LatestValue(
                stream_id=row.stream_id,
                asset_id=row.asset_id,
                measure_key=row.measure_key,
                value=row.value,
                quality=Quality(row.quality),
                observed_at=row.observed_at,
                received_at=row.received_at,
            )
            for row in changed
        ),
    )


def series_maintain(at: datetime) -> MaintenanceReport:
    """Make coming partitions, pack closed days, merge late rows, apply retention.

    Each step is a transaction of its own and may be interrupted anywhere: what is not done yet is
    done by the next call. A step that meets another pulse, a busy table or a row that arrived
    meanwhile undoes itself and is reported in ``refused``; one that the data itself stops is
    reported in ``failed``. Neither keeps the steps after it from being done.
    """
    today = day_of(at)
    round_ = _Round()
    (made,) = round_.attempt(
        "new partitions",
        "SELECT series_partitions_ensure(%s, %s)",
        today - timedelta(days=1),
        today + timedelta(days=DAYS_AHEAD),
    ) or (0,)
    days_packed = rows_packed = 0
    oldest_hot = today - timedelta(days=int(settings.BEFFROI.hot_days))
    for day in [day for day in partition_days() if day < oldest_hot]:
        packed = round_.pack(f"packing {day}", partial(day_pack, day))
        if packed is not None:
            days_packed += not packed.problem
            rows_packed += packed.rows
    late = round_.pack("late rows", partial(late_absorb, today - timedelta(days=1)))
    purged = 0
    for territory in territories_all():
        with round_.step(f"retention of {territory.slug}"):
            purged += retention_apply(territory.id, at=at)
    months = round_.pack("months", partial(months_pack, repacked_before(today)))
    return MaintenanceReport(
        partitions_made=made,
        days_packed=days_packed,
        rows_packed=rows_packed,
        late_rows=0 if late is None else late.rows,
        months_packed=0 if months is None else months.rows,
        segments_purged=purged,
        refused=tuple(round_.refused),
        failed=tuple(round_.failed),
    )


class _Round:
    """The steps of one maintenance, and what became of those that were not done."""

    def __init__(self) -> None:
        self.refused: list[str] = []
        self.failed: list[str] = []

    def attempt(self, what: str, statement: str, *parameters: date | int) -> tuple[Any, ...] | None:
        """Run one function in a transaction, and return its row."""
        found: list[tuple[Any, ...]] = []
        with self.step(what), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            found = cursor.fetchall()
        return found[0] if found else None

    def pack(self, what: str, act: Callable[[], Packed]) -> Packed | None:
        """Pack something; note what some streams kept from being packed."""
        packed: Packed | None = None
        with self.step(what):
            packed = act()
        if packed is not None and packed.problem:
            self.failed.append(f"{what}: {packed.problem}")
        return packed

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Note an error of the block; a database that is away is not one to note."""
        try:
            yield
        except DatabaseError as problem:
            sqlstate = getattr(problem.__cause__, "sqlstate", None)
            told = f"{what} put off: {str(problem).splitlines()[0]}"
            if sqlstate in TRY_AGAIN:
                self.refused.append(told)
            elif isinstance(problem, OperationalError):
                raise
            else:
                self.failed.append(told)
        except NotProven as problem:
            self.refused.append(f"{what} put off: {problem}")


def partition_days() -> list[date]:
    """Return the days that have a partition of their own, oldest first."""
    return [row[0] for row in rows("SELECT series_partition_days()", {})]


def _streams_known(
    stream_ids: Iterable[int],
) -> dict[int, tuple[int, str, tuple[float, float] | None]]:
    wanted = set(stream_ids)
    known = {
        stream_id: (asset_id, measure_key, _valid_range(type_key, measure_key))
        for stream_id, asset_id, measure_key, type_key in Stream.objects.filter(
            id__in=wanted
        ).values_list("id", "asset_id", "measure_key", "asset__type_key")
    }
    if len(known) < len(wanted):
        raise StreamNotFound(
            "There is no series {stream_ids} here.",
            params={"stream_ids": sorted(wanted - set(known))},
        )
    return known


def _valid_range(type_key: str, measure_key: str) -> tuple[float, float] | None:
    if type_key not in asset_types():
        return None
    measure = measures_of(type_key).get(measure_key)
    return None if measure is None else measure.valid


def _flag(
    reading: NewObservation, *, valid: tuple[float, float] | None, received_at: datetime
) -> Quality:
    flag = quality_of(
        reading.value,
        observed_at=as_utc(reading.observed_at),
        received_at=received_at,
        valid=valid,
    )
    return reading.quality or flag
