from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.connectors.plain_json import CONNECTOR
from beffroi.kernel.errors import ParseError
from beffroi.sdk.connectors import Delivery, Parsed, Refusal, Uplink

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def read(item: object, mapping: dict[str, Any] | None = None, **headers: str) -> list[Parsed]:
    delivery = Delivery(
        body=item if isinstance(item, bytes) else msgspec.json.encode(item),
        content_type="application/json",
        received_at=NOW,
        headers=headers,
        settings={"mapping": mapping} if mapping is not None else {},
    )
    return list(CONNECTOR.parse(delivery))


def only(found: list[Parsed]) -> Uplink:
    (uplink,) = found
    assert isinstance(uplink, Uplink)
    return uplink


def test_default_form_needs_no_mapping() -> None:
    found = only(
        read({"device": "p1", "time": "2026-03-02T08:00:00+01:00", "values": {"free_places": 12}})
    )
    assert found.device == "p1"
    assert found.observed_at == datetime(2026, 3, 2, 7, tzinfo=UTC)
    assert found.readings == (("free_places", 12.0, None),)


def test_mapping_follows_paths_scales_and_reads_epochs() -> None:
    mapping = {
        "items": "data.list",
        "device": "meta.id",
        "time": "ts",
        "time_format": "epoch_s",
        "measures": {"temperature_c": {"path": "v.0", "factor": 0.1, "offset": -5}},
    }
    found = only(
        read({"data": {"list": [{"meta": {"id": 7}, "ts": 1772436682, "v": ["215"]}]}}, mapping)
    )
    assert found.device == "7"
    assert found.observed_at == datetime(2026, 3, 2, 7, 31, 22, tzinfo=UTC)
    ((measure, value, at),) = found.readings
    assert (measure, at) == ("temperature_c", None)
    assert value == pytest.approx(16.5)


def test_lines_are_read_one_by_one() -> None:
    body = b'{"device":"a","values":{"x":1}}\n{"device":"b","values":{"x":true}}\n'
    assert [one.device for one in read(body) if isinstance(one, Uplink)] == ["a", "b"]


def test_same_values_at_the_same_time_are_the_same_message() -> None:
    item = {"device": "a", "time": "2026-03-02T08:00:00Z", "values": {"x": 1}}
    other = {"device": "a", "time": "2026-03-02T08:00:00Z", "values": {"y": 1}}
    assert only(read(item)).key == only(read(item)).key
    assert only(read(item)).key != only(read(other)).key


def test_without_time_the_senders_idempotency_key_names_the_message() -> None:
    item = {"device": "a", "values": {"x": 1}}
    one = only(read(item, None, **{"idempotency-key": "k1"}))
    again = only(read(item, None, **{"idempotency-key": "k1"}))
    other = only(read(item, None, **{"idempotency-key": "k2"}))
    assert one.key == again.key != other.key


@pytest.mark.parametrize(
    "item",
    [
        {"values": {"x": 1}},
        {"device": "", "values": {"x": 1}},
        {"device": "a\n", "time": "yesterday", "values": {"x": 1}},
        {"device": "a", "values": {}},
        ["a"],
        12,
        {"device": "a", "values": {"x": "high"}},
        {"device": "a", "time": "2026-03-02T08:00:00", "values": {"x": 1}},
    ],
)
def test_a_message_that_cannot_be_kept_is_refused_by_itself(item: Any) -> None:
    good = {"device": "a", "values": {"x": 1}}
    first, second = read([item, good])
    assert isinstance(first, Refusal)
    assert isinstance(second, Uplink)


@pytest.mark.parametrize(
    "mapping",
    [
        {"device": 3},
        {"unknown": "x"},
        {"time_format": "julian"},
        {"measures": {"a": 3}},
        {"measures": {"a": {"path": "x", "factor": "big"}}},
    ],
)
def test_a_wrong_mapping_is_refused_by_name(mapping: dict[str, Any]) -> None:
    with pytest.raises(ParseError, match="mapping"):
        read({"device": "a", "values": {"x": 1}}, mapping)


@given(st.binary(max_size=200))
def test_any_octets_are_read_or_refused(body: bytes) -> None:
    with contextlib.suppress(ParseError):
        read(body)
