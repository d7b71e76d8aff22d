from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from beffroi.connectors.the_things_stack import CONNECTOR
from beffroi.kernel.errors import ParseError
from beffroi.sdk.connectors import Delivery, Notice, NoticeKind, Parsed, Refusal, Uplink

SAMPLES = Path(__file__).parent / "samples"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def read(name: str) -> Parsed:
    delivery = Delivery(
        body=(SAMPLES / name).read_bytes(), content_type="application/json", received_at=NOW
    )
    (found,) = CONNECTOR.parse(delivery)
    return found


def test_uplink_without_port_reads_port_zero_and_nanoseconds_are_cut() -> None:
    found = read("uplink.json")
    assert isinstance(found, Uplink)
    assert found.device == "0004a30b001c0530"
    assert found.payload == bytes.fromhex("8241de")
    assert found.f_port == 0
    assert found.observed_at == datetime(2020, 2, 12, 15, 15, 45, 789585, UTC)
    assert found.values == {"temperature": 1.0, "luminosity": 0.64}
    assert found.radio is not None
    assert found.radio.frequency_hz == 868_300_000
    assert (found.lon, found.lat) == (23.72678801175413, 37.97155556731436)
    assert found.model == "the-things-products the-things-uno"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("join_accept.json", NoticeKind.JOIN),
        ("downlink_ack.json", NoticeKind.ACKNOWLEDGED),
        ("downlink_failed.json", NoticeKind.DOWNLINK_FAILED),
    ],
)
def test_other_events_are_notices(name: str, kind: NoticeKind) -> None:
    found = read(name)
    assert isinstance(found, Notice)
    assert found.kind is kind


def test_a_command_body_is_refused_and_kept() -> None:
    found = read("downlink_request.json")
    assert isinstance(found, Refusal)
    assert found.raw


def test_broken_json_as_once_published_is_refused_with_its_reason() -> None:
    with pytest.raises(ParseError, match="not valid JSON"):
        read("uplink_as_published_invalid.txt")
