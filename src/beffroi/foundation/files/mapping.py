"""Propose which column of a file fills which field of what is imported."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from beffroi.foundation.files.reading.contracts import Column, ColumnKind, Table
from beffroi.foundation.files.reading.names import plain_name

ENOUGH = 0.5
"""Confidence from which a proposal is made."""

_LITTLE_WORDS = frozenset(
    {"de", "du", "des", "la", "le", "les", "l", "d", "un", "une", "en", "et", "a", "au"}
    | {"aux", "of", "the"}
)
_RADICAL = 4
"""Letters that two words must share at least for one to be the short form of the other."""

_ACCEPTS: Mapping[ColumnKind, frozenset[ColumnKind]] = {
    ColumnKind.TEXT: frozenset(ColumnKind) - {ColumnKind.GEOMETRY},
    ColumnKind.INTEGER: frozenset({ColumnKind.INTEGER}),
    ColumnKind.NUMBER: frozenset({ColumnKind.NUMBER, ColumnKind.INTEGER}),
    ColumnKind.BOOLEAN: frozenset({ColumnKind.BOOLEAN, ColumnKind.INTEGER}),
    ColumnKind.DATE: frozenset({ColumnKind.DATE, ColumnKind.DATETIME}),
    ColumnKind.DATETIME: frozenset({ColumnKind.DATETIME, ColumnKind.DATE}),
    ColumnKind.GEOMETRY: frozenset({ColumnKind.GEOMETRY}),
    ColumnKind.EMPTY: frozenset(ColumnKind),
}
"""Which kinds of column a field of a kind can be filled from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetField:
    """A field that a file may fill.

    Attributes:
        key: stable name.
        labels: what people call it, French and English, the first being its own label.
        kind: what it holds.
        required: nothing can be imported without it.
        unit: unit it is stored in, or an empty string.
    """

    key: str
    labels: tuple[str, ...] = ()
    kind: ColumnKind = ColumnKind.TEXT
    required: bool = False
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A proposal: this column fills this field.

    Attributes:
        confidence: from 0 to 1.
        reason: ``chosen``, ``same_name``, ``synonym``, ``words`` or ``similar``.
        doubt: ``kind`` where the values do not suit, ``unit`` where units differ, otherwise empty.
    """

    field: str
    column: str
    confidence: float
    reason: str
    doubt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMapping:
    """Which columns fill which fields.

    Attributes:
        matches: at most one for a field, and one for a column.
        missing: required fields that no column fills.
        unused: columns that fill nothing.
    """

    matches: tuple[Match, ...]
    missing: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()

    @property
    def by_field(self) -> dict[str, str]:
        """Return the column of each field that has one."""
        return {match.field: match.column for match in self.matches}


def propose_mapping(
    table: Table,
    *,
    fields: Sequence[TargetField],
    chosen: Mapping[str, str | None] | None = None,
) -> ColumnMapping:
    """Propose a mapping from names, synonyms and kinds of values.

    Args:
        table: the file as it was read.
        fields: what can be filled.
        chosen: decisions of the person by field key: a column key, or ``None`` to leave it empty.
    """
    decided = dict(chosen or {})
    columns = {column.key: column for column in table.columns}
    matches = [
        Match(field=key, column=column, confidence=1.0, reason="chosen")
        for key, column in decided.items()
        if column is not None and column in columns
    ]
    taken = {match.column for match in matches}
    candidates: list[tuple[float, int, Match]] = []
    for rank, target in enumerate(fields):
        if target.key in decided:
            continue
        for column in table.columns:
            match = _match(target, column)
            if match is not None and column.key not in taken:
                candidates.append((match.confidence, -rank, match))
    candidates.sort(key=lambda one: one[:2], reverse=True)
    filled = {match.field for match in matches}
    for _, _, match in candidates:
        if match.field not in filled and match.column not in taken:
            matches.append(match)
            filled.add(match.field)
            taken.add(match.column)
    order = {target.key: rank for rank, target in enumerate(fields)}
    matches.sort(key=lambda match: order.get(match.field, len(order)))
    return ColumnMapping(
        matches=tuple(matches),
        missing=tuple(
            target.key
            for target in fields
            if target.required
            and target.key not in filled
            and not (target.kind is ColumnKind.GEOMETRY and table.has_geometry)
        ),
        unused=tuple(key for key in columns if key not in taken),
    )


def _match(target: TargetField, column: Column) -> Match | None:
    confidence, reason = _resemblance(target, column)
    if confidence < ENOUGH:
        return None
    doubt = ""
    if column.kind is ColumnKind.EMPTY:
        confidence *= 0.6
    elif column.kind not in _ACCEPTS[target.kind]:
        # A name that says so and values that do not: proposed, with the doubt said.
        confidence, doubt = confidence * 0.6, "kind"
    elif target.unit and column.unit and target.unit != column.unit:
        confidence, doubt = confidence * 0.8, "unit"
    if confidence < ENOUGH:
        return None
    return Match(
        field=target.key,
        column=column.key,
        confidence=round(confidence, 2),
        reason=reason,
        doubt=doubt,
    )


def _resemblance(target: TargetField, column: Column) -> tuple[float, str]:
    best, reason = 0.0, ""
    names = [plain_name(column.label)]
    if column.description:
        names.append(plain_name(column.description))
    for rank, label in enumerate((target.key, *target.labels)):
        wanted = plain_name(label)
        for name in names:
            score, why = _alike(wanted, name, first=rank <= 1)
            if score > best:
                best, reason = score, why
    return best, reason


def _alike(wanted: str, name: str, *, first: bool) -> tuple[float, str]:
    if not wanted or not name:
        return 0.0, ""
    if wanted == name:
        return (1.0, "same_name") if first else (0.95, "synonym")
    if wanted.replace("_", "") == name.replace("_", ""):
        return 0.93, "same_name" if first else "synonym"
    mine, theirs = _words(wanted), _words(name)
    if mine and mine <= theirs:
        # "hauteur" is in "hauteur_mat_m"; the fewer other words, the better.
        return 0.6 + 0.3 * len(mine) / len(theirs), "words"
    shorts = sum(any(_is_short(word, other) for other in theirs) for word in mine)
    if mine and shorts == len(mine):
        return 0.55 + 0.25 * len(mine) / max(len(mine), len(theirs)), "words"
    ratio = difflib.SequenceMatcher(None, wanted, name).ratio()
    return (0.75 * ratio, "similar") if ratio > 0.8 else (0.0, "")


def _words(name: str) -> set[str]:
    return {word for word in name.split("_") if word and word not in _LITTLE_WORDS}


def _is_short(one: str, other: str) -> bool:
    """Tell whether a word is the beginning of the other: dBase cuts names at ten letters."""
    short, long = sorted((one, other), key=len)
    return len(short) >= _RADICAL and long.startswith(short)
