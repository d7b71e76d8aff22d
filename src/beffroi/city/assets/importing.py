"""Importing a file of assets: look at it first, then do it, all or nothing."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import date, datetime
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import Any

from django.db import transaction

from beffroi.city.assets import events
from beffroi.city.assets.absences import absences_apply
from beffroi.city.assets.bulk import BulkOptions, assets_upsert_many
from beffroi.city.assets.coercion import as_text
from beffroi.city.assets.contracts import ImportRefused, UpsertCounts, Why
from beffroi.city.assets.declared import declared_type, domain_key_of
from beffroi.city.assets.findings import findings_of
from beffroi.city.assets.import_contracts import (
    AbsentAssets,
    ImportOptions,
    ImportPreview,
    ImportReport,
)
from beffroi.city.assets.import_runs import run_report
from beffroi.city.assets.mapping import mapping_decide, mapping_propose
from beffroi.city.assets.models import ImportRun
from beffroi.city.assets.row_reading import RowReader
from beffroi.foundation.database.api import current_user_id, required_territory_id
from beffroi.foundation.files.reading import Near, Table, Value, open_table
from beffroi.foundation.territories.api import territory_by_id
from beffroi.kernel.clock import PARIS, now
from beffroi.kernel.geometry import BoundingBox, Position, distance_m

Source = str | PathLike[str] | bytes
Progress = Callable[[int, int], None]
"""Called with the number of rows written so far and the number of rows of the file."""

CHECKED_ROWS = 1_000
SHOWN_ROWS = 20
MAP_POINTS = 300
_NEAR_MARGIN = 1.5
_NEAR_KM = 30.0


def import_preview(
    source: Source,
    *,
    name: str,
    type_key: str,
    mapping: Mapping[str, str] | None = None,
    options: ImportOptions | None = None,
) -> ImportPreview:
    """Say what an import would do with the first thousand rows, and write nothing.

    Raises:
        FileRefused: the file cannot be read.
        ImportRefused: it has no position, or the mapping does not apply to it.
        InvalidInput: no installed domain declares the type.
    """
    options = options or ImportOptions()
    declared = declared_type(type_key)
    table = _open(source, name=name, options=options)
    decided = mapping_decide(table, declared, overrides=mapping, keep_unknown=options.keep_unknown)
    reader = RowReader(table, declared, mapping=decided, prefix=options.prefix)
    points = [(asset.lon, asset.lat) for asset in reader.assets(limit=CHECKED_ROWS)]
    step = max(1, len(points) // MAP_POINTS)
    bounds = table.bounds
    return ImportPreview(
        file_name=name,
        type_key=type_key,
        findings=findings_of(table),
        columns=tuple(
            _with_target(choice, decided[choice.column])
            for choice in mapping_propose(table, declared)
        ),
        first_rows=tuple(
            {key: _shown(value) for key, value in row.values.items()}
            for row in islice(table.rows(), SHOWN_ROWS)
        ),
        row_count=table.row_count,
        checked=reader.read,
        accepted=reader.accepted,
        refused=reader.refused,
        dropped=reader.dropped,
        doubts=reader.doubts,
        refusals=tuple(reader.refusals),
        extent=None if bounds is None else BoundingBox(*bounds),
        sample_points=tuple(points[::step]),
    )


def import_run(
    source: Source,
    *,
    name: str,
    type_key: str,
    mapping: Mapping[str, str] | None = None,
    options: ImportOptions | None = None,
    dry_run: bool = False,
    expected_absent: int | None = None,
    progress: Progress | None = None,
    run: ImportRun | None = None,
) -> ImportReport:
    """Import a file in one transaction: every row is created, updated, left or refused.

    Args:
        source: path or content.
        name: the file's, as the person knows it.
        type_key: what its rows are.
        mapping: column to target, where it differs from the proposal.
        options: choices of the person.
        dry_run: count, then take everything back.
        expected_absent: how many assets the person was told that the file no longer names.
        progress: told after each batch.
        run: the record of this import where there is one already; it is kept, even of a trial.

    Raises:
        FileRefused, ImportRefused, InvalidInput: as :func:`import_preview`; also ImportRefused
            when the file leaves out other assets than ``expected_absent``.
    """
    started = time.monotonic()
    options = options or ImportOptions()
    declared = declared_type(type_key)
    table = _open(source, name=name, options=options)
    decided = mapping_decide(table, declared, overrides=mapping, keep_unknown=options.keep_unknown)
    reader = RowReader(table, declared, mapping=decided, prefix=options.prefix)
    labels = {column.key: column.label for column in table.columns}
    kept = run is not None
    if run is None:
        run = ImportRun(territory_id=required_territory_id(), user_id=current_user_id())
        run.file_name, run.type_key = name[:255], type_key
    run.sha256 = _digest(source)
    run.mapping = {labels[column]: target for column, target in decided.items()}
    run.options = {**asdict(options), "mapping": dict(mapping or {})}
    run.findings = [asdict(finding) for finding in findings_of(table)]
    run.trial = dry_run
    counts = UpsertCounts()
    with transaction.atomic():
        run.save()
        with transaction.atomic():
            counts, absent = _written(
                reader, run=run, options=options, total=table.row_count, progress=progress
            )
            if expected_absent not in {None, absent.count}:
                raise ImportRefused(
                    "The register changed since the trial: the file now leaves out {value} assets.",
                    field="absent",
                    value=str(absent.count),
                    way_out="Try the import again and look at what it would do.",
                )
            transaction.set_rollback(dry_run)
        run.created_count, run.updated_count = counts.created, counts.updated
        run.unchanged_count, run.restored_count = counts.unchanged, counts.restored
        run.refused_count, run.dropped_count = reader.refused, reader.dropped
        run.doubt_count = reader.doubts
        run.refusals = [asdict(refusal) for refusal in reader.refusals]
        run.absent_count, run.absent = absent.count, list(absent.first)
        run.seconds = round(time.monotonic() - started, 3)
        run.finished_at = now()
        run.save()
        if not dry_run:
            events.import_finished(run, domain=domain_key_of(type_key))
        if dry_run and not kept:
            transaction.set_rollback(True)
    report = run_report(run)
    return report if kept or not dry_run else replace(report, uuid=None)


def _written(
    reader: RowReader,
    *,
    run: ImportRun,
    options: ImportOptions,
    total: int,
    progress: Progress | None,
) -> tuple[UpsertCounts, AbsentAssets]:
    """Write the rows, then do what was chosen of the assets that none of them names."""
    counts = assets_upsert_many(
        reader.assets(),
        type_key=run.type_key,
        options=BulkOptions(
            why=Why.IMPORT,
            origin=options.origin,
            attribution=options.credit,
            department_id=options.department_id,
            import_run_id=run.pk,
        ),
        progress=None if progress is None else lambda done: progress(done, total),
    )
    absent = absences_apply(
        sorted(reader.named),
        type_key=run.type_key,
        options=options,
        file_name=run.file_name,
        import_run_id=run.pk,
    )
    return counts, absent


def expected_area() -> Near | None:
    """Return where the positions of the acting territory are expected; None where unknown."""
    card = territory_by_id(required_territory_id())
    if card.bbox is not None:
        west, south, east, north = card.bbox
        centre = Position((west + east) / 2, (south + north) / 2)
        half = distance_m(centre, Position(east, north)) / 1000
        return centre.lon, centre.lat, max(_NEAR_KM, half * _NEAR_MARGIN)
    if card.lon is None or card.lat is None:
        return None
    return card.lon, card.lat, _NEAR_KM


def _open(source: Source, *, name: str, options: ImportOptions) -> Table:
    table = open_table(source, name=name, table=options.table or None, near=expected_area())
    if not table.has_geometry:
        raise ImportRefused(
            "“{value}” has no position that can be read.",
            field="file",
            value=name,
            way_out="Send a geographic file, or a table with columns of longitude and latitude.",
        )
    return table


def _shown(value: Value) -> str:
    """Return a value of a preview: an instant is shown as the clocks of the town had it."""
    if isinstance(value, datetime):
        return value.astimezone(PARIS).strftime("%d/%m/%Y %H:%M")
    if isinstance(value, date):
        return value.strftime("%d/%m/%Y")
    return as_text(value)


def _with_target(choice: Any, target: str) -> Any:
    return type(choice)(
        column=choice.column,
        label=choice.label,
        target=target,
        sample=choice.sample,
        places=choice.places,
    )


def _digest(source: Source) -> str:
    content = source if isinstance(source, bytes) else Path(source).read_bytes()
    return hashlib.sha256(content).hexdigest()
