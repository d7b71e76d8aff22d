"""What a script that means harm can do: nothing to other devices, and not for long."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from beffroi.city.codecs.engine.contracts import (
    DECODE_UPLINK,
    STOPPED,
    Problem,
    ScriptCall,
    ScriptOutcome,
)
from beffroi.city.codecs.engine.process import Limits, WorkerProcess
from beffroi.city.codecs.engine.runner import STOPS_IN_A_RUN, ScriptRunner

PATIENCE_S = 1.5
GOOD = "function decodeUplink(input) { return { data: { port: input.fPort } }; }"


@pytest.fixture(scope="module")
def runner() -> Iterator[ScriptRunner]:
    with ScriptRunner() as started:
        yield started


def call(source: str, *, context: str = "1/a") -> ScriptCall:
    return ScriptCall(source, DECODE_UPLINK, context, {"bytes": b"\x01", "fPort": 5})


def does(code: str) -> str:
    return f"function decodeUplink(input) {{ {code} }}"


HOSTILE = {
    "endless loop": does("for (;;);"),
    "endless loop while loading": "for (;;);",
    "endless loop that catches": does("for (;;) { try { for (;;); } catch (e) {} finally {} }"),
    "catastrophic regular expression": does("/^(\\w+\\s?)*$/.test('aaaa '.repeat(40) + '!');"),
    "nested quantifiers": does("/(a+)+$/.test('a'.repeat(60) + 'b');"),
    "native sort of nothing, at length": does("[].sort.call({ length: 2 ** 32 - 1 });"),
    "native sort": does(
        "const a = new Float64Array(2.6e6); for (;;) a.sort((x, y) => Math.random() - 0.5);"
    ),
    "native search": does("'a'.repeat(4e6).indexOf('a'.repeat(2e6) + 'b'); for (;;);"),
    "native walk": does("new Array(2 ** 32 - 1).includes(1);"),
    "native join": does("new Array(2 ** 31).join('');"),
    "text bomb": does("return { data: { x: 'x'.repeat(2 ** 29) } };"),
    "array bomb": does("const a = []; for (;;) a.push(new Array(10000).fill(a.length));"),
    "array bomb that catches": does(
        "for (;;) { try { const a = []; for (;;) a.push(new Array(9999)); } catch (e) {} }"
    ),
    "typed array bomb": does("return { data: { x: new Uint8Array(2 ** 30).length } };"),
    "recursion": "function f() { return f() + 1; } " + does("return { data: { x: f() } };"),
    "parser recursion": does("eval('('.repeat(1e5) + ')'.repeat(1e5));"),
    "deep answer": does(
        "const top = {}; let at = top; for (let i = 0; i < 1e5; i += 1) at = at.a = {};"
        " return { data: top };"
    ),
    "getter in the answer": does("return { data: { get x() { for (;;); } } };"),
    "toJSON in the answer": does("return { data: { toJSON() { for (;;); } } };"),
    "proxy as the answer": does("return { data: new Proxy({}, { ownKeys() { for (;;); } }) };"),
    "proxy as exception": does("throw new Proxy({}, { get() { for (;;); } });"),
    "waiting": does("for (;;) performance.now();"),
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_code_is_stopped_in_time_and_the_next_device_is_served(
    runner: ScriptRunner, name: str
) -> None:
    runner.run([call(GOOD, context="1/neighbour")])
    # Time of this machine's processors, not of the clock alone: tests may run beside others.
    started = time.monotonic()
    outcome = runner.run([call(HOSTILE[name], context=f"1/{name}")])[0]
    took = time.monotonic() - started
    assert outcome.problem in STOPPED, outcome
    assert took < PATIENCE_S
    after = runner.run([call(GOOD, context="1/neighbour")])[0]
    assert after.data == {"port": 5}


def test_a_batch_with_a_hostile_script_answers_for_all_the_others(runner: ScriptRunner) -> None:
    kills = HOSTILE["native walk"]
    calls = [call(kills if rank == 3 else GOOD, context=f"1/{rank}") for rank in range(8)]
    outcomes = runner.run(calls)
    assert outcomes[3].problem is Problem.TIME
    assert [o.data for r, o in enumerate(outcomes) if r != 3] == [{"port": 5}] * 7


def test_a_script_that_is_stopped_again_and_again_is_left_aside_in_a_run(
    runner: ScriptRunner,
) -> None:
    started = time.monotonic()
    outcomes = runner.run([call(does("for (;;);"), context=f"1/{rank}") for rank in range(40)])
    assert {outcome.problem for outcome in outcomes} == {Problem.TIME}
    tried = [outcome for outcome in outcomes if "stopped too often" not in outcome.detail]
    assert len(tried) <= 2 * STOPS_IN_A_RUN
    assert time.monotonic() - started < 2 * STOPS_IN_A_RUN * PATIENCE_S


def test_a_process_that_dies_is_told_as_a_crash_and_replaced() -> None:
    with ScriptRunner() as own:
        assert own.run([call(GOOD)])[0].data == {"port": 5}
        worker = own._lanes[0]._worker
        assert worker is not None
        first = worker.pid
        os.kill(first, 9)
        assert own.run([call(GOOD)])[0].problem is Problem.CRASH
        assert own.run([call(GOOD)])[0].data == {"port": 5}
        assert own._lanes[0]._worker is not None
        assert own._lanes[0]._worker.pid != first


POLLUTION = (
    "Object.prototype.leaked = 'planted'; Array.prototype.push = () => 0;"
    "Math.round = () => 666; globalThis.planted = 'global'; Date.now = () => 0;"
    "Object.defineProperty(globalThis, 'fixed', { value: 1, configurable: false });"
    "function decodeUplink() { return { data: { done: true } }; }"
)
LOOKS = (
    "function decodeUplink() { const a = []; a.push(1); return { data: {"
    " leaked: String({}.leaked), round: Math.round(1.2), planted: typeof planted,"
    " fixed: typeof fixed, pushed: a.length, now: Date.now() > 0 } }; }"
)
CLEAN = {
    "leaked": "undefined",
    "round": 1,
    "planted": "undefined",
    "fixed": "undefined",
    "pushed": 1,
    "now": True,
}


def test_prototypes_and_globals_are_not_shared_between_devices(runner: ScriptRunner) -> None:
    outcomes = runner.run(
        [
            call(POLLUTION, context="1/polluter"),
            call(LOOKS, context="1/victim"),
            call(LOOKS, context="2/polluter"),
            call(LOOKS, context=""),
        ]
    )
    assert [outcome.data for outcome in outcomes[1:]] == [CLEAN] * 3


def test_the_same_script_keeps_devices_apart(runner: ScriptRunner) -> None:
    source = (
        "const seen = Object.prototype.seen; Object.prototype.seen = (seen || 0) + 1;"
        "function decodeUplink() { return { data: { before: String(seen) } }; }"
    )
    calls = [call(source, context=f"1/{name}") for name in ("one", "two", "three")]
    assert [outcome.data for outcome in runner.run(calls)] == [{"before": "undefined"}] * 3


def test_the_check_of_isolation_sees_a_leak_where_there_is_one(runner: ScriptRunner) -> None:
    """Negative control: within one context, pollution does show in what the check looks at."""
    both = POLLUTION.replace("function decodeUplink", "function other") + LOOKS
    outcome: ScriptOutcome = runner.run([call(both, context="1/control")])[0]
    assert outcome.data is not None
    assert outcome.data != CLEAN
    assert outcome.data["leaked"] == "planted"


def test_files_environment_and_system_are_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret.js"
    secret.write_text("exports.x = 'planted-secret';")
    monkeypatch.setenv("BEFFROI_PLANTED", "planted-secret")
    names = ("process", "std", "os", "scriptArgs", "print", "load", "Worker", "fetch", "Deno")
    tries = [
        "return { data: {" + ",".join(f"{name}: typeof {name}" for name in names) + "} };",
        f"return {{ data: {{ x: require({str(secret)!r}).x }} }};",
        "return { data: { x: require('fs').readFileSync('/etc/passwd') } };",
        "return { data: { x: this.constructor.constructor('return process')().env } };",
        "return { data: { x: Function('return typeof process')() } };",
    ]
    with ScriptRunner() as own:
        outcomes = own.run([call(does(code), context=f"1/{code}") for code in tries])
        worker = own._lanes[0]._worker
        assert worker is not None
        environment = Path(f"/proc/{worker.pid}/environ").read_bytes()
        descriptors = {str(entry.readlink()) for entry in Path(f"/proc/{worker.pid}/fd").iterdir()}
        limits = Path(f"/proc/{worker.pid}/limits").read_text()
    assert outcomes[0].data == dict.fromkeys(names, "undefined")
    assert outcomes[4].data == {"x": "undefined"}
    assert {outcome.problem for outcome in outcomes[1:4]} == {Problem.THROWN}
    assert "planted-secret" not in repr(outcomes)
    assert b"BEFFROI" not in environment
    assert all(
        target.startswith(("pipe:", "/dev/null", "/memfd:beffroi-codecs")) for target in descriptors
    ), descriptors
    assert "Max open files            0" in limits
    assert "Max file size             0" in limits


def test_an_answer_that_is_too_large_is_refused(runner: ScriptRunner) -> None:
    outcome = runner.run([call(does("return { data: { x: 'y'.repeat(3e5) } };"))])[0]
    assert outcome.problem is Problem.OUTPUT
    assert "too large" in outcome.detail


def test_a_worker_keeps_no_more_contexts_than_it_may() -> None:
    limits = Limits(contexts=5, memory_mb=128)
    with ScriptRunner(limits=limits) as own:
        outcomes = own.run([call(GOOD, context=f"1/{rank}") for rank in range(300)])
    assert all(outcome.is_good for outcome in outcomes)


def test_many_large_scripts_leave_room_for_each_other() -> None:
    table = "var table = [" + ",".join(f"{{n: {n}}}" for n in range(2_000)) + "];"
    large = f"{table} function decodeUplink(i) {{ return {{ data: {{ n: table.length }} }}; }}"
    with ScriptRunner(limits=Limits(memory_mb=160)) as own:
        outcomes = own.run([call(large, context=f"1/{rank % 400}") for rank in range(500)])
    assert {outcome.problem for outcome in outcomes} == {Problem.NONE}


def test_a_worker_that_is_closed_is_gone() -> None:
    worker = WorkerProcess(Limits())
    assert worker.end() == -9
    assert not Path(f"/proc/{worker.pid}").exists()
