"""From rows of a CSV file to uplinks that carry their own time."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from beffroi.kernel import clock
from beffroi.kernel.errors import ParseError
from beffroi.sdk import messages
from beffroi.sdk.connectors import Delivery, Parsed, Uplink
from beffroi.sdk.local_time import written_instant, zone_of

_SEPARATORS = ";,\t|"
_MAX_CELL = 10_000
MAX_MEASURE = 200
_NOTHING = frozenset({"", "-", "na", "n/a", "nan", "null", "none"})
"""What files write where a value is missing."""


@dataclass(frozen=True, slots=True)
class _Columns:
    device: str
    time: str
    zone: ZoneInfo
    measures: Mapping[str, str]
    long_form: bool
    seen: set[tuple[str, str, str]] = field(default_factory=set)
    """Device, measure (long form) and text of the times read so far."""


def parse(delivery: Delivery) -> Sequence[Parsed]:
    """Read a CSV body with a header row; a refused row does not spoil the others.

    Raises:
        ParseError: the body is no text, has no header, or lacks a column that the source names.
    """
    text = _text(delivery.body)
    if text[:4].lower() == "sep=":  # what spreadsheets write to tell their own separator
        text = text.partition("\n")[2]
    header_line = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=header_line.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator)
    parsed: list[Parsed] = []
    try:
        header = [name.strip() for name in reader.fieldnames or ()]
        reader.fieldnames = header
        columns = _columns(header, delivery.settings)
        for index, row in enumerate(reader):
            if index >= messages.MAX_ITEMS:
                raise ParseError(
                    "The body holds more than {most} rows.",
                    way_out="Cut it into several.",
                    params={"most": messages.MAX_ITEMS},
                )
            parsed.append(_read(row, columns, index=index))
    except csv.Error as problem:
        raise ParseError(
            "The body is not CSV: {reason}.",
            way_out="Save the file as CSV in UTF-8.",
            params={"reason": problem},
        ) from None
    return parsed


def _text(body: bytes) -> str:
    utf_16 = body.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if utf_16 else ("utf-8-sig", "cp1252"):
        try:
            return body.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
        except UnicodeDecodeError:
            continue
    raise ParseError("The body is not text.", way_out="Save the file as CSV in UTF-8.")


def _columns(header: Sequence[str], settings: Mapping[str, object]) -> _Columns:
    device = str(settings.get("device") or "device")
    time = str(settings.get("time") or "time")
    zone = zone_of(str(settings.get("time_zone") or "Europe/Paris"))
    named = settings.get("measures") or {}
    measures = {str(k): str(v) for k, v in named.items()} if isinstance(named, Mapping) else {}
    long_form = not measures and {"measure", "value"} <= set(header)
    if not measures and not long_form:
        measures = {name: name for name in header if name not in {device, time, ""}}
    for column in (device, time, *measures.values()):
        if column not in header:
            raise ParseError(
                "The file has no column {column}; it has {columns}.",
                way_out="Name the columns in the settings of the source, or in the file.",
                params={"column": column[:60], "columns": ", ".join(header)[:300]},
            )
    return _Columns(device, time, zone, measures, long_form)


def _read(row: Mapping[str, str | None], columns: _Columns, *, index: int) -> Parsed:
    raw = ";".join(str(value or "")[:_MAX_CELL] for value in row.values()).encode()
    try:
        device = _device(row.get(columns.device) or "", columns)
        observed_at = _instant(row, device, columns)
        readings = _readings(row, columns)
    except ParseError as problem:
        return messages.refused(problem, index=index, raw=raw)
    digest = messages.digest_of(*sorted(readings.items()))
    return Uplink(
        device=device,
        key=f"{device}:{clock.epoch_ms(observed_at)}:{digest}",
        observed_at=observed_at,
        readings=tuple((measure, value, None) for measure, value in readings.items()),
        late=True,
        raw=raw,
    )


def _device(cell: str, columns: _Columns) -> str:
    device = cell.strip()
    if not device or len(device) > 120 or not device.isprintable():
        raise ParseError(
            "{field} is {value}, which names no device.",
            way_out="It is a printable text of at most 120 characters.",
            params={"field": columns.device[:60], "value": repr(cell)[:60]},
        )
    return device


def _instant(row: Mapping[str, str | None], device: str, columns: _Columns) -> datetime:
    """Read the time of a row; the hour that autumn repeats is told apart by its second coming."""
    text = (row.get(columns.time) or "").strip()
    measure = (row.get("measure") or "") if columns.long_form else ""
    again = (device, measure, text) in columns.seen
    columns.seen.add((device, measure, text))
    return written_instant(text, columns.zone, second_time=again)


def _readings(row: Mapping[str, str | None], columns: _Columns) -> dict[str, float]:
    cells = (
        {(row.get("measure") or "").strip(): row.get("value")}
        if columns.long_form
        else {measure: row.get(column) for measure, column in columns.measures.items()}
    )
    readings: dict[str, float] = {}
    for measure, cell in cells.items():
        if not 0 < len(measure) <= MAX_MEASURE:
            continue  # a value of nothing, or a header that is no name
        text = "".join((cell or "").split())  # thousands are parted by spaces of any width
        if text.lower() in _NOTHING:
            continue
        if "," in text and "." not in text:
            text = text.replace(",", ".")
        number = messages.number_of({measure: text}, measure)
        if number is not None:
            readings[measure] = number
    if not readings:
        raise ParseError(
            "The row holds no value.", way_out="Name the columns of the measures in the settings."
        )
    return readings
