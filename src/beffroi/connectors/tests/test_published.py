"""Every connector reads what network servers publish, as their publishers state it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from beffroi.kernel.clock import parse_instant
from beffroi.sdk import registry
from beffroi.sdk.connectors import Delivery, Notice, Parsed, Uplink

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "published.json").read_text(encoding="utf-8")
)["cases"]
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

OF_UPLINK: dict[str, Callable[[Uplink], object]] = {
    "device": lambda found: found.device,
    "f_cnt": lambda found: found.f_cnt,
    "f_port": lambda found: found.f_port,
    "payload": lambda found: None if found.payload is None else found.payload.hex(),
    "values": lambda found: dict(found.values),
    "readings": lambda found: {measure: value for measure, value, _at in found.readings},
    "name": lambda found: found.name,
    "model": lambda found: found.model,
    "lon": lambda found: found.lon,
    "lat": lambda found: found.lat,
    "simulated": lambda found: found.simulated,
    "gateways": lambda found: (
        [one.gateway for one in found.radio.receptions] if found.radio else []
    ),
    "rssi_dbm": lambda found: (
        found.radio.best.rssi_dbm if found.radio and found.radio.best else None
    ),
    "snr_db": lambda found: found.radio.best.snr_db if found.radio and found.radio.best else None,
    "spreading_factor": lambda found: found.radio.spreading_factor if found.radio else None,
    "frequency_hz": lambda found: found.radio.frequency_hz if found.radio else None,
}


def delivery(case: dict[str, Any]) -> Delivery:
    return Delivery(
        body=json.dumps(case["body"]).encode(),
        content_type="application/json",
        received_at=NOW,
        query=case.get("query", {}),
        settings=case.get("settings", {}),
    )


def read(case: dict[str, Any]) -> list[Parsed]:
    return list(registry.connectors()[case["connector"]].parse(delivery(case)))


def check(found: Parsed, expected: dict[str, Any]) -> None:
    if "observed_at" in expected:
        assert isinstance(found, Uplink | Notice), found
        assert found.observed_at == parse_instant(expected["observed_at"])
    if "notice" in expected:
        assert isinstance(found, Notice), found
        assert found.kind == expected["notice"]
        assert found.device == expected["device"]
        assert found.detail == expected.get("detail", found.detail)
        return
    assert isinstance(found, Uplink), found
    for key, value in expected.items():
        if key in {"observed_at", "readings"}:
            continue
        assert OF_UPLINK[key](found) == value, key
    for measure, value, _at in found.readings:
        assert math.isclose(value, expected["readings"][measure], abs_tol=1e-9), measure
    assert len(found.readings) == len(expected.get("readings", {}))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['connector']}: {case['name']}")
def test_a_published_message_is_read_as_its_publisher_states_it(case: dict[str, Any]) -> None:
    expected = case["expected"].get("many", [case["expected"]])
    found = read(case)
    assert len(found) == len(expected)
    for one, wanted in zip(found, expected, strict=True):
        check(one, wanted)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['connector']}: {case['name']}")
def test_the_same_message_has_the_same_key_and_another_has_another(case: dict[str, Any]) -> None:
    first = [item.key for item in read(case) if not hasattr(item, "code")]
    again = [item.key for item in read(case) if not hasattr(item, "code")]
    assert first == again
    assert len(set(first)) == len(first)


def test_every_case_names_its_origin_and_every_connector_of_json_has_one() -> None:
    assert all(case["origin"] for case in CASES)
    assert {case["connector"] for case in CASES} == set(registry.connectors()) - {"csv_history"}
