"""Trying a script before it reads anything: its examples, one frame, what is wrong with it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext

from beffroi.city.codecs.desk import Job, Ran, ScriptDesk
from beffroi.city.codecs.running import engine_door
from beffroi.city.codecs.services import payload_of, sha256_of
from beffroi.city.codecs.town_contracts import ExampleResult, ScriptCheck, ScriptText
from beffroi.kernel.clock import now
from beffroi.kernel.errors import BeffroiError

_WHOLE = frozenset({"codec.syntax", "codec.function"})
"""Faults that are the script's whatever the frame."""

_PROBE = b"\x00"


def text_to_try(source: str, *, name: str, dialect: str = "") -> ScriptText:
    """Return a script that is kept nowhere, as the engine takes it."""
    return ScriptText(
        reference="", name=name, source=source, sha256=sha256_of(source), dialect=dialect
    )


def script_check(script: ScriptText, examples: Sequence[Mapping[str, Any]]) -> ScriptCheck:
    """Run a script on its examples; without any, on one frame, to see whether it can be read."""
    inputs = [
        (str(item.get("name") or ""), *_frame(item), item.get("expected")) for item in examples
    ]
    ran = _run(script, [(payload, port) for _, payload, port, _ in inputs] or [(_PROBE, 1)])
    fault = next((answer for answer in ran if answer.code in _WHOLE), None)
    if fault is not None:
        return ScriptCheck(fault=told(fault), line=fault.line)
    results = tuple(
        ExampleResult(
            name=name,
            payload=payload.hex(" "),
            f_port=port,
            expected=expected,
            given=answer.data,
            passed=passes(expected, answer),
            sentence=told(answer),
        )
        for (name, payload, port, expected), answer in zip(inputs, ran, strict=False)
    )
    return ScriptCheck(results=results)


def script_try(script: ScriptText, *, payload: bytes, f_port: int) -> Ran:
    """Run a script on one frame."""
    return _run(script, [(payload, f_port)])[0]


def passes(expected: Any, ran: Ran) -> bool:
    """Tell whether a script gave what an example says it should.

    ``expected`` is the data, or TS013's whole answer with ``data`` or ``errors``.
    """
    if isinstance(expected, Mapping) and expected.keys() <= {"data", "errors", "warnings"}:
        if expected.get("errors"):
            return ran.code == "codec.refused"
        if "data" in expected:
            expected = expected["data"]
    return ran.data is not None and same(expected, ran.data)


def same(one: Any, other: Any) -> bool:
    """Tell whether two outputs are equal; 21 is 21.0, and a rounding error is no difference."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return bool(one == other)


def told(ran: Ran) -> str:
    """Return a fault in the reader's language, or an empty text."""
    return BeffroiError(ran.error, params=ran.params).told(gettext) if ran.error else ""


def _frame(item: Mapping[str, Any]) -> tuple[bytes, int]:
    given = item.get("input") or {}
    octets = given.get("bytes", "")
    payload = bytes(octets) if isinstance(octets, list) else payload_of(str(octets))
    return payload, int(given.get("fPort") or 1)


def _run(script: ScriptText, frames: Sequence[tuple[bytes, int]]) -> list[Ran]:
    at = now()
    # A desk of its own: a script that is tried holds nobody up, and is left after three stops.
    desk = ScriptDesk(engine_door())
    return desk.run(
        [
            Job(script=script, payload=payload, f_port=port, observed_at=at)
            for payload, port in frames
        ]
    )
