"""Find the row that names the columns: title lines above it, a line of descriptions below."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta

from beffroi.foundation.files.reading.contracts import Choices, ColumnKind, Finding, shown
from beffroi.foundation.files.reading.names import unique_names, without_dbase_type
from beffroi.foundation.files.reading.values import NOTHING, read_moment, read_number

WINDOW = 80
"""Rows looked at to find the header."""

_FULL = 0.6
_TEXTUAL = 0.6
_LONGEST_NAME = 600
_YEAR = re.compile(r"(?:18|19|20)\d\d")

_DBASE_KINDS = {
    "C": ColumnKind.TEXT,
    "M": ColumnKind.TEXT,
    "D": ColumnKind.DATE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The names of the columns of a sheet or a separated file.

    Attributes:
        labels: as the file writes them, without dBase types.
        keys: unique.
        declared: kind declared in the header cell, or ``None``.
        descriptions: from a second line, or empty.
        first_data: number of rows to skip before the data.
        titles: what stands above.
    """

    labels: tuple[str, ...]
    keys: tuple[str, ...]
    declared: tuple[ColumnKind | None, ...]
    descriptions: tuple[str, ...]
    first_data: int
    titles: tuple[str, ...]
    finding: Finding
    notes: tuple[Finding, ...] = ()


def is_blank(cells: Sequence[object]) -> bool:
    """Tell whether nothing is written in a row."""
    return not any(
        cell is not None and (not isinstance(cell, str) or cell.strip()) for cell in cells
    )


def find_header(rows: Sequence[Sequence[object]], *, choices: Choices) -> Header:
    """Find the header in the first rows of a grid, blank rows included."""
    if choices.header_row is not None:
        place = min(choices.header_row - 1, len(rows) - 1)
        code = "chosen"
    else:
        place = _header_place(rows)
        code = "header_none" if place < 0 else "header_first" if place == 0 else "header_below"
    width = _width(rows, place=max(place, 0))
    if place < 0:
        first = _first_full(rows) if code != "chosen" else 0
        keys = unique_names([""] * width)
        finding = Finding(about="header", value="0", code=code, confidence=0.5, warning=True)
        empty = ("",) * width
        return Header(
            labels=tuple(keys),
            keys=tuple(keys),
            declared=(None,) * width,
            descriptions=empty,
            first_data=first,
            titles=_titles(rows[:first]),
            finding=finding,
        )
    written = [_text(cell) for cell in rows[place][:width]]
    written += [""] * (width - len(written))
    typed = [without_dbase_type(name) for name in written]
    # One name with a comma is a name; several that end in ",C,50" are a dBase header.
    is_dbase = sum(bool(kind) for _, kind in typed) >= max(1, 0.5 * sum(map(bool, written)))
    labels = [name for name, _ in typed] if is_dbase else written
    kinds = [_DBASE_KINDS.get(kind) for _, kind in typed] if is_dbase else [None] * len(written)
    described = code != "chosen" and _is_description(rows, place=place)
    descriptions = [_text(cell) for cell in rows[place + 1]] if described else []
    descriptions += [""] * (len(labels) - len(descriptions))
    titles = _titles(rows[:place])
    keys = unique_names(labels)
    notes: tuple[Finding, ...] = ()
    if described:
        notes += (Finding(about="header", value="two", code="header_two", confidence=0.8),)
    if is_dbase:
        example = next(name for name, (_, kind) in zip(written, typed, strict=True) if kind)
        notes += (
            Finding(
                about="header", value="dbase", code="header_types", params={"example": example}
            ),
        )
    return Header(
        labels=tuple(label or key for label, key in zip(labels, keys, strict=True)),
        keys=tuple(keys),
        declared=tuple(kinds),
        descriptions=tuple(descriptions[: len(labels)]),
        first_data=place + 1 + described,
        titles=titles,
        finding=Finding(
            about="header",
            value=str(place + 1),
            code=code,
            params={"row": place + 1, "count": len(titles)},
            confidence=0.9,
        ),
        notes=notes,
    )


def _width(rows: Sequence[Sequence[object]], *, place: int) -> int:
    """Return how many columns there are: as wide as the header, or as most rows if they are wider.

    A single row that is too long does not make a column: it is told as a problem of that row.
    """
    named = len(rows[place]) if rows else 0
    filled = sorted(width for row in rows[place + 1 :] if (width := _last_filled(row)))
    return max(named, filled[int(0.8 * (len(filled) - 1))] if filled else 0)


def _last_filled(row: Sequence[object]) -> int:
    for place in range(len(row) - 1, -1, -1):
        if not is_blank((row[place],)):
            return place + 1
    return 0


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return " ".join(str(cell).replace("\x00", "").split())


def _titles(rows: Sequence[Sequence[object]]) -> tuple[str, ...]:
    lines = (" ".join(text for cell in row if (text := _text(cell))) for row in rows)
    return tuple(shown(line) for line in lines if line)


def _count(row: Sequence[object]) -> int:
    return sum(not is_blank((cell,)) for cell in row)


def _typical(rows: Sequence[Sequence[object]]) -> int:
    counts = sorted(count for row in rows if (count := _count(row)))
    return counts[(len(counts) * 3) // 4] if counts else 0


def _first_full(rows: Sequence[Sequence[object]]) -> int:
    enough = _FULL * _typical(rows)
    return next((place for place, row in enumerate(rows) if _count(row) >= max(1, enough)), 0)


def _header_place(rows: Sequence[Sequence[object]]) -> int:
    """Return the place of the header, or -1: the first full row either is it, or there is none."""
    if not rows:
        return -1
    place = _first_full(rows)
    row, body = rows[place], [one for one in rows[place + 1 :] if not is_blank(one)]
    if not _could_name(row):
        return -1
    dbase = all(without_dbase_type(_text(cell))[1] for cell in row if not is_blank((cell,)))
    return place if not body or dbase or _differs(row, body) else -1


def _could_name(row: Sequence[object]) -> bool:
    """Tell whether cells are texts, short enough and mostly distinct."""
    filled = [cell for cell in row if not is_blank((cell,))]
    texts = [_text(cell) for cell in filled]
    plain = sum(not _is_quantity(cell) or _is_year(cell) for cell in filled)
    distinct = len({text.lower() for text in texts})
    return (
        bool(filled)
        and plain >= _TEXTUAL * len(filled)
        and distinct >= 0.5 * len(texts)
        and max(map(len, texts)) <= _LONGEST_NAME
    )


def _differs(row: Sequence[object], body: Sequence[Sequence[object]]) -> bool:
    """Tell whether a row is unlike what stands below it, as names are unlike values."""
    cells = [(column, cell) for column, cell in enumerate(row) if not is_blank((cell,))]
    quantities = {column for column in range(len(row)) if _is_quantity_column(body, place=column)}
    if quantities:
        # Where the body holds quantities, names stand above most of them.
        named = sum(
            column in quantities and (not _is_quantity(cell) or _is_year(cell))
            for column, cell in cells
        )
        return named >= 0.5 * len(quantities)
    below = {
        (column, _text(cell).lower())
        for one in body
        for column, cell in enumerate(one)
        if not is_blank((cell,))
    }
    # A word that comes again below it is a value, not the name of the column.
    repeated = sum((column, _text(cell).lower()) in below for column, cell in cells)
    return repeated <= 0.5 * len(cells)


def _is_description(rows: Sequence[Sequence[object]], *, place: int) -> bool:
    """Tell whether the row below the header explains it, as in the files of INSEE."""
    if place + 2 >= len(rows):
        return False
    row, body = rows[place + 1], [one for one in rows[place + 2 :] if not is_blank(one)]
    filled = [cell for cell in row if not is_blank((cell,))]
    if len(filled) < 0.5 * _count(rows[place]) or not body:
        return False
    if any(_is_quantity(cell) for cell in filled):
        return False
    quantities = sum(_is_quantity_column(body, place=column) for column in range(len(row)))
    return quantities >= max(2, 0.4 * len(filled))


def _is_quantity_column(body: Sequence[Sequence[object]], *, place: int) -> bool:
    cells = [row[place] for row in body if place < len(row) and not is_blank((row[place],))]
    return bool(cells) and sum(map(_is_quantity, cells)) > 0.7 * len(cells)


def _is_year(cell: object) -> bool:
    return bool(_YEAR.fullmatch(_text(cell)))


def _is_quantity(cell: object) -> bool:
    """Tell whether a cell holds a number or a date, which a name does not."""
    if isinstance(cell, bool | int | float | date | time | timedelta):
        return True
    text = cell.strip() if isinstance(cell, str) else ""
    if not text or text.lower() in NOTHING:
        return False
    for read in (read_number, read_moment):
        try:
            read(text)
        except ValueError:
            continue
        return True
    return False
