"""What a sample would give under settings that are not saved: nothing is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext

from beffroi.city.ingest.catalogue import catalogue
from beffroi.city.ingest.clocks import clock_limits
from beffroi.city.ingest.contracts import MAX_IDENTIFIER, Status
from beffroi.city.ingest.decoding import DeviceEntry, decode_uplink
from beffroi.city.ingest.models import Source
from beffroi.city.ingest.plain_values import clean_text
from beffroi.city.ingest.redecoding import devices_now
from beffroi.kernel.clock import now
from beffroi.kernel.errors import BeffroiError
from beffroi.sdk.connectors import Delivery, Parsed, Refusal, Sample, Uplink

SAMPLE_OCTETS = 256 * 1024
ROWS_SHOWN = 50

_STARTS = {"{": "application/json", "[": "application/json", "<": "application/xml"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRow:
    """What one row of a sample would become; without status it would be refused.

    ``readings`` are as those of a kept message: name, value, whether it would be a measurement.
    """

    index: int
    device: str = ""
    observed_at: datetime | None = None
    status: Status | None = None
    readings: tuple[tuple[str, float, bool], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplePreview:
    """The first rows of a sample, and how many there are of each kind."""

    rows: tuple[SampleRow, ...]
    count: int
    refused: int

    @property
    def accepted(self) -> int:
        """Return how many would be kept."""
        return self.count - self.refused


def sample_preview(
    source: Source, text: str, *, content_type: str, settings: Mapping[str, Any]
) -> SamplePreview:
    """Read a sample as the door would, with the devices of today, and store nothing.

    Raises:
        ParseError: the sample as a whole cannot be read.
    """
    received_at = now()
    connector = catalogue().connectors[source.connector_key]
    parsed = connector.parse(
        _delivery(text, content_type=content_type, settings=settings, received_at=received_at)
    )
    shown: Sequence[Parsed] = parsed[:ROWS_SHOWN]
    names = {
        clean_text(one.device, limit=MAX_IDENTIFIER)
        for one in shown
        if not isinstance(one, Refusal)
    }
    devices = devices_now(source.id, names)
    return SamplePreview(
        rows=tuple(
            _row(index, one, devices, source=source, received_at=received_at)
            for index, one in enumerate(shown)
        ),
        count=len(parsed),
        refused=sum(1 for one in parsed if isinstance(one, Refusal)),
    )


def sample_examine(source: Source, text: str, *, content_type: str) -> Sample | None:
    """Guess settings from a sample; None for a connector that needs none.

    Raises:
        ParseError: the sample cannot be read.
    """
    connector = catalogue().connectors[source.connector_key]
    if connector.examine is None:
        return None
    return connector.examine(
        _delivery(text, content_type=content_type, settings={}, received_at=now())
    )


def sample_type(text: str, *, connector_key: str) -> str:
    """Return the content type that a sample seems to have, among those of a connector."""
    types = catalogue().connectors[connector_key].content_types
    start = text.lstrip("\ufeff \t\r\n")[:1]
    wanted = _STARTS.get(start, "text/csv")
    return wanted if wanted in types else types[0]


def _delivery(
    text: str, *, content_type: str, settings: Mapping[str, Any], received_at: datetime
) -> Delivery:
    return Delivery(
        body=text.encode("utf-8", "replace"),
        content_type=content_type,
        received_at=received_at,
        settings=settings,
    )


def _row(
    index: int,
    parsed: Parsed,
    devices: Mapping[str, DeviceEntry],
    *,
    source: Source,
    received_at: datetime,
) -> SampleRow:
    if isinstance(parsed, Refusal):
        problem = BeffroiError(parsed.message, way_out=parsed.way_out, params=parsed.params)
        return SampleRow(index=index, notes=(problem.told(gettext),))
    if not isinstance(parsed, Uplink):
        return SampleRow(
            index=index,
            device=parsed.device,
            observed_at=parsed.observed_at,
            status=Status.NOTICE,
        )
    decoded = decode_uplink(
        parsed,
        devices.get(clean_text(parsed.device, limit=MAX_IDENTIFIER)),
        received_at=received_at,
        default_codec=source.default_codec,
        installed=catalogue(),
        clock=clock_limits(source.settings),
    )
    notes = [BeffroiError(note.message, params=note.params).told(gettext) for note in parsed.notes]
    if decoded.error:
        notes.append(BeffroiError(decoded.error, params=decoded.error_params).told(gettext))
    told = [(name, value, taken) for name, value, _at, taken in decoded.told]
    plain = [(name, value, False) for name, value, _at in parsed.readings]
    return SampleRow(
        index=index,
        device=parsed.device,
        observed_at=parsed.observed_at,
        status=decoded.status,
        readings=tuple(told or plain),
        notes=tuple(notes),
    )
