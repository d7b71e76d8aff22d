"""Read dBase tables (.dbf), alone or beside a shapefile.

Layout: dBase III PLUS and IV: a header of 32 bytes, a descriptor of 32 bytes for each field up to
0x0D, then records of fixed width that begin with a space, or ``*`` where deleted.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from beffroi.foundation.files.reading.contracts import ColumnKind, FileRefused, Limits
from beffroi.foundation.files.reading.encodings import Encoding, declared_codec, find_encoding
from beffroi.foundation.files.reading.names import unique_names

_HEADER = 32
_END = 0x0D
_DELETED = 0x2A
_SAMPLE_BYTES = 4_000_000

_LANGUAGES = {0x01: "cp437", 0x02: "cp850", 0x03: "cp1252", 0x04: "mac_roman", 0x57: "cp1252"}
"""Language driver byte of the header; most French files leave it at 0 or lie."""

_KINDS = {
    "C": ColumnKind.TEXT,
    "M": ColumnKind.TEXT,
    "D": ColumnKind.DATE,
    "L": ColumnKind.BOOLEAN,
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field: where it stands in a record and how it is written."""

    name: str
    code: str
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Dbase:
    """A table read from its header; records are cut when asked for."""

    content: bytes
    fields: tuple[Field, ...]
    encoding: Encoding
    start: int
    width: int
    count: int

    @property
    def kinds(self) -> tuple[ColumnKind | None, ...]:
        """Return the kind each field declares; ``None`` for numbers, which their values decide."""
        return tuple(_KINDS.get(field.code) for field in self.fields)

    def deleted(self, place: int) -> bool:
        """Tell whether a record is marked as deleted."""
        return self.content[self.start + place * self.width] == _DELETED

    def records(self) -> Iterator[list[object]]:
        """Give the cells of every record, deleted ones included."""
        readers = [(field.start, field.stop, self._reader(field)) for field in self.fields]
        for place in range(self.count):
            begin = self.start + place * self.width
            record = self.content[begin : begin + self.width]
            yield [read(record[start:stop]) for start, stop, read in readers]

    def _reader(self, field: Field) -> Callable[[bytes], object]:
        encoding = self.encoding

        def text(raw: bytes) -> object:
            stripped = raw.rstrip(b" \x00")
            if not stripped:
                return None
            return encoding.decode(stripped).replace("\x00", "").strip() or None

        return {
            "N": _number,
            "F": _number,
            "D": _date,
            "L": _boolean,
            "I": _integer,
            "O": _double,
        }.get(field.code, text)


def open_dbase(content: bytes, *, name: str, limits: Limits, code_page: str = "") -> Dbase:
    """Read the header of a table and find its encoding.

    Args:
        content: the whole file.
        name: for the refusal.
        limits: bound of fields.
        code_page: text of the ``.cpg`` file beside it, if any.

    Raises:
        FileRefused: it is not a dBase table.
    """
    if len(content) < _HEADER + 1:
        raise FileRefused("dbase_broken", name=name, detail="it is too short")
    declared, start, width = struct.unpack_from("<IHH", content, 4)
    place, at = _HEADER, 1
    raw_names: list[bytes] = []
    spans: list[tuple[str, int, int]] = []
    while place + _HEADER <= min(start, len(content)) and content[place] != _END:
        size = content[place + 16]
        code = chr(content[place + 11])
        if code == "C":
            size += content[place + 17] << 8
        raw_names.append(content[place : place + 11].split(b"\x00", 1)[0])
        spans.append((code, at, at + size))
        at += size
        place += _HEADER
    if not spans or width < 1 or at > width:
        raise FileRefused("dbase_broken", name=name, detail="its header makes no sense")
    if len(spans) > limits.columns:
        raise FileRefused("too_many_columns", name=name, limit=limits.columns)
    count = min(declared, max(0, len(content) - start) // width)
    encoding = _encoding(
        content, raw_names, spans, start=start, width=width, count=count, code_page=code_page
    )
    names = unique_names(encoding.decode(raw).strip() for raw in raw_names)
    fields = tuple(
        Field(field, code, first, last)
        for field, (code, first, last) in zip(names, spans, strict=True)
    )
    return Dbase(content, fields, encoding, start, width, count)


def _encoding(
    content: bytes,
    raw_names: list[bytes],
    spans: list[tuple[str, int, int]],
    *,
    start: int,
    width: int,
    count: int,
    code_page: str,
) -> Encoding:
    """Judge the texts alone: the header and the padding would mislead."""
    texts = [span for span in spans if span[0] in "CM"]
    step = max(1, count * width // _SAMPLE_BYTES)
    parts = list(raw_names)
    for place in range(0, count, step):
        record = content[start + place * width : start + (place + 1) * width]
        if not record.isascii():
            parts += [record[first:last].strip() for _, first, last in texts]
    declared = declared_codec(code_page) or _LANGUAGES.get(content[29])
    return find_encoding(b"\n".join(parts), declared=declared)


def _number(raw: bytes) -> object:
    text = raw.strip(b" \x00")
    if not text or text.startswith(b"*"):
        return None  # stars mean a number too long for its field
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text.replace(b",", b"."))
    except ValueError:
        return text.decode("ascii", "replace")


def _date(raw: bytes) -> object:
    text = raw.strip(b" \x00")
    if not text or text == b"00000000":
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return text.decode("ascii", "replace")


def _boolean(raw: bytes) -> object:
    letter = raw.strip(b" \x00?").upper()
    if not letter:
        return None
    return letter in {b"T", b"Y", b"O", b"1"}


def _integer(raw: bytes) -> object:
    return int.from_bytes(raw, "little", signed=True) if len(raw) == 4 else None


def _double(raw: bytes) -> object:
    return struct.unpack("<d", raw)[0] if len(raw) == 8 else None
