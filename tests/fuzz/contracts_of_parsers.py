"""What holds for whatever a parser is given: a refusal, or values within the contract."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from beffroi.kernel.errors import BeffroiError, ParseError
from beffroi.sdk.connectors import Notice, Parsed, Refusal, Uplink
from beffroi.sdk.messages import MAX_ITEMS

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LONGEST_NAME = 1_000
LONGEST_SENTENCE = 2_000


class BrokenContract(AssertionError):
    """A parser gave what no caller can use."""


def must(condition: object, told: str) -> None:
    """Hold a parser to its contract.

    Raises:
        BrokenContract: it does not keep it.
    """
    if not condition:
        raise BrokenContract(told)


def check_refusal(problem: BeffroiError) -> None:
    """Check that a person can be told what is wrong, and what to do."""
    must(problem.way_out, f"{problem!r} tells no way out")
    must(len(str(problem)) <= LONGEST_SENTENCE, "a sentence repeats what was sent without end")
    must(problem.message.format_map(dict(problem.params)), "a sentence lacks a field")


def check_parsed(parsed: Sequence[Parsed], *, body: bytes) -> None:
    """Check the items of a delivery."""
    must(len(parsed) <= MAX_ITEMS, "more items than a delivery holds")
    for item in parsed:
        if isinstance(item, Refusal):
            told = ParseError(
                item.message, code=item.code, way_out=item.way_out, params=item.params
            )
            check_refusal(told)
            continue
        must(isinstance(item, Uplink | Notice), f"{type(item).__name__} is no item")
        must(item.device and len(item.device) <= LONGEST_NAME, "a device without name, or too long")
        must(item.key and len(item.key) <= 10_000, "a message without key, or too long")
        check_instant(item.observed_at)
        if isinstance(item, Uplink):
            _check_uplink(item, body=body)


def _check_uplink(item: Uplink, *, body: bytes) -> None:
    must(len(item.readings) <= 2_000, "too many readings")
    for measure, value, at in item.readings:
        must(0 < len(measure) <= LONGEST_NAME, "a measure without name, or too long")
        check_number(value)
        if at is not None:
            check_instant(at)
    for value in item.values.values():
        if isinstance(value, float):
            check_number(value)
    for position, bound in ((item.lon, 1e9), (item.lat, 1e9)):
        if position is not None:
            check_number(position)
            must(abs(position) <= bound or not math.isinf(position), "a position without end")
    must(item.f_port >= 0, "a negative port")
    must(item.payload is None or len(item.payload) <= 2 * len(body), "octets from nowhere")
    must(len(item.raw) <= 4 * len(body) + 4_096, "a row that is longer than its body")
    for note in item.notes:
        must(note.message.format_map(dict(note.params)), "a note lacks a field")


def check_instant(instant: datetime) -> None:
    """Check that an instant is one in UTC."""
    must(instant.tzinfo is not None, "an instant without time zone")
    must(instant.utcoffset() == timedelta(0), "an instant that is not in UTC")


def check_number(value: Any) -> None:
    """Check that a value is a finite number."""
    must(isinstance(value, int | float), f"{type(value).__name__} is no number")
    must(math.isfinite(value), "a number that is not finite")
