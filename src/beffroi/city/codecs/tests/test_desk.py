"""The desk with the engine itself: what is slow is left aside, and nobody else waits for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from beffroi.city.codecs.desk import HELD, Job, ScriptDesk
from beffroi.city.codecs.running import engine_door
from beffroi.city.codecs.testing import BROKEN, ENDLESS, PROBE, PROBE_EXAMPLES
from beffroi.city.codecs.town_contracts import FAULTS_BEFORE_HOLD, HOLD, ScriptText
from beffroi.city.codecs.trial import script_check, text_to_try
from beffroi.kernel.clock import frozen_at

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def script(source: str, *, name: str = "s", held_until: datetime | None = None) -> ScriptText:
    base = text_to_try(source, name=name)
    return replace(base, reference=f"script:{name}", held_until=held_until)


def job(text: ScriptText, payload: str = "00d7") -> Job:
    return Job(
        script=text, payload=bytes.fromhex(payload), f_port=1, observed_at=AT, device="d",
        territory_id=7,
    )  # fmt: skip


def test_a_frame_becomes_values_and_a_refusal_a_sentence() -> None:
    desk = ScriptDesk(engine_door())
    good, short = desk.run([job(script(PROBE)), job(script(PROBE), "00")])
    assert good.data == {"TempC_SHT": 21.5}
    assert (short.code, short.data) == ("codec.refused", None)
    assert "too short" in str(short.params["detail"])


def test_an_endless_script_is_left_aside_and_others_go_on() -> None:
    desk = ScriptDesk(engine_door())
    endless, good = script(ENDLESS, name="endless"), script(PROBE, name="good")
    with frozen_at(AT):
        ran = desk.run([item for _ in range(10) for item in (job(endless), job(good))])
        codes = [item.code for item in ran[::2]]
        assert codes[:FAULTS_BEFORE_HOLD] == ["codec.timeout"] * FAULTS_BEFORE_HOLD
        assert set(codes[FAULTS_BEFORE_HOLD:]) == {HELD}
        assert all(item.data == {"TempC_SHT": 21.5} for item in ran[1::2])
        (trouble,) = desk.troubles_due()
    assert (trouble.codec_key, trouble.territory_id) == ("script:endless", 7)
    assert trouble.held_until == AT + HOLD
    with frozen_at(AT + HOLD):
        again = desk.run([job(endless), job(endless)])
        assert [item.code for item in again] == ["codec.timeout", HELD]


def test_a_hold_that_the_database_tells_holds_until_it_ends() -> None:
    desk = ScriptDesk(engine_door())
    held = script(PROBE, held_until=AT + timedelta(minutes=1))
    with frozen_at(AT):
        assert desk.run([job(held)])[0].code == HELD
    with frozen_at(AT + timedelta(minutes=1)):
        assert desk.run([job(held)])[0].data == {"TempC_SHT": 21.5}


def test_a_syntax_error_is_told_with_its_line() -> None:
    check = script_check(text_to_try(BROKEN, name="cassé"), [])
    assert check.line == 2
    assert check.fault


def test_examples_pass_fail_and_may_expect_a_refusal() -> None:
    check = script_check(text_to_try(PROBE, name="sonde"), PROBE_EXAMPLES)
    assert [result.passed for result in check.results] == [True, False, True]
    assert check.results[1].given == {"TempC_SHT": 21.5}
