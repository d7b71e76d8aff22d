from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from beffroi.connectors.helium import CONNECTOR
from beffroi.sdk.connectors import Delivery, Uplink

SAMPLES = Path(__file__).parent / "samples"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def read(body: bytes) -> list[Uplink]:
    found = CONNECTOR.parse(Delivery(body=body, content_type="application/json", received_at=NOW))
    assert all(isinstance(one, Uplink) for one in found)
    return [one for one in found if isinstance(one, Uplink)]


def test_real_frames_are_read_with_payload_radio_and_their_own_time() -> None:
    frames = read((SAMPLES / "tour_perret.ndjson").read_bytes())
    assert len(frames) == 40
    first = frames[0]
    assert first.device == "a81758fffe04b1c1"
    assert first.payload == bytes.fromhex("0100460253033b0ffd070e200b000000000d000f001200")
    assert first.observed_at == datetime(2023, 1, 4, 21, 31, 22, 173000, UTC)
    assert first.radio is not None
    assert first.radio.best is not None
    assert first.radio.best.rssi_dbm == -111
    assert first.radio.spreading_factor == 12
    assert first.values["temperature"] == 7


def test_same_frame_through_another_hotspot_half_an_hour_later_has_the_same_key() -> None:
    line = (SAMPLES / "tour_perret.ndjson").read_bytes().splitlines()[0]
    again = msgspec.json.decode(line)
    again["reported_at"] += 1_790_000
    again["hotspots"][0]["id"] = "another"
    assert read(line)[0].key == read(msgspec.json.encode(again))[0].key


def test_another_session_with_the_same_counter_has_another_key() -> None:
    line = (SAMPLES / "tour_perret.ndjson").read_bytes().splitlines()[0]
    again = msgspec.json.decode(line)
    again["devaddr"] = "07000049"
    assert read(line)[0].key != read(msgspec.json.encode(again))[0].key
