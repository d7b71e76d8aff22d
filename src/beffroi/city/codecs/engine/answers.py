"""Reads what a worker answered; nothing in it is trusted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from beffroi.city.codecs.engine.contracts import (
    ENCODE_DOWNLINK,
    Problem,
    ScriptCall,
    ScriptOutcome,
)

MAX_TEXTS = 50
MAX_TEXT = 1_000

_PROBLEMS = {
    b"S": Problem.SYNTAX,
    b"F": Problem.MISSING_FUNCTION,
    b"T": Problem.THROWN,
    b"L": Problem.TIME,
    b"A": Problem.TIME,
    b"M": Problem.MEMORY,
    b"O": Problem.OUTPUT,
}
_GOOD = b"="
_decode = msgspec.json.Decoder().decode
_NUL = re.compile("\x00")
_HALF = re.compile("[\ud800-\udfff]")


def outcome_of(call: ScriptCall, *, kind: bytes, text: bytes) -> ScriptOutcome:
    """Return the outcome that a letter and a text of the worker stand for."""
    if kind != _GOOD:
        problem = _PROBLEMS.get(kind, Problem.OUTPUT)
        return ScriptOutcome(problem=problem, detail=_clean(text.decode("utf-8", "replace"), _NUL))
    is_plain = b"\\u" not in text
    try:
        # Half characters, which JavaScript's texts may hold, are no text elsewhere.
        whole = _decode(text) if is_plain else _clean(json.loads(text), _HALF)
    except (ValueError, RecursionError) as problem:
        return ScriptOutcome(problem=Problem.OUTPUT, detail=str(problem)[:MAX_TEXT])
    if not isinstance(whole, dict):
        return ScriptOutcome(problem=Problem.OUTPUT, detail="what was returned is no object")
    if call.function == ENCODE_DOWNLINK:
        data: Any = {
            key: value for key, value in whole.items() if key not in {"errors", "warnings"}
        } or None
    else:
        data = whole.get("data")
    errors = tuple(_texts(whole.get("errors")))
    if data is not None and not isinstance(data, dict):
        return ScriptOutcome(
            problem=Problem.OUTPUT, detail="the data returned is no object", returned=whole
        )
    if data is None and not errors:
        return ScriptOutcome(
            problem=Problem.OUTPUT, detail="neither data nor errors were returned", returned=whole
        )
    if not is_plain:
        data = _clean(data, _NUL)  # which PostgreSQL refuses
    return ScriptOutcome(
        data=data, warnings=tuple(_texts(whole.get("warnings"))), errors=errors, returned=whole
    )


def _texts(value: object) -> Iterable[str]:
    if value is None or value == "":
        return
    items = value if isinstance(value, list) else [value]
    for item in items[:MAX_TEXTS]:
        text = item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)
        yield _NUL.sub("\ufffd", text[:MAX_TEXT])


def _clean(value: Any, bad: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return bad.sub("\ufffd", value)
    if isinstance(value, list):
        return [_clean(item, bad) for item in value]
    if isinstance(value, dict):
        return {_clean(key, bad): _clean(item, bad) for key, item in value.items()}
    return value
