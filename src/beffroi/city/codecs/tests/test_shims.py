"""What a codec finds beside the language; the values are those that Node 20 gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from beffroi.city.codecs.engine.contracts import DECODE_UPLINK, ScriptCall
from beffroi.city.codecs.engine.runner import ScriptRunner

OUT_OF_RANGE = (
    'RangeError: The value of "offset" is out of range. It must be >= 0 and <= 0. Received 1'
)


@pytest.fixture(scope="module")
def runner() -> Iterator[ScriptRunner]:
    with ScriptRunner() as started:
        yield started


def value(runner: ScriptRunner, expression: str) -> Any:
    source = (
        "function decodeUplink() { let x; try { x = (" + expression + "); }"
        " catch (e) { x = `${e.name}: ${e.message}`; } return { data: { x } }; }"
    )
    outcome = runner.run([ScriptCall(source, DECODE_UPLINK, "1/shims", {"bytes": []})])[0]
    assert outcome.returned is not None, outcome
    return outcome.returned["data"].get("x")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("Buffer.from('0102fffe', 'hex').readInt16BE(2)", -2),
        ("Buffer.from('0102fffe', 'hex').readUInt16LE(2)", 65279),
        ("Buffer.from([0x41, 0x20, 0, 0]).readFloatBE(0)", 10),
        ("Buffer.from([0, 0, 0x20, 0x41]).readFloatLE()", 10),
        ("Buffer.from('3ff0000000000000', 'hex').readDoubleBE()", 1),
        ("Buffer.from('ff0102', 'hex').readIntBE(0, 3)", -65278),
        ("Buffer.from('ff0102', 'hex').readUIntLE(0, 3)", 131583),
        ("Buffer.from('ffffffffffffffff', 'hex').readBigInt64BE().toString()", "-1"),
        ("Buffer.from([1]).readUint8(0)", 1),
        ("Buffer.from('héllo€😀').toString('hex')", "68c3a96c6c6fe282acf09f9880"),
        ("Buffer.from([0xe2, 0x82, 0x41, 0xff]).toString()", "�A�"),
        ("Buffer.from('aGVs bG8').toString()", "aGVs bG8"),
        ("Buffer.from('aGVs bG8', 'base64').toString()", "hello"),
        ("Buffer.from('hello').toString('base64')", "aGVsbG8="),
        ("Buffer.from('zz12', 'hex').length", 0),
        ("Buffer.from('123', 'hex').toString('hex')", "12"),
        ("Buffer.from([1, 2, 300, -1, '7', 3.9]).toString('hex')", "01022cff0703"),
        ("Buffer.concat([Buffer.from([1]), Buffer.from([2, 3])], 2).toString('hex')", "0102"),
        ("Buffer.alloc(3, 'ab').toString()", "aba"),
        ("Buffer.from([3, 1, 2]).map((x) => x * 100).toString('hex')", "2c64c8"),
        ("Buffer.from([1, 2, 3, 4]).swap16().toString('hex')", "02010403"),
        ("Buffer.from('abcabc').indexOf('ca')", 2),
        ("Buffer.from([1, 2]).equals(Buffer.from([1, 2]))", True),
        ("JSON.stringify(Buffer.from([1, 2]))", '{"type":"Buffer","data":[1,2]}'),
        ("new Buffer('ab', 'hex').length", 1),
        ("Buffer.from([1, 2, 3]) instanceof Uint8Array", True),
        ("Buffer.isBuffer(Buffer.from([1]).slice(0, 1))", True),
        (
            "((b) => { b.slice(1)[0] = 9; return b.toJSON().data; })(Buffer.from([1, 2, 3]))",
            [1, 9, 3],
        ),
        (
            "((b) => { b.writeInt16LE(-2, 1); return b.toString('hex'); })(Buffer.alloc(4))",
            "00feff00",
        ),
        (
            "Buffer.from([1, 2]).readUInt16BE(1)",
            OUT_OF_RANGE,
        ),
        (
            "Buffer.from([1]).readUInt16BE(0)",
            "RangeError: Attempt to access memory outside buffer bounds",
        ),
        ("new TextDecoder().decode(new Uint8Array([0xc3, 0xa9]))", "é"),
        ("Array.from(new TextEncoder().encode('é'))", [195, 169]),
        ("require('buffer').Buffer === Buffer", True),
        ("console.log('x')", None),
        ("(1234567.891).toLocaleString()", "1,234,567.891"),
        ("(3.14159).toLocaleString('en-US', { maximumFractionDigits: 2 })", "3.14"),
        ("new Date(0).toLocaleString()", "1/1/1970, 12:00:00 AM"),
        ("new Date(0).toLocaleDateString()", "1/1/1970"),
        ("'' + new Date(0)", "Thu Jan 01 1970 00:00:00 GMT+0000 (Coordinated Universal Time)"),
        ("new Date(NaN).toLocaleString()", "Invalid Date"),
        ("new Date(2026, 0, 2).toISOString()", "2026-01-02T00:00:00.000Z"),
        ("structuredClone({ a: [1] })", {"a": [1]}),
    ],
)
def test_what_codecs_use_of_node_gives_what_node_gives(
    runner: ScriptRunner, expression: str, expected: Any
) -> None:
    assert value(runner, expression) == expected
