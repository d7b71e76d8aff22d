"""The common part of every format: look through a raw table once, then give typed rows."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import shapely

from beffroi.foundation.files.reading.columns import (
    ColumnProfile,
    Reading,
    Style,
    find_decimal,
    find_reading,
)
from beffroi.foundation.files.reading.contracts import (
    Choices,
    Column,
    ColumnKind,
    FileRefused,
    Finding,
    Limits,
    Near,
    Problem,
    Row,
    Table,
    Value,
    shown,
)
from beffroi.foundation.files.reading.crs import (
    Projection,
    chosen_crs,
    chosen_projection,
    find_projection,
)
from beffroi.foundation.files.reading.geometries import (
    Geometries,
    finish,
    geometry_array,
    sample_coordinates,
)
from beffroi.foundation.files.reading.header import is_blank
from beffroi.foundation.files.reading.positions import (
    PositionColumns,
    find_positions,
    read_positions,
)
from beffroi.foundation.files.reading.raw import RawTable, Record
from beffroi.foundation.files.reading.systems import Area, around

CHUNK = 1_000
_SAMPLE = 2_000
_PROFILED_CELLS = 2_000_000

_KIND_WORDS = {
    ColumnKind.INTEGER: "a whole number",
    ColumnKind.NUMBER: "a number",
    ColumnKind.BOOLEAN: "yes or no",
    ColumnKind.DATE: "a date",
    ColumnKind.DATETIME: "a date with a time",
}


@dataclass(slots=True)
class _Look:
    """What one passage through a raw table shows."""

    profiles: list[ColumnProfile]
    sample: list[Record]
    shapes: list[shapely.geometry.base.BaseGeometry]
    rows: int = 0
    blank: int = 0


@dataclass(frozen=True, slots=True)
class _Plan:
    """Everything needed to read the rows."""

    raw: RawTable
    kept: tuple[int, ...]
    columns: tuple[Column, ...]
    readings: tuple[Reading, ...]
    positions: PositionColumns | None
    projection: Projection | None
    style: Style
    expected: Area | None
    limits: Limits


def build_table(raw: RawTable, *, limits: Limits, near: Near | None, choices: Choices) -> Table:
    """Find types, positions and coordinate system, and return a table ready to be read.

    Raises:
        FileRefused: a limit is passed, or a choice of the person does not apply.
    """
    look = _look_through(raw, limits=limits)
    if look.rows == 0:
        raise FileRefused("no_rows", name=raw.name)
    style, decimal = find_decimal(look.profiles)
    if choices.decimal in {",", "."}:
        style = Style(decimal=choices.decimal)
        decimal = Finding(about="decimal", value=choices.decimal, code="chosen")
    zone = ZoneInfo(choices.timezone)
    readings = [
        find_reading(profile, style=style, zone=zone, month_first=choices.month_first)
        for profile in look.profiles
    ]
    positions = None
    if not raw.spatial or not look.shapes:
        positions = find_positions(raw, sample=look.sample, style=style, choices=choices, near=near)
    projection, bounds = _find_projection(
        raw, look, positions=positions, style=style, near=near, choices=choices, limits=limits
    )
    kept = _kept(raw, look)
    notes = list(raw.findings.notes)
    for reading in readings:
        notes += reading.notes
    if look.blank:
        notes.append(_count_note("rows_dropped", look.blank))
    if len(kept) < len(raw.keys):
        notes.append(_count_note("columns_dropped", len(raw.keys) - len(kept)))
    if projection is not None:
        notes += projection.notes
    has_geometry = bool(raw.spatial and look.shapes) or positions is not None
    located = positions.finding if positions is not None else None
    if located is None and has_geometry:
        located = Finding(about="position", value="geometry", code="position_geometry")
    findings = dataclasses.replace(
        raw.findings,
        decimal=decimal,
        position=located,
        crs=projection.finding if projection is not None else None,
        notes=tuple(notes),
    )
    columns = tuple(_column(raw, look, readings, place=place) for place in kept)
    plan = _Plan(
        raw=raw,
        kept=kept,
        columns=columns,
        readings=tuple(readings[place] for place in kept),
        positions=positions,
        projection=projection,
        style=style,
        expected=around(near) if near is not None else None,
        limits=limits,
    )
    return Table(
        name=raw.name,
        findings=findings,
        columns=columns,
        row_count=look.rows,
        has_geometry=has_geometry and projection is not None and projection.known,
        bounds=bounds,
        reader=lambda: _rows(plan),
    )


def _count_note(code: str, count: int) -> Finding:
    return Finding(about="header", value=str(count), code=code, params={"count": count})


def _look_through(raw: RawTable, *, limits: Limits) -> _Look:
    kinds = raw.declared_kinds or (None,) * len(raw.keys)
    profiles = [
        ColumnProfile(label=label, declared=kind)
        for label, kind in zip(raw.labels, kinds, strict=True)
    ]
    look = _Look(profiles=profiles, sample=[], shapes=[])
    profiled = min(limits.profiled_rows, max(200, _PROFILED_CELLS // max(1, len(profiles))))
    hollow: list[int] | None = None
    for record in raw.records():
        if not raw.spatial and not record.problems and is_blank(record.cells):
            look.blank += 1
            continue
        look.rows += 1
        if look.rows > limits.rows:
            raise FileRefused("too_many_rows", name=raw.name, limit=limits.rows)
        if look.rows > profiled:
            hollow = _see_late(hollow, profiles, record)
            continue
        if len(look.sample) < _SAMPLE:
            look.sample.append(record)
        if record.geometry is not None:
            look.shapes.append(record.geometry)
        if raw.typed and look.rows > _SAMPLE:
            # The format says what its cells are: a shorter look is enough.
            continue
        for profile, cell in zip(profiles, record.cells, strict=False):
            profile.see(cell)
    return look


def _see_late(hollow: list[int] | None, profiles: list[ColumnProfile], record: Record) -> list[int]:
    """Keep looking at the columns that were empty so far, until they have shown enough."""
    if hollow is None:
        hollow = [place for place, profile in enumerate(profiles) if not profile.filled]
    for place in hollow:
        if place < len(record.cells) and not is_blank((record.cells[place],)):
            profiles[place].see(record.cells[place])
            if profiles[place].filled >= _SAMPLE:
                return [other for other in hollow if other != place]
    return hollow


def _find_projection(
    raw: RawTable,
    look: _Look,
    *,
    positions: PositionColumns | None,
    style: Style,
    near: Near | None,
    choices: Choices,
    limits: Limits,
) -> tuple[Projection | None, tuple[float, float, float, float] | None]:
    geometries: Geometries
    declared = raw.declared_crs
    if positions is not None:
        geometries, _ = read_positions(
            look.sample, columns=positions, labels=raw.labels, style=style, limits=limits
        )
        declared = positions.declared or (declared if raw.spatial else None)
    elif look.shapes:
        geometries = geometry_array(look.shapes)
    else:
        return None, None
    x, y = sample_coordinates(geometries)
    if choices.crs is not None:
        projection = chosen_projection(
            chosen_crs(choices.crs, name=raw.name), swapped=bool(choices.swapped_axes)
        )
    else:
        projection = find_projection(x, y, declared=declared, near=near)
        if choices.swapped_axes is not None:
            projection = dataclasses.replace(projection, swapped=choices.swapped_axes)
    if not projection.known or not len(x):
        return projection, None
    lon, lat = projection.to_wgs84(x, y)
    inside = np.isfinite(lon) & np.isfinite(lat)
    if not inside.any():
        return projection, None
    lon, lat = lon[inside], lat[inside]
    return projection, (
        float(lon.min()),
        float(lat.min()),
        float(lon.max()),
        float(lat.max()),
    )


def _kept(raw: RawTable, look: _Look) -> tuple[int, ...]:
    """Leave out columns that have neither a name nor a filled cell."""
    letters = raw.findings.header is None or raw.findings.header.code == "header_declared"
    return tuple(
        place
        for place, (label, profile) in enumerate(zip(raw.labels, look.profiles, strict=True))
        if letters or profile.filled or not _is_letters(label)
    )


def _is_letters(label: str) -> bool:
    return len(label) <= 3 and label.isascii() and label.isupper() and label.isalpha()


def _column(raw: RawTable, look: _Look, readings: Sequence[Reading], *, place: int) -> Column:
    profile, reading = look.profiles[place], readings[place]
    return Column(
        key=raw.keys[place],
        label=raw.labels[place],
        kind=reading.kind,
        reason=reading.reason,
        unit=reading.unit,
        description=raw.descriptions[place] if raw.descriptions else "",
        filled=profile.filled,
        looked_at=profile.looked_at,
        examples=tuple(profile.examples),
    )


def _rows(plan: _Plan) -> Iterator[Row]:
    """Give typed rows, chunk by chunk so that geometries are projected together."""
    records = (
        record
        for record in plan.raw.records()
        if plan.raw.spatial or record.problems or not is_blank(record.cells)
    )
    while chunk := list(itertools.islice(records, CHUNK)):
        yield from _chunk_rows(chunk, plan=plan)


def _chunk_rows(chunk: list[Record], *, plan: _Plan) -> Iterator[Row]:
    geometries, located = _locate(chunk, plan=plan)
    for place, record in enumerate(chunk):
        values, problems = _values(record, plan=plan)
        every = [*record.problems, *located.get(place, ()), *problems]
        every.sort(key=lambda problem: not problem.fatal)
        yield Row(record.number, values, geometries[place], tuple(every))


def _locate(chunk: list[Record], *, plan: _Plan) -> tuple[Geometries, dict[int, list[Problem]]]:
    problems: dict[int, list[Problem]] = {}
    if plan.projection is None:
        return geometry_array([None] * len(chunk)), problems
    if plan.positions is not None:
        geometries, found = read_positions(
            chunk,
            columns=plan.positions,
            labels=plan.raw.labels,
            style=plan.style,
            limits=plan.limits,
        )
        for place, problem in found.items():
            problems[place] = [problem]
    else:
        geometries = geometry_array([record.geometry for record in chunk])
        for place, record in enumerate(chunk):
            told = any(one.fatal for one in record.problems)
            if record.geometry is None and not told:
                problems[place] = [
                    Problem(
                        row=record.number, column="", value="", code="geometry_missing", fatal=True
                    )
                ]
    geometries, more = finish(
        geometries,
        numbers=[record.number for record in chunk],
        projection=plan.projection,
        expected=plan.expected,
        limits=plan.limits,
    )
    for place, several in more.items():
        problems.setdefault(place, []).extend(several)
    return geometries, problems


def _values(record: Record, *, plan: _Plan) -> tuple[dict[str, Value], list[Problem]]:
    values: dict[str, Value] = {}
    problems: list[Problem] = []
    cells = record.cells
    for column, reading, place in zip(plan.columns, plan.readings, plan.kept, strict=True):
        cell = cells[place] if place < len(cells) else None
        if cell is None or cell == "":
            values[column.key] = None
            continue
        if isinstance(cell, str) and len(cell) > plan.limits.cell_chars:
            problems.append(_too_long(record.number, column, len(cell)))
            cell = cell[: plan.limits.cell_chars]
        try:
            value = reading.read(cell)
        except (ValueError, OverflowError):
            value = cell.strip() if isinstance(cell, str) else str(cell)
            problems.append(_misfit(record.number, column, cell))
        if isinstance(value, float) and not math.isfinite(value):
            value = None
        values[column.key] = value
    return values, problems


def _too_long(row: int, column: Column, length: int) -> Problem:
    return Problem(
        row=row, column=column.label, value="", code="cell_too_long", params={"length": length}
    )


def _misfit(row: int, column: Column, cell: object) -> Problem:
    return Problem(
        row=row,
        column=column.label,
        value=shown(cell),
        code="value_not_of_kind",
        params={"kind": _KIND_WORDS.get(column.kind, column.kind.value)},
    )
