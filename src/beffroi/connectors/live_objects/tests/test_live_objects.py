from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from beffroi.connectors.live_objects import CONNECTOR
from beffroi.sdk.connectors import Delivery, Refusal, Uplink

SAMPLES = Path(__file__).parent / "samples"


def read(body: bytes) -> object:
    (found,) = CONNECTOR.parse(
        Delivery(
            body=body,
            content_type="application/json",
            received_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
    )
    return found


def test_message_decoded_by_the_platform_keeps_payload_and_fields() -> None:
    found = read((SAMPLES / "uplink_2019_decoded_by_platform.json").read_bytes())
    assert isinstance(found, Uplink)
    assert found.device == "70b3d59ba0009832"
    assert found.payload == bytes.fromhex("6d011f0179")
    assert found.values == {"temp_sol": 14, "humidity": 109, "batterie": 3.77}
    assert found.observed_at == datetime(2019, 10, 23, 12, 32, 44, 546000, UTC)
    assert found.lon is None, "the network's estimate is ten kilometres wide: not a position"


def test_old_message_without_counter_is_read() -> None:
    found = read((SAMPLES / "uplink_2017_minimal.json").read_bytes())
    assert isinstance(found, Uplink)
    assert found.f_cnt is None
    assert found.f_port == 2


def test_message_of_another_kind_is_refused() -> None:
    assert isinstance(read(b'{"streamId": "urn:x", "value": {"t": 1}}'), Refusal)
