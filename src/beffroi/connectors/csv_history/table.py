"""From rows of a CSV file to uplinks that carry their own time."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from beffroi.kernel import clock
from beffroi.kernel.errors import ParseError
from beffroi.sdk import messages
from beffroi.sdk.connectors import Delivery, Parsed, Refusal, Uplink

_SEPARATORS = ";,\t|"
_FRENCH_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2}))?)?")
_MAX_CELL = 10_000


@dataclass(frozen=True, slots=True)
class _Columns:
    device: str
    time: str
    zone: ZoneInfo
    measures: Mapping[str, str]
    long_form: bool


def parse(delivery: Delivery) -> Sequence[Parsed]:
    """Read a CSV body with a header row; a refused row does not spoil the others.

    Raises:
        ParseError: the body is no text, has no header, or lacks a column that the source names.
    """
    text = _text(delivery.body)
    header_line = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=header_line.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator)
    header = [name.strip() for name in reader.fieldnames or ()]
    reader.fieldnames = header
    columns = _columns(header, delivery.settings)
    parsed: list[Parsed] = []
    try:
        for index, row in enumerate(reader):
            if index >= messages.MAX_ITEMS:
                raise ParseError(
                    "The body holds more than {most} rows.",
                    way_out="Cut it into several.",
                    params={"most": messages.MAX_ITEMS},
                )
            parsed.append(_read(row, columns, index=index))
    except csv.Error as problem:
        raise ParseError("The body is not CSV: {reason}.", params={"reason": problem}) from None
    return parsed


def _text(body: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return body.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
        except UnicodeDecodeError:
            continue
    raise ParseError("The body is not text.", way_out="Save the file as CSV in UTF-8.")


def _columns(header: Sequence[str], settings: Mapping[str, object]) -> _Columns:
    device = str(settings.get("device") or "device")
    time = str(settings.get("time") or "time")
    try:
        zone = ZoneInfo(str(settings.get("time_zone") or "Europe/Paris"))
    except (ZoneInfoNotFoundError, ValueError):
        raise ParseError(
            "{value} is not a time zone.", params={"value": settings.get("time_zone")}
        ) from None
    named = settings.get("measures") or {}
    measures = {str(k): str(v) for k, v in named.items()} if isinstance(named, Mapping) else {}
    long_form = not measures and {"measure", "value"} <= set(header)
    if not measures and not long_form:
        measures = {name: name for name in header if name not in {device, time, ""}}
    for column in (device, time, *measures.values()):
        if column not in header:
            raise ParseError(
                "The file has no column {column}; it has {columns}.",
                params={"column": column, "columns": ", ".join(header)[:300]},
            )
    return _Columns(device, time, zone, measures, long_form)


def _read(row: Mapping[str, str | None], columns: _Columns, *, index: int) -> Parsed:
    raw = ";".join(str(value)[:_MAX_CELL] for value in row.values()).encode()
    try:
        device = _device(row.get(columns.device) or "")
        observed_at = _instant((row.get(columns.time) or "").strip(), columns.zone)
        readings = _readings(row, columns)
    except ParseError as problem:
        return Refusal(
            index=index,
            code=problem.code,
            message=problem.message,
            way_out=problem.way_out,
            params=problem.params,
            raw=raw,
        )
    digest = messages.digest_of(*sorted(readings.items()))
    return Uplink(
        device=device,
        key=f"{device}:{clock.epoch_ms(observed_at)}:{digest}",
        observed_at=observed_at,
        readings=tuple((measure, value, None) for measure, value in readings.items()),
        late=True,
        raw=raw,
    )


def _device(cell: str) -> str:
    device = cell.strip()
    if not device or len(device) > 120 or not device.isprintable():
        raise ParseError("The row names no device.")
    return device


def _readings(row: Mapping[str, str | None], columns: _Columns) -> dict[str, float]:
    cells = (
        {(row.get("measure") or "").strip(): row.get("value")}
        if columns.long_form
        else {measure: row.get(column) for measure, column in columns.measures.items()}
    )
    readings: dict[str, float] = {}
    for measure, cell in cells.items():
        text = "".join((cell or "").split())  # thousands are parted by spaces of any width
        if "," in text and "." not in text:
            text = text.replace(",", ".")
        number = messages.number_of({measure: text}, measure)
        if number is not None:
            readings[measure] = number
    if not readings:
        raise ParseError("The row holds no value.")
    return readings


def _instant(text: str, zone: ZoneInfo) -> datetime:
    """Read ISO 8601, dd/mm/yyyy hh:mm:ss, or seconds since 1970.

    A local time that exists twice, when summer time ends, is taken the first time.
    """
    try:
        if text.isascii() and text.isdigit() and len(text) >= 9:
            milliseconds = int(text) if len(text) >= 12 else int(text) * 1000
            return messages.instant_of_epoch(milliseconds)
        if match := _FRENCH_DATE.fullmatch(text):
            day, month, year, hour, minute, second = (int(part or 0) for part in match.groups())
            local = datetime(year, month, day, hour, minute, second, tzinfo=zone)
            return local.astimezone(UTC)
        instant = datetime.fromisoformat(text.replace(" ", "T", 1))
        if instant.tzinfo is None:
            instant = instant.replace(tzinfo=zone)
        return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ParseError(
            "{value} is not a time.",
            way_out="Write it as 2026-03-02T07:31:22+01:00 or 02/03/2026 07:31.",
            params={"value": text[:60]},
        ) from None
