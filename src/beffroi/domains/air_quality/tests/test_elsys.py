from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.domains.air_quality.codecs.elsys import ELSYS
from beffroi.kernel.errors import DecodeError
from beffroi.sdk.declarations import Frame

AT = datetime(2023, 1, 4, 21, 31, tzinfo=UTC)


def read(payload: bytes) -> dict[str, float]:
    frame = Frame(payload=payload, f_port=5, observed_at=AT)
    return {item.measure: item.value for item in ELSYS.decode(frame)}


def test_an_ems_frame_gives_what_the_device_measured() -> None:
    # The type and length of each field are those of the EMS on a tower of Grenoble, 2023.
    payload = bytes.fromhex("0100460253033b0ffd070e200b000000000d000f001200")
    assert read(payload) == {
        "temperature_c": 7.0,
        "humidity_pct": 83,
        "acceleration_x": 59,
        "acceleration_y": 15,
        "acceleration_z": -3,
        "battery_v": 3.616,
        "pulse_1_total": 0,
        "input_1_state": 0,
        "vibration_count": 0,
        "water_leak_level": 0,
    }


@given(st.binary(max_size=80))
def test_any_octets_give_finite_values_or_a_decode_error(payload: bytes) -> None:
    try:
        values = read(payload)
    except DecodeError:
        return
    assert all(math.isfinite(value) for value in values.values())


@given(st.integers(min_value=-3_000, max_value=3_000), st.integers(min_value=0, max_value=100))
def test_what_is_written_is_read(tenths: int, humidity: int) -> None:
    payload = b"\x01" + tenths.to_bytes(2, "big", signed=True) + bytes((2, humidity))
    assert read(payload) == {"temperature_c": tenths / 10, "humidity_pct": humidity}


@pytest.mark.parametrize(
    ("payload", "told"),
    [("", "empty"), ("7f01", "0x7f"), ("0100", "0x01 wants 2 octets and 1 are left")],
)
def test_a_refusal_says_why(payload: str, told: str) -> None:
    with pytest.raises(DecodeError, match=told):
        read(bytes.fromhex(payload))


def test_frames_of_the_family_are_recognised_and_others_are_not() -> None:
    def recognised(payload: str) -> bool:
        return ELSYS.recognises(Frame(payload=bytes.fromhex(payload), f_port=5, observed_at=AT))

    assert recognised("0100e20229")
    assert not recognised("0100e202")
    assert not recognised("110a04020000290b89")
    assert not recognised("")
