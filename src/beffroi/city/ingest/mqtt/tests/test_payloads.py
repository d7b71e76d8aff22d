from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from beffroi.city.ingest.directory import SourceEntry
from beffroi.city.ingest.mqtt.payloads import Arrived, placed, same_message
from beffroi.city.ingest.mqtt.topics import topic_of
from beffroi.sdk.registry import connectors

AT = datetime(2026, 3, 2, 7, 31, 22, tzinfo=UTC)


def source(connector: str = "plain_json", **settings: Any) -> SourceEntry:
    return SourceEntry(
        id=1, territory_id=1, uuid=UUID(int=1), key="k" * 20, connector=connectors()[connector],
        authentication="secret", secret_hashes=(), shared_key="", settings=settings,
        default_codec="",
    )  # fmt: skip


def arrived(topic: str, payload: bytes, **fields: Any) -> Arrived:
    known = {"qos": 1, "mid": 7, "again": False, "retained": False, "received_at": AT, **fields}
    return Arrived(topic=topic, payload=payload, **known)


def body(declared: str, topic: str, payload: bytes, **settings: Any) -> Any:
    names = topic_of(declared).read(topic)
    assert names is not None
    made = placed(arrived(topic, payload), names, source(**settings)).delivery.body
    try:
        return json.loads(made)
    except ValueError:
        return made


@pytest.mark.parametrize(
    ("payload", "values"),
    [
        (b"21.5", {"level": 21.5}),
        (b"21,5", {"level": 21.5}),
        (b'"21.5"', {"level": 21.5}),
        (b"on", {"level": True}),
        (b"false", {"level": False}),
        (b'{"value": 3}', {"level": 3}),
        (b'{"a": 1, "b": {"c": 2}}', {"level.a": 1, "level.b.c": 2}),
    ],
)
def test_a_bare_value_is_named_by_its_topic(payload: bytes, values: dict[str, Any]) -> None:
    found = body("{device}/{measure}", "cuve-1/level", payload)
    assert found["device"] == "cuve-1"
    assert found["values"] == values
    assert found["time"] == AT.isoformat()
    assert found["mqtt"] == {"topic": "cuve-1/level", "mid": 7}


@pytest.mark.parametrize("payload", [b"\xff\xfe", b"<half", b"nan", b"", b"1e999"])
def test_what_cannot_be_read_is_handed_on_as_it_is(payload: bytes) -> None:
    names = {"device": "cuve-1", "measure": "level"}
    made = placed(arrived("cuve-1/level", payload), names, source())
    assert made.delivery.body == payload


@pytest.mark.parametrize(
    ("time", "instant"),
    [
        (1772436682, "2026-03-02T07:31:22+00:00"),
        (1772436682000, "2026-03-02T07:31:22+00:00"),
        ("2026-03-02T08:31:22+01:00", "2026-03-02T08:31:22+01:00"),
        (12, AT.isoformat()),
    ],
)
def test_a_time_is_read_in_the_usual_forms(time: Any, instant: str) -> None:
    content = json.dumps({"timestamp": time, "temp": 4}).encode()
    found = body("t/{device}/up", "t/c/up", content)
    assert found["time"] == instant
    assert found["values"] == {"temp": 4}


def test_a_declared_mapping_keeps_its_word() -> None:
    mapping = {"device": "id.name", "measures": {"temperature": "data.t"}}
    found = body("t/{device}/up", "t/c/up", b'{"data": {"t": 4}}', mapping=mapping)
    assert found["data"] == {"t": 4}
    assert found["id"] == {"name": "c"}
    given = body("t/{device}/up", "t/c/up", b'{"id": {"name": "own"}}', mapping=mapping)
    assert given["id"] == {"name": "own"}


def test_several_messages_at_once_are_each_placed() -> None:
    found = body("t/{device}/up", "t/c/up", b'[{"t": 1}, {"t": 2, "device": "d"}, 3]')
    assert [item["device"] for item in found] == ["c", "d", "c"]
    assert [item["mqtt"].get("rank", 0) for item in found] == [0, 1, 2]


def test_a_network_servers_message_is_not_touched() -> None:
    names = topic_of("application/{application}/device/{device}/event/{event}").read(
        "application/1/device/a81758fffe000001/event/join"
    )
    assert names is not None
    made = placed(arrived("x", b'{"deviceInfo": {}}'), names, source("chirpstack"))
    assert made.delivery.body == b'{"deviceInfo": {}}'
    assert made.delivery.query == {"event": "join"}
    assert made.device == ""


def test_a_message_that_comes_again_is_recognised_and_another_is_not() -> None:
    names = {"device": "c", "measure": "level"}
    first = placed(arrived("c/level", b"4"), names, source())
    later = AT + timedelta(minutes=2)
    again = arrived("c/level", b"4", again=True, received_at=later)
    kept = first.delivery.body
    made = placed(again, names, source())
    assert made.device == "c"
    assert same_message(kept, again, made.delivery.body) == AT
    assert placed(again, names, source(), at=AT).delivery.body == kept
    for other in (
        arrived("c/level", b"4", again=True, mid=8, received_at=later),
        arrived("c/level", b"5", again=True, received_at=later),
        arrived("c/other", b"4", again=True, received_at=later),
    ):
        body_ = placed(other, names, source()).delivery.body
        assert same_message(kept, other, body_) is None
    assert same_message(b"<", again, made.delivery.body) is None


def test_a_message_with_its_own_time_needs_no_search() -> None:
    sent = b'{"time": "2026-03-02T07:31:22Z", "temp": 4}'
    assert placed(arrived("t/c/up", sent), {"device": "c"}, source()).device == ""
