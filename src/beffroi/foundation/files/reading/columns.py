"""Decide what each column of a file holds, from its cells, and how to read them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import TypeAlias
from zoneinfo import ZoneInfo

from beffroi.foundation.files.reading.contracts import ColumnKind, Finding, Value, shown
from beffroi.foundation.files.reading.names import is_code_name, plain_name
from beffroi.foundation.files.reading.values import (
    DATE,
    FALSE_WORDS,
    LEADING_ZERO,
    LONG_WORDS,
    LONGEST_INTEGER,
    MIXED_CODE,
    NARROW_NOTHING,
    NOTHING,
    NUMBER,
    SPACE_GROUPS,
    SPACES,
    TRUE_WORDS,
    in_utc,
    read_boolean,
    read_moment,
    read_number,
)

_TRIAL = 300
ENOUGH = 0.95
"""Share of the filled cells that must fit for a column to have a kind."""


@dataclass(slots=True)
class ColumnProfile:
    """What was seen in the cells of one column while the file was looked through."""

    label: str
    declared: ColumnKind | None = None
    looked_at: int = 0
    filled: int = 0
    examples: list[str] = field(default_factory=list)
    cells: Counter[object] = field(default_factory=Counter)
    """Distinct cells with how often they came; a text cell is stripped."""

    def see(self, cell: object) -> None:
        """Take one cell into account."""
        self.looked_at += 1
        if cell is None:
            return
        if isinstance(cell, str):
            cell = cell.strip()
            if not cell:
                return
        self.filled += 1
        if isinstance(cell, float | int | bool):
            # 1, 1.0 and True are one key of a dictionary; their kinds differ.
            cell = (type(cell).__name__, cell)
        elif not isinstance(cell, str | date | datetime):
            cell = shown(cell)
        self.cells[cell] += 1
        if self.cells[cell] == 1 and len(self.examples) < 3:
            self.examples.append(shown(cell[1] if isinstance(cell, tuple) else cell))

    def texts(self) -> Iterable[tuple[str, int]]:
        """Give the distinct text cells with their counts."""
        return ((cell, count) for cell, count in self.cells.items() if isinstance(cell, str))


@dataclass(frozen=True, slots=True)
class Reading:
    """How one column is read."""

    kind: ColumnKind
    reason: str
    read: Reader
    unit: str = ""
    notes: tuple[Finding, ...] = ()


Reader: TypeAlias = Callable[[object], Value]
"""Turns a cell into a value, or raises :class:`ValueError`."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a file writes its numbers."""

    decimal: str = ","


def find_decimal(profiles: Iterable[ColumnProfile]) -> tuple[Style, Finding | None]:
    """Find the decimal mark of a file from all its text cells.

    ``1,5`` and ``1.50`` tell; ``1,234`` alone does not, and is then read as French.
    """
    votes: Counter[str] = Counter()
    doubtful = ""
    for profile in profiles:
        if is_code_name(profile.label):
            continue
        for cell, count in profile.texts():
            match = NUMBER.fullmatch(cell)
            if match is None or not match["mark"]:
                continue
            mark, fraction, whole = match["mark"], match["fraction"], match["whole"] or ""
            if "." in whole or "," in whole or len(fraction) != 3 or len(whole) > 3:
                votes[mark] += count
            else:
                doubtful = doubtful or cell
                votes[mark] += 0
    if not votes:
        return Style(), None
    best, count = votes.most_common(1)[0]
    if count == 0:
        best = "," if "," in votes else "."
        finding = Finding(
            about="decimal",
            value=best,
            code="decimal_ambiguous",
            params={"example": doubtful},
            confidence=0.5,
            warning=True,
        )
        return Style(decimal=best), finding
    finding = Finding(
        about="decimal",
        value=best,
        code="decimal_found",
        params={"count": count},
        confidence=round(count / votes.total(), 2),
    )
    return Style(decimal=best), finding


def _month_first(cells: Iterable[str]) -> bool:
    """Tell whether the second place holds what can only be a day, and the first never does."""
    second = False
    for cell in cells:
        match = DATE.fullmatch(cell.strip("\"' "))
        if match is None or match["a"] is None:
            continue
        if int(match["a"]) > 12:
            return False
        second = second or int(match["b"]) > 12
    return second


def find_reading(
    profile: ColumnProfile,
    *,
    style: Style,
    zone: ZoneInfo,
    month_first: bool | None = None,
) -> Reading:
    """Decide what the cells of a column are and how to read them."""
    if profile.filled == 0:
        return Reading(profile.declared or ColumnKind.EMPTY, "type_empty", _text)
    texts = {cell: count for cell, count in profile.texts() if cell.lower() not in NOTHING}
    typed = sum(count for cell, count in profile.cells.items() if not isinstance(cell, str))
    native = {_native_kind(cell) for cell in profile.cells if not isinstance(cell, str)}
    most = typed >= ENOUGH * (typed + sum(texts.values()))
    if native and (most or profile.declared in native):
        return _of_natives(native, profile=profile, zone=zone)
    declared_text = profile.declared is ColumnKind.TEXT
    found: Reading | None = None
    # 19900101 is a number, unless the name says that it is a date.
    dated = profile.declared is ColumnKind.DATE or "date" in plain_name(profile.label)
    last = (_as_moment, _as_number) if dated else (_as_number, _as_moment)
    for attempt in (_as_boolean, *last):
        if found is not None or (declared_text and is_code_name(profile.label)):
            break
        if declared_text and attempt is _as_number:
            continue
        found = attempt(texts, profile=profile, style=style, zone=zone, month_first=month_first)
        if found is not None and not _compatible(native, kind=found.kind):
            found = None
    if found is not None:
        return found
    reason = "type_declared" if profile.declared else "type_mixed" if native else "type_all_fit"
    return Reading(ColumnKind.TEXT, reason, _text)


def _compatible(native: set[ColumnKind], *, kind: ColumnKind) -> bool:
    numbers = {ColumnKind.INTEGER, ColumnKind.NUMBER}
    return (
        kind is ColumnKind.TEXT
        or not native
        or native <= {kind}
        or (kind in numbers and native <= numbers)
    )


def _native_kind(cell: object) -> ColumnKind:
    if isinstance(cell, tuple):
        name = cell[0]
        return {
            "bool": ColumnKind.BOOLEAN,
            "int": ColumnKind.INTEGER,
        }.get(name, ColumnKind.NUMBER)
    if isinstance(cell, datetime):
        return ColumnKind.DATETIME
    return ColumnKind.DATE


def _of_natives(native: set[ColumnKind], *, profile: ColumnProfile, zone: ZoneInfo) -> Reading:
    """Choose a kind for cells that the format itself types."""
    if native <= {ColumnKind.INTEGER, ColumnKind.NUMBER}:
        numbers = [cell[1] for cell in profile.cells if isinstance(cell, tuple)]
        whole = all(float(number).is_integer() for number in numbers)
        # A spreadsheet or GIS writes 12 as 12.0: what is whole everywhere is an integer.
        if whole:
            return Reading(ColumnKind.INTEGER, "type_all_fit", _native_integer)
        return Reading(ColumnKind.NUMBER, "type_all_fit", _native_number)
    if native == {ColumnKind.BOOLEAN}:
        return Reading(ColumnKind.BOOLEAN, "type_declared", _native_boolean)
    if native <= {ColumnKind.DATE, ColumnKind.DATETIME}:
        midnight = all(
            cell.time() == time() for cell in profile.cells if isinstance(cell, datetime)
        )
        if midnight:
            return Reading(ColumnKind.DATE, "type_declared", _native_date)
        return Reading(ColumnKind.DATETIME, "type_declared", _native_moment(zone))
    return Reading(ColumnKind.TEXT, "type_mixed", _text)


def _fits(texts: dict[str, int], read: Callable[[str], object]) -> tuple[int, int]:
    good = seen = 0
    for place, (cell, count) in enumerate(texts.items()):
        seen += count
        if place == _TRIAL and good < seen / 2:
            break  # a column of words: the rest would change nothing
        try:
            read(cell)
        except ValueError:
            continue
        good += count
    return good, sum(texts.values())


def _as_boolean(
    texts: dict[str, int],
    *,
    profile: ColumnProfile,
    style: Style,
    zone: ZoneInfo,
    month_first: bool | None,
) -> Reading | None:
    del profile, style, zone, month_first
    words = {cell.lower() for cell in texts}
    if not words or not words <= TRUE_WORDS | FALSE_WORDS:
        return None
    # A lone letter is a code unless both answers appear.
    if not words & LONG_WORDS and not (
        words & TRUE_WORDS and words & FALSE_WORDS and len(words) == 2
    ):
        return None
    return Reading(ColumnKind.BOOLEAN, "type_all_fit", _or_nothing(read_boolean))


def _as_number(
    texts: dict[str, int],
    *,
    profile: ColumnProfile,
    style: Style,
    zone: ZoneInfo,
    month_first: bool | None,
) -> Reading | None:
    del zone, month_first
    narrow = {cell: count for cell, count in texts.items() if cell.lower() not in NARROW_NOTHING}

    def read(cell: str) -> int | float:
        return read_number(cell, decimal=style.decimal)

    good, total = _fits(narrow, read)
    if total == 0 or good < ENOUGH * total:
        return None
    if profile.declared is None and (
        is_code_name(profile.label) or any(LEADING_ZERO.fullmatch(cell) for cell in narrow)
    ):
        return Reading(ColumnKind.TEXT, "type_code", _text)
    values, misfits = _read_all(narrow, read)
    too_long = any(cell.isdigit() and len(cell) > LONGEST_INTEGER for cell in values)
    # 2A004 among numbers: they are codes, and a few happen to have digits only.
    if too_long or any(MIXED_CODE.fullmatch(cell) for cell in misfits):
        return Reading(ColumnKind.TEXT, "type_code", _text)
    units: Counter[str] = Counter()
    notes: list[Finding] = []
    for cell in values:
        units[cell[-1] if cell[-1] in "%€‰" else ""] += 1
        if not notes and SPACE_GROUPS.match(cell):
            notes.append(_thousands(cell))
    whole = all(isinstance(value, int) or value.is_integer() for value in values.values())
    unit = units.most_common(1)[0][0]
    reason = "type_all_fit" if good == total else "type_most_fit"
    if whole and not any("," in cell or "." in cell for cell in values):
        return Reading(ColumnKind.INTEGER, reason, _or_nothing(read), unit, tuple(notes))
    return Reading(
        ColumnKind.NUMBER, reason, _or_nothing(lambda cell: float(read(cell))), unit, tuple(notes)
    )


def _read_all(
    cells: Iterable[str], read: Callable[[str], int | float]
) -> tuple[dict[str, int | float], list[str]]:
    values: dict[str, int | float] = {}
    misfits: list[str] = []
    for cell in cells:
        try:
            values[cell] = read(cell)
        except ValueError:
            misfits.append(cell)
    return values, misfits


def _thousands(cell: str) -> Finding:
    mark = next(letter for letter in cell if letter in SPACES)
    name = {" ": "space", "\u00a0": "no-break space"}.get(mark, "narrow space")
    return Finding(
        about="thousands",
        value=name,
        code="thousands_found",
        params={"mark": name, "example": cell},
    )


def _as_moment(
    texts: dict[str, int],
    *,
    profile: ColumnProfile,
    style: Style,
    zone: ZoneInfo,
    month_first: bool | None,
) -> Reading | None:
    del style
    narrow = {cell: count for cell, count in texts.items() if cell.lower() not in NARROW_NOTHING}
    if all(re.fullmatch(r"\d{8}", cell) for cell in narrow) and not (
        profile.declared is ColumnKind.DATE or "date" in plain_name(profile.label)
    ):
        return None
    american = _month_first(narrow) if month_first is None else month_first

    def read(cell: str) -> date | datetime:
        return read_moment(cell, month_first=american, zone=zone)

    good, total = _fits(narrow, read)
    if total == 0 or good < ENOUGH * total:
        return None
    reason = "type_all_fit" if good == total else "type_most_fit"
    timed = any(_has_time(cell) for cell in narrow)
    notes: list[Finding] = []
    label = profile.label
    if american:
        notes.append(_date_note("dates_month_first", column=label, example=profile.examples[0]))
    if any(match and match["c"] and len(match["c"]) == 2 for match in map(DATE.fullmatch, narrow)):
        notes.append(_date_note("dates_two_digits", column=label))
    if timed and not all(match and match["zone"] for match in map(DATE.fullmatch, narrow)):
        notes.append(_date_note("dates_zone", column=label, zone=str(zone)))
    if not timed:
        return Reading(ColumnKind.DATE, reason, _or_nothing(read), notes=tuple(notes))

    def read_instant(cell: str) -> datetime:
        found = read(cell)
        if isinstance(found, datetime):
            return found
        return in_utc(datetime.combine(found, time()), zone=zone)

    return Reading(ColumnKind.DATETIME, reason, _or_nothing(read_instant), notes=tuple(notes))


def _has_time(cell: str) -> bool:
    match = DATE.fullmatch(cell.strip("\"' "))
    return match is not None and match["hour"] is not None


def _date_note(code: str, **params: object) -> Finding:
    return Finding(about="dates", value=code, code=code, params=params, warning=True)


# --- readers of one cell ---------------------------------------------------------------------


def _text(cell: object) -> Value:
    if cell is None:
        return None
    if isinstance(cell, str):
        return cell.strip() or None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 10**LONGEST_INTEGER:
        return str(int(cell))
    return cell.isoformat() if isinstance(cell, date | datetime) else str(cell)


def _or_nothing(read: Callable[[str], Value]) -> Reader:
    def reader(cell: object) -> Value:
        if cell is None:
            return None
        if isinstance(cell, str):
            cell = cell.strip()
            return None if cell.lower() in NOTHING else read(cell)
        if isinstance(cell, bool | int | float | date | datetime):
            return cell
        raise ValueError(cell)

    return reader


def _no_text(cell: object) -> None:
    if isinstance(cell, str) and cell.strip().lower() not in NOTHING:
        raise ValueError(cell)


def _native_integer(cell: object) -> Value:
    if isinstance(cell, float | int) and not isinstance(cell, bool):
        return int(cell) if float(cell).is_integer() else cell
    _no_text(cell)
    return None


def _native_number(cell: object) -> Value:
    if isinstance(cell, float | int) and not isinstance(cell, bool):
        return float(cell)
    _no_text(cell)
    return None


def _native_boolean(cell: object) -> Value:
    if isinstance(cell, bool):
        return cell
    _no_text(cell)
    return None


def _native_date(cell: object) -> Value:
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    _no_text(cell)
    return None


def _native_moment(zone: ZoneInfo) -> Reader:
    def reader(cell: object) -> Value:
        if isinstance(cell, datetime):
            return in_utc(cell, zone=zone)
        if isinstance(cell, date):
            return in_utc(datetime.combine(cell, time()), zone=zone)
        _no_text(cell)
        return None

    return reader
