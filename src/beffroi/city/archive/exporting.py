"""Closed months become files; a month that has not changed is left alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from django.conf import settings

from beffroi.city.archive.contracts import (
    MANIFEST,
    ArchiveRefused,
    Manifest,
    Month,
    MonthExported,
)
from beffroi.city.archive.manifests import (
    files_verify,
    manifest_read,
    manifest_write,
    month_folder,
)
from beffroi.city.archive.parts import ROWS_OF_A_PART, ContentDigest, Curve, PartsWriter
from beffroi.city.archive.places import Place
from beffroi.city.archive.selectors import ArchivedStream, curve_read, streams_archived
from beffroi.foundation.database.api import acting_for, reading_from_replica
from beffroi.foundation.territories.api import TerritoryCard
from beffroi.kernel.clock import PARIS, now

Progress = Callable[[int, int], None]
_STREAMS_AT_ONCE = 200


def month_is_closed(month: Month, *, at: datetime) -> bool:
    """Tell whether every day of a month is old enough to be packed."""
    today = at.astimezone(PARIS).date()
    last = month.next()
    first_after = datetime(last.year, last.number, 1, tzinfo=PARIS).date()
    return (today - first_after).days >= int(settings.BEFFROI.hot_days)


def closed_months(first: Month, last: Month, *, at: datetime) -> list[Month]:
    """Return the closed months from ``first`` to ``last``, oldest first."""
    found = []
    month = first
    while month <= last and month_is_closed(month, at=at):
        found.append(month)
        month = month.next()
    return found


def month_export(
    place: Place,
    *,
    territory: TerritoryCard,
    month: Month,
    measures: Sequence[str] = (),
    replace: bool = False,
    rows_of_a_part: int = ROWS_OF_A_PART,
    progress: Progress | None = None,
) -> MonthExported:
    """Write one closed month of a territory, unless the place holds it as it is, or holds more.

    What retention has taken from the database must not be taken from the archive too: a month of
    which fewer values are left is kept as it was, unless ``replace`` says otherwise.

    Parts are finished files before the manifest names them, and the manifest is replaced at once:
    whoever reads it finds the month of before or that of after. It may be stopped at any point
    and started again. Memory does not depend on the length of the month, but for its longest
    stream.

    Raises:
        ArchiveRefused: the month is not closed, or the place holds another selection of measures,
            or a manifest that is none.
    """
    if not month_is_closed(month, at=now()):
        raise ArchiveRefused(
            "{month} is not closed yet.",
            field="--month",
            value=str(month),
            way_out="A month is closed once its last day is packed.",
            params={"month": str(month)},
        )
    folder = month_folder(place, territory=territory.slug, month=month)
    chosen = tuple(sorted(set(measures)))
    former = manifest_read(folder, territory=territory.slug, month=month)
    if former is not None and former.measures != chosen:
        raise ArchiveRefused(
            "{file} holds another choice of measures.",
            field="--measure",
            value=", ".join(chosen),
            way_out="Export this choice to another place.",
            params={"file": folder.path(MANIFEST)},
        )
    with reading_from_replica():
        streams = _streams(territory, chosen)
        if former is not None and _unchanged(
            folder, former, territory=territory, streams=streams, progress=progress
        ):
            return MonthExported(
                territory=territory.slug, month=month, outcome="unchanged", rows=former.rows
            )
        with folder.spool() as spool:
            return _written(
                folder,
                former,
                territory=territory,
                month=month,
                measures=chosen,
                streams=streams,
                replace=replace,
                spool=spool,
                rows_of_a_part=rows_of_a_part,
                progress=progress,
            )


def _streams(territory: TerritoryCard, measures: Sequence[str]) -> list[ArchivedStream]:
    with acting_for(territory.id):
        return streams_archived(measures=measures)


def _unchanged(
    folder: Place,
    former: Manifest,
    *,
    territory: TerritoryCard,
    streams: Sequence[ArchivedStream],
    progress: Progress | None,
) -> bool:
    """Tell whether the files are whole and the observations those that they hold."""
    try:
        files_verify(folder, former)
    except ArchiveRefused:
        return False  # made again: what a disk has spoilt is repaired by the next export
    content = ContentDigest()
    for curve in _curves(territory, streams, month=former.month, progress=progress):
        content.add(curve)
    return content.hexdigest() == former.content_sha256


def _written(
    folder: Place,
    former: Manifest | None,
    *,
    territory: TerritoryCard,
    month: Month,
    measures: tuple[str, ...],
    streams: Sequence[ArchivedStream],
    replace: bool,
    spool: Path,
    rows_of_a_part: int,
    progress: Progress | None,
) -> MonthExported:
    content = ContentDigest()
    writer = PartsWriter(spool, rows_of_a_part=rows_of_a_part)
    try:
        for curve in _curves(territory, streams, month=month, progress=progress):
            content.add(curve)
            writer.add(curve)
        writer.close()
    finally:
        writer.abandon()
    if former is not None and content.rows < former.rows and not replace:
        return MonthExported(
            territory=territory.slug, month=month, outcome="kept", rows=former.rows
        )
    if not content.rows:
        if former is not None:
            _forget(folder)
        return MonthExported(territory=territory.slug, month=month, outcome="empty")
    for part in writer.files:
        if folder.size(part.name) != part.size or folder.digest(part.name) != part.sha256:
            folder.put(spool / part.name, part.name)
    manifest = Manifest(
        territory=territory.slug,
        month=month,
        rows=content.rows,
        streams=content.streams,
        content_sha256=content.hexdigest(),
        made_at=now(),
        measures=measures,
        files=tuple(writer.files),
    )
    manifest_write(folder, manifest, spool=spool)
    _leftovers_remove(folder, kept={part.name for part in manifest.files})
    return MonthExported(
        territory=territory.slug,
        month=month,
        outcome="written",
        rows=manifest.rows,
        octets=sum(part.size for part in manifest.files),
    )


def _curves(
    territory: TerritoryCard,
    streams: Sequence[ArchivedStream],
    *,
    month: Month,
    progress: Progress | None,
) -> Iterator[Curve]:
    done = 0
    for first in range(0, len(streams), _STREAMS_AT_ONCE):
        some = streams[first : first + _STREAMS_AT_ONCE]
        # Short transactions: one that lasted would keep the packer from its locks.
        with acting_for(territory.id):
            curves = [curve_read(stream, month=month) for stream in some]
        yield from (curve for curve in curves if len(curve.t_ms))
        done += len(some)
        if progress is not None:
            progress(done, len(streams))


def _forget(folder: Place) -> None:
    """Take back a month of which nothing is left, the manifest first."""
    folder.remove(MANIFEST)
    _leftovers_remove(folder, kept=set())


def _leftovers_remove(folder: Place, *, kept: set[str]) -> None:
    """Delete parts that the manifest no longer names, an interrupted export's too."""
    for name in folder.names():
        if name.startswith("part-") and name.endswith(".parquet") and name not in kept:
            folder.remove(name)
