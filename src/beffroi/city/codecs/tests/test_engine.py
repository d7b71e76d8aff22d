from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from beffroi.city.codecs.engine.contracts import (
    DECODE_DOWNLINK,
    DECODE_UPLINK,
    ENCODE_DOWNLINK,
    Dialect,
    Problem,
    ScriptCall,
    ScriptOutcome,
)
from beffroi.city.codecs.engine.runner import BATCH, ScriptRunner

ANSWERS = "function decodeUplink(input) { return { data: { port: input.fPort } }; }"


@pytest.fixture(scope="module")
def runner() -> Iterator[ScriptRunner]:
    with ScriptRunner() as started:
        yield started


def ran(
    runner: ScriptRunner,
    source: str,
    *,
    function: str = DECODE_UPLINK,
    context: str = "1/a",
    dialect: str = Dialect.ANY,
    **given: Any,
) -> ScriptOutcome:
    given = {"bytes": b"\x01\x02", "fPort": 5, "recvTime": "2026-01-02T03:04:05Z"} | given
    return runner.run([ScriptCall(source, function, context, given, dialect)])[0]


def body(expression: str) -> str:
    return f"function decodeUplink(input) {{ return {{ data: {{ x: {expression} }} }}; }}"


def test_the_contract_is_answered_with_data_warnings_and_errors(runner: ScriptRunner) -> None:
    source = (
        "function decodeUplink(i) "
        "{ return { data: { n: i.bytes[1], p: i.fPort }, warnings: ['w'], errors: ['e'] }; }"
    )
    outcome = ran(runner, source)
    assert outcome.data == {"n": 2, "p": 5}
    assert (outcome.warnings, outcome.errors) == (("w",), ("e",))
    assert outcome.returned["data"] == {"n": 2, "p": 5}
    assert not outcome.is_good


@pytest.mark.parametrize(
    ("source", "dialect", "expected"),
    [
        ("function Decoder(bytes, port) { return { n: bytes.length, p: port }; }", "", (2, 5)),
        ("function Decoder(bytes, port) { return { n: bytes.length, p: port }; }", "ttn", (2, 5)),
        ("function Decode(port, bytes, v) { return { n: v.n, p: port }; }", "", (7, 5)),
        ("function Decode(port, bytes, v) { return { n: v.n, p: port }; }", "chirpstack3", (7, 5)),
        ("function decodeUplink(i) { return { n: 2, p: i.fPort }; }", "thingpark", (2, 5)),
        ("function decodeUplink(i) { return { n: 2, p: i.fPort }; }", "", (2, 5)),
        ("module.exports = { decodeUplink: (i) => ({ data: { n: 2, p: i.fPort } }) };", "", (2, 5)),
        ("exports.decodeUplink = (i) => ({ data: { n: 2, p: i.fPort } });", "ts013", (2, 5)),
        ("const decodeUplink = (i) => ({ data: { n: 2, p: i.fPort } });", "", (2, 5)),
        ("var driver = { decodeUplink(i) { return { data: { n: 2, p: 5 } }; } };", "", (2, 5)),
        ("let module, exports, require; function Decoder(b, p) { return {n: 2, p}; }", "", (2, 5)),
        ("export function decodeUplink(i) { return { data: { n: 2, p: 5 } }; }", "", (2, 5)),
        ("'use strict'; function Decoder(b, p) { return { n: 2, p: p }; }", "", (2, 5)),
    ],
)
def test_every_way_of_writing_a_decoder_is_called(
    runner: ScriptRunner, source: str, dialect: str, expected: tuple[int, int]
) -> None:
    outcome = ran(runner, source, dialect=dialect, variables={"n": 7})
    assert outcome.data == dict(zip(("n", "p"), expected, strict=True)), outcome


@pytest.mark.parametrize(
    ("source", "dialect"),
    [
        ("function encodeDownlink(i) { return { bytes: [i.data.v, i.fPort] }; }", ""),
        ("function encodeDownlink(d) { return { bytes: [d.v, 5] }; }", "thingpark"),
        ("function Encoder(d, port) { return [d.v, port]; }", "ttn"),
        ("function Encode(port, d) { return new Uint8Array([d.v, port]); }", "chirpstack3"),
        ("function Encode(port, d) { return Buffer.from([d.v, port]); }", ""),
    ],
)
def test_every_way_of_writing_an_encoder_is_called(
    runner: ScriptRunner, source: str, dialect: str
) -> None:
    outcome = runner.run(
        [ScriptCall(source, ENCODE_DOWNLINK, "", {"data": {"v": 9}, "fPort": 5}, dialect)]
    )[0]
    assert outcome.data == {"bytes": [9, 5]}, outcome


def test_a_downlink_is_read_back(runner: ScriptRunner) -> None:
    source = "function decodeDownlink(i) { return { data: { v: i.bytes[0] } }; }"
    assert ran(runner, source, function=DECODE_DOWNLINK).data == {"v": 1}


def test_the_time_of_reception_is_a_date_and_a_text(runner: ScriptRunner) -> None:
    source = (
        "function decodeUplink(i) { return { data: { date: i.recvTime.getTime(),"
        " text: i.recvTime.substring(0, 10), made: new Date(i.recvTime),"
        " same: i.recvTime, isDate: i.recvTime instanceof Date, sum: i.recvTime - 1000 } }; }"
    )
    outcome = ran(runner, source, recvTime="2026-01-02T04:04:05.000+01:00")
    assert outcome.data == {
        "date": 1767323045000,
        "text": "2026-01-02",
        "made": "2026-01-02T03:04:05.000Z",
        "same": "2026-01-02T04:04:05.000+01:00",
        "isDate": True,
        "sum": 1767323044000,
    }


@pytest.mark.parametrize(
    ("source", "problem", "detail"),
    [
        ("function decodeUplink(i) {\n  return (;\n}", Problem.SYNTAX, "line 2"),
        ("var x;\nx.y = 1;", Problem.SYNTAX, "line 2"),
        ("function other() {}", Problem.MISSING_FUNCTION, "decodeUplink"),
        (
            "function decodeUplink() {\n\n  throw new Error('no');\n}",
            Problem.THROWN,
            "Error: no (line 3)",
        ),
        ("function decodeUplink() { throw 'plain'; }", Problem.THROWN, "plain"),
        ("function decodeUplink() {}", Problem.OUTPUT, "nothing"),
        ("function decodeUplink() { return 4; }", Problem.OUTPUT, "no object"),
        ("async function decodeUplink() { return {}; }", Problem.OUTPUT, "promise"),
        ("function decodeUplink() { return { data: 3 }; }", Problem.OUTPUT, "no object"),
        ("function decodeUplink() { return { data: [1] }; }", Problem.OUTPUT, "no object"),
        ("function decodeUplink() { return { errors: [] }; }", Problem.OUTPUT, "neither"),
        (body("10n"), Problem.THROWN, "BigInt"),
        ("require('fs'); function decodeUplink() {}", Problem.SYNTAX, "stands alone"),
        ("import os from 'os';", Problem.SYNTAX, "SyntaxError"),
    ],
)
def test_what_a_script_does_wrong_is_said_with_its_line(
    runner: ScriptRunner, source: str, problem: Problem, detail: str
) -> None:
    outcome = ran(runner, source)
    assert (outcome.problem, outcome.data) == (problem, None)
    assert detail in outcome.detail


def test_nothing_of_a_frame_reaches_the_next_of_the_same_device(runner: ScriptRunner) -> None:
    source = (
        "var total = 0; let last = 'none'; implicit = (typeof implicit === 'undefined') ? 1 : 2;"
        "function decodeUplink(i) { total += 1; var before = last; last = 'seen';"
        " loose = (typeof loose === 'undefined') ? 1 : 2;"
        " return { data: { total, before, implicit, loose } }; }"
    )
    for _ in range(3):
        assert ran(runner, source).data == {
            "total": 1,
            "before": "none",
            "implicit": 1,
            "loose": 1,
        }


def test_values_that_json_or_the_database_cannot_hold_are_made_harmless(
    runner: ScriptRunner,
) -> None:
    source = (
        "function decodeUplink() { return { data: { half: '\\ud83d', zero: 'a\\u0000b', nan: NaN,"
        " inf: 1/0, date: new Date(0), none: undefined, whole: '\\u00e9\\ud83d\\ude00' } }; }"
    )
    assert ran(runner, source).data == {
        "half": "�",
        "zero": "a�b",
        "nan": None,
        "inf": None,
        "date": "1970-01-01T00:00:00.000Z",
        "whole": "é😀",
    }


def test_errors_are_texts_whatever_the_script_calls_an_error(runner: ScriptRunner) -> None:
    source = (
        "function decodeUplink() { return { errors: ['a', 3, { b: 1 }, null], warnings: 'w' }; }"
    )
    outcome = ran(runner, source)
    assert outcome.errors == ("a", "3", '{"b": 1}', "null")
    assert outcome.warnings == ("w",)


def test_a_script_may_silence_or_replace_what_is_built_in_for_itself(runner: ScriptRunner) -> None:
    source = (
        "JSON.stringify = () => 'x'; JSON.parse = () => 1; Reflect.ownKeys = () => [];"
        "Array.isArray = () => true; console = null; Set.prototype.has = () => true;"
        "function decodeUplink(i) { return { data: { port: i.fPort } }; }"
    )
    assert ran(runner, source, context="1/vandal").data == {"port": 5}
    assert ran(runner, source, context="1/vandal").data == {"port": 5}


def test_answers_come_in_the_order_of_the_calls_over_several_workers() -> None:
    calls = [
        ScriptCall(ANSWERS, DECODE_UPLINK, f"1/{rank % 7}", {"bytes": b"", "fPort": rank})
        for rank in range(2 * BATCH + 3)
    ]
    with ScriptRunner(workers=2) as both:
        outcomes = both.run(calls)
    assert [outcome.data for outcome in outcomes] == [{"port": r} for r in range(len(calls))]


def test_an_input_that_is_no_json_is_an_outcome_and_no_exception(runner: ScriptRunner) -> None:
    assert ran(runner, ANSWERS, data=object()).problem is Problem.THROWN
    assert ran(runner, ANSWERS, text="\ud800").problem is Problem.THROWN
    assert ran(runner, "\ud800").problem is Problem.THROWN
    assert ran(runner, ANSWERS, function="constructor").problem is Problem.MISSING_FUNCTION


def test_no_call_is_no_answer(runner: ScriptRunner) -> None:
    assert runner.run([]) == []
