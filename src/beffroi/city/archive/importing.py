"""Files become observations again: verified first, then written once, existing values staying."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC
from itertools import pairwise
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.db import connection

from beffroi.city.archive.contracts import (
    MANIFEST,
    ArchiveRefused,
    Manifest,
    Month,
    MonthImported,
    PartFile,
    Reason,
)
from beffroi.city.archive.manifests import (
    files_verify,
    manifest_read,
    month_folder,
    months_listed,
)
from beffroi.city.archive.parts import ABOUT, SCHEMA
from beffroi.city.archive.places import Place
from beffroi.city.series.api import (
    STREAMS_INSERT,
    STREAMS_SELECT,
    NewObservation,
    observations_record,
    values_read,
)
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.api import TerritoryCard
from beffroi.kernel.clock import epoch_ms, now
from beffroi.kernel.identifiers import uuid7
from beffroi.kernel.quality import Quality
from beffroi.sdk.declarations import translatable as _

MOST_ROWS_OF_A_GROUP = 2_000_000
MOST_OCTETS_OF_A_GROUP = 512 << 20
LARGEST_VALUE = 1e18
_AT_ONCE = 20_000
_MOST_ORPHANS = 20
_LIMITS = {"thrift_string_size_limit": 16 << 20, "thrift_container_size_limit": 1_000_000}
_LENGTHS = {
    "asset_key": 200, "asset_name": 200, "asset_type": 63, "domain": 63, "measure": 63, "unit": 32,
}  # fmt: skip
_PLAIN = {field.name: pa.string() if field.name in ABOUT else field.type for field in SCHEMA}

Progress = Callable[[int, int], None]


def archives_found(place: Place, *, territory: str | None = None) -> list[tuple[str, Month]]:
    """Return the territories and months of a place, or of one territory.

    Raises:
        ArchiveRefused: there is none.
    """
    found = [item for item in months_listed(place) if territory in {None, item[0]}]
    if not found:
        raise ArchiveRefused(
            "{place} holds no archive.",
            field="place",
            value=place.name,
            way_out="Name the folder that was exported to, the one that holds territory=….",
            params={"place": place.name},
        )
    return found


def month_verify(place: Place, *, territory: str, month: Month) -> Manifest:
    """Hold a month to its manifest: names, lengths, checksums, types, counts, every value.

    Raises:
        ArchiveRefused: naming the file, and what is wrong with it.
    """
    folder = month_folder(place, territory=territory, month=month)
    manifest = manifest_read(folder, territory=territory, month=month)
    if manifest is None:
        raise ArchiveRefused(
            "{file} is missing.",
            field="file",
            value=folder.path(MANIFEST),
            way_out="The export of this month was not finished: run it again.",
            params={"file": folder.path(MANIFEST)},
        )
    files_verify(folder, manifest)
    for part in manifest.files:
        for _curve in _curves(folder, part, month=month):
            pass
    return manifest


def month_import(
    place: Place,
    *,
    territory: TerritoryCard,
    month: Month,
    progress: Progress | None = None,
) -> MonthImported:
    """Bring a verified month back: what is there already stays as it is.

    Streams are found by their identifier, else by the measure of the asset, which is found by its
    identifier, else by its type and key. Each batch is a transaction: a run that is interrupted
    is run again.

    Raises:
        ArchiveRefused: see :func:`month_verify`; nothing is written then.
    """
    manifest = month_verify(place, territory=territory.slug, month=month)
    folder = month_folder(place, territory=territory.slug, month=month)
    writing = _Writing(territory_id=territory.id, month=month)
    for part in manifest.files:
        for curve in _curves(folder, part, month=month):
            writing.take(curve)
            if progress is not None:
                progress(writing.rows, manifest.rows)
    writing.flush()
    return MonthImported(
        territory=territory.slug,
        month=month,
        rows=manifest.rows,
        stored=writing.stored,
        known=writing.known,
        streams_made=writing.streams_made,
        orphans=tuple(writing.orphans),
        rows_left_out=writing.rows_left_out,
    )


@dataclass(slots=True)
class _Found:
    """Consecutive rows of one stream."""

    told: tuple[str, ...]
    t_ms: Any
    value: Any
    quality: Any


def _curves(folder: Place, part: PartFile, *, month: Month) -> Iterator[_Found]:
    """Yield the streams of a part, a row group in memory at a time."""
    path = folder.path(part.name)
    try:
        with folder.opened(part.name) as stream:
            _form_verify(pq.ParquetFile(stream, **_LIMITS), part, path=path)
            file = pq.ParquetFile(stream, read_dictionary=list(ABOUT), **_LIMITS)
            for rank in range(file.num_row_groups):
                yield from _streams_of(file.read_row_group(rank), month=month, path=path)
    except (pa.ArrowException, OSError, ValueError, MemoryError) as problem:
        raise _refused(path, Reason("{said}", said=str(problem).splitlines()[0][:200])) from problem


def _form_verify(file: Any, part: PartFile, *, path: str) -> None:
    columns = {name: _undictionaried(kind) for name, kind in _types(file).items()}
    if columns != _PLAIN:
        raise _refused(path, Reason(_("its columns or their types are not those of an archive")))
    if file.metadata.num_rows != part.rows:
        raise _refused(
            path, Reason(_("it says that it has {rows} rows"), rows=file.metadata.num_rows)
        )
    counted = 0
    for rank in range(file.num_row_groups):
        group = file.metadata.row_group(rank)
        if not 0 <= group.num_rows <= MOST_ROWS_OF_A_GROUP:
            raise _refused(
                path,
                Reason(
                    _("row group {rank} says that it has {rows} rows"),
                    rank=rank,
                    rows=group.num_rows,
                ),
            )
        if not 0 <= group.total_byte_size <= MOST_OCTETS_OF_A_GROUP:
            raise _refused(
                path,
                Reason(
                    _("row group {rank} would take {octets} octets"),
                    rank=rank,
                    octets=group.total_byte_size,
                ),
            )
        counted += group.num_rows
    if counted != part.rows:
        raise _refused(
            path, Reason(_("its row groups say that they have {rows} rows"), rows=counted)
        )


def _types(file: Any) -> dict[str, Any]:
    return {field.name: field.type for field in file.schema_arrow}


def _undictionaried(kind: Any) -> Any:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _streams_of(table: pa.Table, *, month: Month, path: str) -> Iterator[_Found]:
    table = table.combine_chunks()
    if any(column.null_count for column in table.columns):
        raise _refused(path, Reason(_("a cell is empty")))
    if len(table) == 0:
        return
    t_ms = table["observed_at"].cast(pa.int64()).to_numpy()
    value = table["value"].to_numpy()
    quality = table["quality"].to_numpy()
    low, high = epoch_ms(month.start), epoch_ms(month.end)
    if t_ms.min() < low or t_ms.max() >= high:
        raise _refused(path, Reason(_("an instant lies outside the month")))
    if not np.isfinite(value).all() or np.abs(value).max() > LARGEST_VALUE:
        raise _refused(path, Reason(_("a value is not a number that can be stored")))
    if not np.isin(quality, [int(flag) for flag in Quality]).all():
        raise _refused(path, Reason(_("a quality flag is unknown")))
    about = [_one_by_one(table[name]) for name in ABOUT]
    changes = np.zeros(len(table), dtype=bool)
    for codes, _words in about:
        changes[1:] |= codes[1:] != codes[:-1]
    starts = [0, *np.flatnonzero(changes).tolist(), len(table)]
    ordered = np.diff(t_ms) > 0
    if not (ordered | changes[1:]).all():
        raise _refused(path, Reason(_("instants of a stream are not in order")))
    for start, end in pairwise(starts):
        told = tuple(words[codes[start]] for codes, words in about)
        _words_verify(told, path=path)
        yield _Found(told, t_ms[start:end], value[start:end], quality[start:end])


def _one_by_one(column: Any) -> tuple[Any, list[str]]:
    chunk = column.combine_chunks()
    if isinstance(chunk, pa.ChunkedArray):  # several dictionaries that could not become one
        chunk = pc.dictionary_encode(chunk.cast(pa.string())).combine_chunks()
    if not pa.types.is_dictionary(chunk.type):
        chunk = chunk.dictionary_encode()
    return chunk.indices.to_numpy(zero_copy_only=False), chunk.dictionary.to_pylist()


def _words_verify(told: tuple[str, ...], *, path: str) -> None:
    words = dict(zip(ABOUT, told, strict=True))
    for name in ("stream", "asset"):
        try:
            UUID(words[name])
        except ValueError:
            raise _refused(
                path, Reason(_("{text} is no identifier"), text=repr(words[name][:60]))
            ) from None
    for name, most in _LENGTHS.items():
        if len(words[name]) > most or "\0" in words[name]:
            raise _refused(path, Reason(_("{column} is too long, or no text"), column=name))
    if not words["measure"]:
        raise _refused(path, Reason(_("a measure has no name")))


def _refused(path: str, reason: Reason) -> ArchiveRefused:
    return ArchiveRefused(
        "{file} is not a part of an archive: {reason}.",
        field="file",
        value=path,
        way_out="Fetch it again from where the archive was copied.",
        params={"file": path, "reason": reason},
    )


@dataclass(slots=True)
class _Writing:
    """Observations on their way to one territory."""

    territory_id: int
    month: Month
    stored: int = 0
    known: int = 0
    rows: int = 0
    streams_made: int = 0
    rows_left_out: int = 0
    orphans: list[str] = field(default_factory=list)
    _streams: dict[str, int | None] = field(default_factory=dict)
    _waiting: list[NewObservation] = field(default_factory=list)

    def take(self, found: _Found) -> None:
        """Take in what is new of one stream."""
        self.rows += len(found.t_ms)
        stream_id = self._stream(found.told)
        if stream_id is None:
            self.rows_left_out += len(found.t_ms)
            return
        with acting_for(self.territory_id):
            there, _value, _quality = values_read(
                stream_id, start=self.month.start, end=self.month.end
            )
        fresh = ~np.isin(found.t_ms, there)
        self.known += int(len(fresh) - fresh.sum())
        instants = found.t_ms[fresh].astype("datetime64[ms]").tolist()
        for at, value, flag in zip(
            instants, found.value[fresh].tolist(), found.quality[fresh].tolist(), strict=True
        ):
            self._waiting.append(
                NewObservation(stream_id, at.replace(tzinfo=UTC), value, Quality(flag))
            )
            if len(self._waiting) >= _AT_ONCE:
                self.flush()

    def flush(self) -> None:
        """Write what waits, in one transaction."""
        if self._waiting:
            result = observations_record(self.territory_id, self._waiting, received_at=now())
            self.stored += result.stored
            self.known += result.offered - result.stored
            self._waiting = []

    def _stream(self, told: tuple[str, ...]) -> int | None:
        if told[0] not in self._streams:
            with acting_for(self.territory_id):
                self._streams[told[0]] = self._stream_found(told)
        return self._streams[told[0]]

    def _stream_found(self, told: tuple[str, ...]) -> int | None:
        words = dict(zip(ABOUT, told, strict=True))
        asset_id = _asset_found(words)
        if asset_id is None:
            if len(self.orphans) < _MOST_ORPHANS:
                self.orphans.append(
                    f"{words['asset_type']} {words['asset_key']} ({words['asset']})"
                )
            return None
        wanted: dict[str, Any] = {
            "territory_id": self.territory_id,
            "asset_ids": [asset_id],
            "measure_keys": [words["measure"]],
            "units": [words["unit"]],
            "created_at": now(),
        }
        with connection.cursor() as cursor:
            # Its own identifier, where no other stream of the installation has taken it.
            cursor.execute("SELECT 1 FROM series_stream WHERE uuid = %s", [words["stream"]])
            free = cursor.fetchone() is None
            wanted["uuids"] = [UUID(words["stream"]) if free else uuid7()]
            cursor.execute(STREAMS_INSERT, wanted)
            self.streams_made += max(cursor.rowcount, 0)
            cursor.execute(STREAMS_SELECT, wanted)
            row = cursor.fetchone()
        return None if row is None else int(row[0])


def _asset_found(words: dict[str, str]) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM assets_asset WHERE uuid = %s", [words["asset"]])
        row = cursor.fetchone()
        if row is None:
            cursor.execute(
                "SELECT id FROM assets_asset WHERE type_key = %s AND external_key = %s",
                [words["asset_type"], words["asset_key"]],
            )
            row = cursor.fetchone()
    return None if row is None else int(row[0])
