"""Read any table or layer that a town has, and say what was found in it."""

from beffroi.foundation.files.reading.contracts import (
    Choices,
    Column,
    ColumnKind,
    FileKind,
    FileRefused,
    Finding,
    Findings,
    Limits,
    Near,
    Opened,
    Problem,
    Row,
    Skipped,
    Table,
    Value,
)
from beffroi.foundation.files.reading.opening import open_table, open_tables

__all__ = [
    "Choices",
    "Column",
    "ColumnKind",
    "FileKind",
    "FileRefused",
    "Finding",
    "Findings",
    "Limits",
    "Near",
    "Opened",
    "Problem",
    "Row",
    "Skipped",
    "Table",
    "Value",
    "open_table",
    "open_tables",
]
