"""Turn a grid of cells (separated text, sheet) into a table with named columns."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator

from beffroi.foundation.files.reading.contracts import (
    Choices,
    FileRefused,
    Findings,
    Limits,
    Problem,
)
from beffroi.foundation.files.reading.header import WINDOW, find_header, is_blank
from beffroi.foundation.files.reading.raw import RawTable, Record


def grid_table(
    rows: Callable[[], Iterator[Record]],
    *,
    name: str,
    findings: Findings,
    limits: Limits,
    choices: Choices,
) -> RawTable:
    """Find the header of a grid and name its columns.

    Raises:
        FileRefused: nothing is written, or there are too many columns.
    """
    needed = max(WINDOW, (choices.header_row or 0) + 1)
    head = [record.cells for record in itertools.islice(rows(), needed)]
    if all(is_blank(cells) for cells in head) and len(head) < needed:
        raise FileRefused("no_rows", name=name)
    if max(map(len, head)) > limits.columns:
        raise FileRefused("too_many_columns", name=name, limit=limits.columns)
    header = find_header(head, choices=choices)
    width = len(header.keys)

    def records() -> Iterator[Record]:
        for record in itertools.islice(rows(), header.first_data, None):
            yield _fitted(record, width=width)

    return RawTable(
        name=name,
        findings=dataclasses.replace(
            findings,
            header=header.finding,
            titles=header.titles,
            notes=findings.notes + header.notes,
        ),
        labels=header.labels,
        keys=header.keys,
        declared_kinds=header.declared,
        descriptions=header.descriptions,
        records=records,
    )


def _fitted(record: Record, *, width: int) -> Record:
    """Make a record as wide as the header; say so if something is lost."""
    found = len(record.cells)
    if found == width or not found:
        return record
    code = ""
    if found > width and not is_blank(record.cells[width:]):
        code = "too_many_cells"
    elif found < width and found > 1:
        code = "too_few_cells"
    if not code:
        return record
    problem = Problem(
        row=record.number,
        column="",
        value="",
        code=code,
        params={"found": found, "expected": width},
        fatal=code == "too_many_cells",
    )
    return record._replace(problems=(*record.problems, problem))
