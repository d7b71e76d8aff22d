from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.connectors.chirpstack import CONNECTOR
from beffroi.kernel.errors import ParseError
from beffroi.sdk.connectors import Delivery, Notice, NoticeKind, Parsed, Refusal, Uplink

SAMPLES = Path(__file__).parent / "samples"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def read(body: bytes, **query: str) -> list[Parsed]:
    delivery = Delivery(body=body, content_type="application/json", received_at=NOW, query=query)
    return list(CONNECTOR.parse(delivery))


def uplink(name: str) -> Uplink:
    (found,) = read((SAMPLES / name).read_bytes())
    assert isinstance(found, Uplink)
    return found


def test_v4_full_uplink_gives_device_port_payload_and_two_gateways() -> None:
    found = uplink("v4_uplink_full.json")
    assert found.device == "a81758fffe000001"
    assert (found.f_cnt, found.f_port) == (71, 5)
    assert found.payload == bytes.fromhex("0100460253033b0ffd070e200b000000000d000f001200")
    assert found.observed_at == datetime(2026, 3, 2, 7, 31, 22, 173512, UTC)
    assert found.radio is not None
    assert [one.gateway for one in found.radio.receptions] == [
        "0016c001f1000001",
        "0016c001f1000002",
    ]
    assert found.radio.best is not None
    assert found.radio.best.rssi_dbm == -111
    assert found.radio.spreading_factor == 12
    assert found.model == "Elsys EMS"
    assert found.values["temperature"] == 7.0


def test_v4_fields_left_out_read_as_zero() -> None:
    found = uplink("v4_uplink_sparse.json")
    assert found.f_cnt == 0
    assert found.values == {}


def test_v3_gateway_listed_twice_counts_once_with_its_best_signal() -> None:
    found = uplink("uplink_several_gateways.json")
    assert found.radio is not None
    assert len(found.radio.receptions) == 3
    assert found.radio.receptions[0].rssi_dbm == -114


def test_v3_published_hexadecimal_payload_is_read_as_hexadecimal() -> None:
    assert uplink("uplink_port_1.json").payload == bytes.fromhex("5006010423000000")


def test_v3_live_payload_of_zeros_in_base64_is_not_taken_for_hexadecimal() -> None:
    body = b'{"devEUI":"d1d1e80000000032","fCnt":1,"fPort":2,"data":"AAAAAAAA","rxInfo":[]}'
    (found,) = read(body)
    assert isinstance(found, Uplink)
    assert found.payload == bytes(6)


def test_v3_device_in_base64_is_the_same_device() -> None:
    body = b'{"devEUI":"0dHoAAAAADI=","fCnt":1,"fPort":2,"data":"AAAAAAAA","rxInfo":[]}'
    (found,) = read(body)
    assert isinstance(found, Uplink)
    assert found.device == "d1d1e80000000032"


def test_same_message_has_the_same_key_and_a_restarted_counter_another() -> None:
    one, again = uplink("uplink_port_1.json"), uplink("uplink_port_1.json")
    assert one.key == again.key
    later = msgspec.json.decode((SAMPLES / "uplink_port_1.json").read_bytes())
    later["_date"] = "2024-04-25T02:00:00.000Z"
    (restarted,) = read(msgspec.json.encode(later))
    assert isinstance(restarted, Uplink)
    assert restarted.f_cnt == one.f_cnt
    assert restarted.key != one.key


def test_join_event_is_a_notice() -> None:
    body = b'{"deviceInfo":{"devEui":"a81758fffe000001"},"time":"2026-03-02T07:31:22Z"}'
    (found,) = read(body, event="join")
    assert isinstance(found, Notice)
    assert found.kind is NoticeKind.JOIN


def test_one_bad_item_does_not_spoil_the_others() -> None:
    good = (SAMPLES / "uplink_one_gateway.json").read_bytes()
    first, second = read(b"[" + good + b',{"devEUI":"nonsense","data":""}]')
    assert isinstance(first, Uplink)
    assert isinstance(second, Refusal)
    assert second.index == 1


@pytest.mark.parametrize("body", [b"", b"{", b"3", b"\xff\xfe", b"[" * 100_000])
def test_unreadable_bodies_are_refused(body: bytes) -> None:
    with pytest.raises(ParseError):
        read(body)


@given(st.binary(max_size=200))
def test_any_octets_are_read_or_refused(body: bytes) -> None:
    with contextlib.suppress(ParseError):
        read(body)


FIELDS = ("fCnt", "fPort", "data", "rxInfo", "txInfo", "object", "time", "_date")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)


@given(
    st.fixed_dictionaries(
        {"devEUI": st.just("d1d1e80000000032")},
        optional=dict.fromkeys(
            ("fCnt", "fPort", "data", "rxInfo", "txInfo", "object", "time", "_date"), json_values
        ),
    )
)
def test_any_field_of_any_type_is_read_or_refused(item: dict[str, object]) -> None:
    try:
        body = msgspec.json.encode(item)
    except (msgspec.ValidationError, OverflowError, UnicodeEncodeError):
        return
    for found in read(body):
        assert isinstance(found, Uplink | Notice | Refusal)
