"""Whatever arrives, a connector reads it or refuses it by name, and never fails otherwise."""

from __future__ import annotations

import copy
import json
import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beffroi.connectors.tests.test_published import CASES, NOW
from beffroi.kernel.errors import ParseError
from beffroi.sdk import registry
from beffroi.sdk.connectors import Delivery, Notice, Parsed, Refusal, Uplink

KEYS = sorted(registry.connectors())
BY_CONNECTOR = {key: [case for case in CASES if case["connector"] == key] for key in KEYS}

HOSTILE = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(
        [
            10**400,
            -(10**30),
            2**64,
            -1,
            0.5,
            1e308,
            "",
            "\x00",
            "NaN",
            "Infinity",
            "1e999",
            "9999-12-31T23:59:59.999999999Z",
            "9999-12-31T23:59:59-14:00",
            "0001-01-01T00:00:00+14:00",
            "1970-01-01T00:00:00Z",
            "\ud800",
            "٣",
            "é" * 5_000,
            "x" * 1_000_000,
            "AAAA====",
            "0102030405060708",
        ]
    ),
    st.recursive(
        st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=6,
    ),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of everything in a document."""
    found = [path] if path else []
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            found += places(value[key], (*path, key))
    return found


def changed(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    made = copy.deepcopy(body)
    current = made
    for key in path[:-1]:
        current = current[key]
    current[path[-1]] = value
    return made


def parse(connector: str, body: bytes, **context: Any) -> list[Parsed]:
    delivery = Delivery(
        body=body, content_type="application/json", received_at=NOW, query_string="", **context
    )
    return list(registry.connectors()[connector].parse(delivery))


def check(connector: str, body: bytes, **context: Any) -> None:
    """Read a body; anything but items that are well formed and ``ParseError`` is a failure."""
    found: list[Any] = []
    refused: ParseError | None = None
    try:
        found = parse(connector, body, **context)
    except ParseError as problem:
        refused = problem
    assert refused is None or refused.way_out, f"{refused} tells no way out"
    for item in found:
        if isinstance(item, Refusal):
            assert item.way_out, f"{item.message} tells no way out"
            assert item.message.format_map(dict(item.params))
            continue
        assert isinstance(item, Uplink | Notice)
        assert item.device
        assert item.key
        assert item.observed_at.tzinfo is UTC
        if isinstance(item, Uplink):
            assert all(math.isfinite(value) for _measure, value, _at in item.readings)
            assert not any(
                isinstance(value, float) and not math.isfinite(value)
                for value in item.values.values()
            )


@pytest.mark.parametrize("connector", [key for key in KEYS if BY_CONNECTOR[key]])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_real_message_with_any_field_spoilt(connector: str, data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(BY_CONNECTOR[connector]))
    path = data.draw(st.sampled_from(places(case["body"])))
    body = changed(case["body"], path, data.draw(HOSTILE))
    check(
        connector,
        json.dumps(body).encode(),
        query=case.get("query", {}),
        settings=case.get("settings", {}),
    )


@pytest.mark.parametrize("connector", KEYS)
@settings(max_examples=60, deadline=None)
@given(body=st.binary(max_size=200))
def test_any_octets(connector: str, body: bytes) -> None:
    check(connector, body)


@pytest.mark.parametrize("connector", KEYS)
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"<DevEUI_uplink>" * 50_000,
        b'{"dev_eui": NaN}',
        b'{"dev_eui": "a", "dev_eui": "b"}',
        b'{"device": "x", "values": {"a": 1}, "time": "2026-01-01T00:00:00+99:99"}',
        b"device;time;a\n" + b"x" * 1_000_000 + b";2026-01-01T00:00:00Z;1",
        b'device;time;a\n"unfinished;2026-01-01;1',
        b"device;time;a\nx;0000000000000000000000000001;1",
        b"\xff\xfe\x00",
        b"\xef\xbb\xbf",
        b"[1, null, [], {}]",
    ],
    ids=range(12),
)
def test_monsters(connector: str, body: bytes) -> None:
    check(connector, body)


@settings(max_examples=40, deadline=None)
@given(mapping=HOSTILE, key=st.sampled_from(["items", "measures", "time_zone", "time_format", "x"]))
def test_any_mapping_of_plain_json(mapping: Any, key: str) -> None:
    body = b'{"device": "d", "time": "2026-01-01 00:00", "values": {"a": 1}}'
    for settings_of_source in ({"mapping": mapping}, {"mapping": {key: mapping}}):
        check("plain_json", body, settings=settings_of_source)


@settings(max_examples=40, deadline=None)
@given(value=HOSTILE, key=st.sampled_from(["device", "time", "time_zone", "measures"]))
def test_any_setting_of_a_csv_history(value: Any, key: str) -> None:
    check("csv_history", b"device;time;a\nd;2026-01-01 00:00;1\n", settings={key: value})


def test_the_check_itself_refuses_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = [Uplink(device="", key="k", observed_at=datetime(2026, 1, 1, tzinfo=UTC))]
    monkeypatch.setattr(f"{__name__}.parse", lambda *_args, **_context: broken)
    with pytest.raises(AssertionError):
        check("helium", b"{}")
