"""Read text cut by a separator: CSV, TSV and their relatives."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from beffroi.foundation.files.reading.contracts import (
    Choices,
    FileKind,
    FileRefused,
    Finding,
    Findings,
    Limits,
    Problem,
    shown,
)
from beffroi.foundation.files.reading.encodings import Encoding, chosen_encoding, find_encoding
from beffroi.foundation.files.reading.grid import grid_table
from beffroi.foundation.files.reading.raw import RawTable, Record

_PREFERENCE = {"\t": 0.04, ";": 0.03, "|": 0.01, ",": 0.0}
_NAMES = {"\t": "tab"}
_SAMPLE_CHARS = 400_000
_SAMPLE_RECORDS = 500
_REGULAR = 0.5
_SEP_LINE = re.compile(r'^"?sep=(?P<mark>[;,\t|])"?\s*$', re.IGNORECASE)
_CONTROL = re.compile(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f]")
_CONTROL_SHARE = 0.005


@dataclass(frozen=True, slots=True)
class Dialect:
    """How lines are cut into cells."""

    separator: str
    quoted: bool
    skip: int = 0

    def reader(self, lines: Iterator[str]) -> Iterator[list[str]]:
        """Cut lines into records."""
        return csv.reader(
            lines,
            delimiter=self.separator or "\x1f",
            quoting=csv.QUOTE_MINIMAL if self.quoted else csv.QUOTE_NONE,
            strict=False,
        )


def open_separated(content: bytes, *, name: str, limits: Limits, choices: Choices) -> RawTable:
    """Understand a separated text.

    Raises:
        FileRefused: it is not text, or breaks a limit.
    """
    encoding = _encoding(content, name=name, choices=choices)
    text = _head(content, encoding=encoding, name=name, limits=limits)
    dialect, separator, quote = find_dialect(text, chosen=choices.separator)
    # The module's own default of 131,072 is too short for an outline written as text.
    csv.field_size_limit(max(csv.field_size_limit(), limits.cell_chars))

    def rows() -> Iterator[Record]:
        return _records(content, encoding=encoding, dialect=dialect, name=name, limits=limits)

    findings = Findings(
        kind=FileKind.CSV,
        encoding=encoding.finding,
        line_end=_line_end(text),
        separator=separator,
        quote=quote,
        notes=encoding.notes,
    )
    return grid_table(rows, name=name, findings=findings, limits=limits, choices=choices)


def _encoding(content: bytes, *, name: str, choices: Choices) -> Encoding:
    if choices.encoding is not None:
        try:
            return chosen_encoding(choices.encoding)
        except (LookupError, ValueError) as error:
            raise FileRefused("encoding_wrong", name=name, encoding=choices.encoding) from error
    encoding = find_encoding(content)
    if encoding.codec.startswith("utf-16") or encoding.codec.startswith("utf-32"):
        return encoding
    head = content[:100_000]
    if len(_CONTROL.findall(head)) + head.count(0) > max(2, _CONTROL_SHARE * len(head)):
        raise FileRefused("text_binary", name=name)
    return encoding


def _head(content: bytes, *, encoding: Encoding, name: str, limits: Limits) -> str:
    lines: list[str] = []
    length = 0
    for line in _lines(content, encoding=encoding, name=name, limits=limits):
        lines.append(line)
        length += len(line)
        if length > _SAMPLE_CHARS:
            break
    return "".join(lines)


def _lines(content: bytes, *, encoding: Encoding, name: str, limits: Limits) -> Iterator[str]:
    with io.TextIOWrapper(
        io.BytesIO(content), encoding=encoding.codec, errors=encoding.errors, newline=""
    ) as stream:
        while line := stream.readline(limits.line_chars + 1):
            if len(line) > limits.line_chars:
                raise FileRefused("line_too_long", name=name, limit=limits.line_chars)
            # A database text cannot hold NUL; DOS closes a file with 0x1A.
            if "\x00" in line or line == "\x1a":
                line = line.replace("\x00", "").replace("\x1a", "")
                if not line:
                    continue
            yield line if encoding.repair is None else encoding.mend(line)


def _records(
    content: bytes, *, encoding: Encoding, dialect: Dialect, name: str, limits: Limits
) -> Iterator[Record]:
    lines = _lines(content, encoding=encoding, name=name, limits=limits)
    reader = dialect.reader(itertools.islice(lines, dialect.skip, None))
    for number in itertools.count(dialect.skip + 1):
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problem = Problem(
                row=number,
                column="",
                value="",
                code="row_unreadable",
                params={"detail": shown(str(error))},
                fatal=True,
            )
            yield Record(number, (), None, (problem,))
            continue
        yield Record(number, cells, None)


def find_dialect(text: str, *, chosen: str | None = None) -> tuple[Dialect, Finding, Finding]:
    """Find the separator and whether cells are quoted, with the reasons."""
    first = text.split("\n", 1)[0].split("\r", 1)[0]
    declared = _SEP_LINE.match(first)
    skip = 1 if declared else 0
    if declared and chosen is None:
        chosen = declared["mark"]
    sample = text.splitlines(keepends=True)[skip:]
    # The last line of the sample may be cut.
    sample = sample[:-1] if len(sample) > 2 and len(text) > _SAMPLE_CHARS else sample
    best = ("", True, 0.0, 1, 0.0)
    for separator, liking in _PREFERENCE.items():
        if chosen is not None and separator != chosen:
            continue
        for quoted in (True, False):
            regular, width, agrees = _regularity(sample, separator=separator, quoted=quoted)
            if width < 2 or (regular < _REGULAR and chosen is None):
                continue
            score = regular + 0.1 * agrees + 0.005 * min(width, 20) + liking
            # Quotes are the rule: without them the rows must be clearly more regular.
            score -= 0 if quoted else 0.15
            if score > best[4]:
                best = (separator, quoted, regular, width, score)
    separator, quoted, regular, width, _ = best
    if chosen is not None:
        separator = chosen
    finding = Finding(
        about="separator",
        value=_NAMES.get(separator, separator),
        code="chosen" if chosen else "separator_regular" if separator else "separator_none",
        params={"share": round(100 * regular), "columns": width},
        confidence=round(regular, 2) if separator else 0.5,
    )
    has_quotes = '"' in text
    quote = Finding(
        about="quote",
        value='"' if quoted and has_quotes else "",
        code="quote_unclosed" if not quoted else "quote_used" if has_quotes else "quote_none",
        warning=not quoted,
    )
    return Dialect(separator=separator, quoted=quoted, skip=skip), finding, quote


def _regularity(sample: list[str], *, separator: str, quoted: bool) -> tuple[float, int, bool]:
    """Return the share of records of the commonest width, that width, and if the first has it."""
    reader = Dialect(separator=separator, quoted=quoted).reader(iter(sample))
    widths: list[int] = []
    try:
        for cells in reader:
            if cells:
                widths.append(len(cells))
            if len(widths) >= _SAMPLE_RECORDS:
                break
    except csv.Error:
        return 0.0, 0, False
    if not widths:
        return 0.0, 0, False
    # Lines of a title have one cell: they say nothing against a separator, unless all are so.
    cut = Counter(width for width in widths if width > 1)
    if not cut:
        return 1.0, 1, True
    width, count = cut.most_common(1)[0]
    return count / len(widths), width, widths[0] == width


def _line_end(text: str) -> Finding:
    windows = text.count("\r\n")
    counts = {
        "CRLF": windows,
        "LF": text.count("\n") - windows,
        "CR": text.count("\r") - windows,
    }
    name = max(counts, key=counts.__getitem__)
    others = sum(counts.values()) - counts[name]
    return Finding(
        about="line_end",
        value=name if counts[name] else "LF",
        code="line_end_mixed" if others else "line_end",
        params={"count": counts[name]},
    )
