"""What a reader of one format hands to the common part, before types and positions are known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from shapely.geometry.base import BaseGeometry

from beffroi.foundation.files.reading.contracts import (
    ColumnKind,
    Findings,
    Problem,
    RawCells,
)
from beffroi.foundation.files.reading.crs import Declared


class Record(NamedTuple):
    """One record as the format gives it; the geometry is in the system of the file."""

    number: int
    cells: RawCells
    geometry: BaseGeometry | None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RawTable:
    """A table whose columns have names, and nothing more.

    Attributes:
        keys: unique names of the columns.
        records: gives all records from the first, each time.
        spatial: the format carries geometries; otherwise columns are searched for positions.
        typed: the format types its cells: a text that looks like a number stays a text.
    """

    name: str
    findings: Findings
    labels: tuple[str, ...]
    keys: tuple[str, ...]
    records: Callable[[], Iterator[Record]]
    declared_kinds: tuple[ColumnKind | None, ...] = ()
    descriptions: tuple[str, ...] = ()
    spatial: bool = False
    typed: bool = False
    declared_crs: Declared | None = None
