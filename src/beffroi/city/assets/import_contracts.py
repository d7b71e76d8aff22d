"""What passes between an import, its pages and the command line."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from beffroi.city.assets.contracts import UpsertCounts
from beffroi.kernel.geometry import BoundingBox


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRefusal:
    """One row, or one value of a row, that was not imported, and what to do about it.

    Attributes:
        row: number as the person's own program shows it.
        reason, way_out: English sentences with ``{row}``, ``{field}``, ``{value}`` and the
            fields of ``params``; they are the gettext msgids.
        whole: the row was left out; otherwise it was imported without this value.
        doubt: it was imported as it is, and somebody should look at it.
    """

    row: int
    field: str
    value: str
    reason: str
    way_out: str
    params: Mapping[str, str] = dataclasses.field(default_factory=dict)
    whole: bool = True
    doubt: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingView:
    """Something a reader found out about a file: such as its encoding."""

    code: str
    text: str
    tone: str = "info"


TO_NAME, TO_KEY, TO_PARENT = "@name", "@key", "@parent"
TO_OWN_NAME, TO_NOTHING = "@keep", "@ignore"
TARGETS = (TO_NAME, TO_KEY, TO_PARENT, TO_OWN_NAME, TO_NOTHING)
"""Where a column may go besides a declared property; ``@keep`` is under its own plain name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnChoice:
    """A column of the file and where its values go.

    Attributes:
        column: key of the column in the reader's rows.
        label: name as the file writes it.
        target: key of a declared property, or one of :data:`TARGETS`.
        places: the position of a row is read from it, whatever else it is kept for.
    """

    column: str
    label: str
    target: str
    sample: tuple[str, ...] = ()
    places: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPreview:
    """What an import would do, before anything is written."""

    file_name: str
    type_key: str
    findings: tuple[FindingView, ...]
    columns: tuple[ColumnChoice, ...]
    first_rows: tuple[Mapping[str, str], ...]
    row_count: int | None
    checked: int
    accepted: int
    refused: int
    dropped: int
    doubts: int
    refusals: tuple[RowRefusal, ...]
    extent: BoundingBox | None
    sample_points: tuple[tuple[float, float], ...]


class Absent(StrEnum):
    """What becomes of assets that came from a file and are not in the one that is imported."""

    KEEP = "keep"
    CHECK = "check"
    REMOVE = "remove"


LICENCES = (
    "Licence Ouverte 2.0",
    "ODbL 1.0",
    "CC BY 4.0",
    "CC BY-SA 4.0",
    "CC0 1.0",
)
"""Licences of open data in use in France; another may be written in the credit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """Choices of the person who imports.

    Attributes:
        origin: see :class:`Origin`.
        attribution: whom to credit.
        licence: under which the data may be used, one of :data:`LICENCES` or any other name.
        keep_unknown: keep columns that the type does not declare, under their own plain names.
        department_id: service put in charge of the assets that are created.
        table: which table of a file that has several; the most useful by default.
        prefix: put before every external key, where several files number alike.
        absent: what becomes of assets that the file no longer names.
        absent_of: only those that a file of this name once brought; of any file by default.
    """

    origin: str = ""
    attribution: str = ""
    licence: str = ""
    keep_unknown: bool = True
    department_id: int | None = None
    table: str = ""
    prefix: str = ""
    absent: Absent = Absent.KEEP
    absent_of: str = ""

    @property
    def credit(self) -> str:
        """Return what the page of an asset says of where its data comes from."""
        return ", ".join(part for part in (self.attribution.strip(), self.licence.strip()) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsentAssets:
    """The assets that a file should have named and did not.

    Attributes:
        count: how many there are.
        first: names of the first of them, for a person to recognise.
    """

    count: int = 0
    first: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did, is doing or would do.

    ``refused`` counts rows left out, ``dropped`` values left out of rows that were imported, and
    ``doubts`` what was imported and should be looked at; ``refusals`` are the first of all.

    Attributes:
        dry_run: nothing was written: it was a trial.
        finished_at: None while it waits or runs.
        failure: why it was given up, as sentences to translate with their fields; empty when it
            was not.
        chosen: where the person sent columns, by the key of the column.
        upload: the file it read, as long as it is kept.
    """

    uuid: UUID | None
    file_name: str
    type_key: str
    findings: tuple[FindingView, ...]
    mapping: Mapping[str, str]
    counts: UpsertCounts
    refused: int
    dropped: int
    refusals: tuple[RowRefusal, ...]
    seconds: float
    doubts: int = 0
    dry_run: bool = False
    started_at: datetime | None = None
    finished_at: datetime | None = None
    options: ImportOptions = dataclasses.field(default_factory=ImportOptions)
    absent: AbsentAssets = dataclasses.field(default_factory=AbsentAssets)
    failure: Mapping[str, str] = dataclasses.field(default_factory=dict)
    chosen: Mapping[str, str] = dataclasses.field(default_factory=dict)
    upload: UUID | None = None
