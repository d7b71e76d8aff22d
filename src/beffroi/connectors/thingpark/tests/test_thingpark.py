from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from beffroi.connectors.thingpark import CONNECTOR
from beffroi.kernel.errors import ParseError
from beffroi.sdk.connectors import Delivery, Notice, NoticeKind, Parsed, Refusal, Uplink

SAMPLES = Path(__file__).parent / "samples"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
VECTORS: list[dict[str, Any]] = msgspec.json.decode((SAMPLES / "token_vectors.json").read_bytes())[
    "vectors"
]


def read(body: bytes) -> Parsed:
    (found,) = CONNECTOR.parse(
        Delivery(body=body, content_type="application/json", received_at=NOW)
    )
    return found


def test_json_with_texts_and_xml_give_the_same_uplink() -> None:
    from_json = read((SAMPLES / "uplink_frame.json").read_bytes())
    from_xml = read((SAMPLES / "uplink_frame.xml").read_bytes())
    assert isinstance(from_json, Uplink)
    assert isinstance(from_xml, Uplink)
    assert from_json.key == from_xml.key
    assert from_json.payload == from_xml.payload == bytes.fromhex("0027bd00")
    assert from_json.radio is not None
    assert from_xml.radio is not None
    assert from_json.radio.receptions == from_xml.radio.receptions
    assert from_xml.radio.frequency_hz == 868_300_000  # the JSON body leaves it out
    assert from_json.observed_at == datetime(2015, 7, 9, 14, 6, 38, 490000, UTC)


def test_real_numbers_are_read_as_well_as_texts() -> None:
    found = read((SAMPLES / "uplink_frame_numbers.json").read_bytes())
    assert isinstance(found, Uplink)
    assert (found.f_port, found.f_cnt) == (17, 18)
    assert found.model == "abeeway micro-tracker"


def test_a_join_is_not_decoded() -> None:
    body = (SAMPLES / "kpn_join_request.json").read_bytes().replace(b"X" * 16, b"0" * 15 + b"1")
    found = read(body)
    assert isinstance(found, Notice)
    assert found.kind is NoticeKind.JOIN


def test_a_template_with_placeholders_is_refused_and_says_why() -> None:
    found = read((SAMPLES / "kpn_join_request.json").read_bytes())
    assert isinstance(found, Refusal)
    assert found.params["field"] == "DevEUI"


def test_identifier_with_markup_behind_it_and_impossible_time_are_survived() -> None:
    sent = read((SAMPLES / "downlink_frame_sent_report.json").read_bytes())
    place = read((SAMPLES / "location_report.json").read_bytes())
    assert isinstance(sent, Notice)
    assert sent.device == "000000000f1d8693"
    assert isinstance(place, Notice)
    assert place.observed_at == NOW


def test_late_frame_keeps_its_own_time() -> None:
    body = (SAMPLES / "uplink_frame.json").read_bytes().replace(b'"Late": "0"', b'"Late": "1"')
    found = read(body)
    assert isinstance(found, Uplink)
    assert found.late
    assert found.observed_at.year == 2015


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["message"])
def test_published_tokens_are_verified_and_forged_ones_refused(vector: dict[str, Any]) -> None:
    assert CONNECTOR.verify is not None
    delivery = Delivery(
        body=msgspec.json.encode(vector["body"]),
        content_type="application/json",
        received_at=NOW,
        query_string=vector["query_string"],
    )
    assert CONNECTOR.verify(delivery, vector["example_key"]) is vector["valid"]
    assert not CONNECTOR.verify(delivery, "0" * 32)


def test_token_of_an_encoded_query_string_is_verified_after_decoding() -> None:
    assert CONNECTOR.verify is not None
    vector = VECTORS[0]
    delivery = Delivery(
        body=msgspec.json.encode(vector["body"]),
        content_type="application/json",
        received_at=NOW,
        query_string=vector["query_string"].replace("+", "%2B").replace(":", "%3A"),
    )
    assert CONNECTOR.verify(delivery, vector["example_key"])


@pytest.mark.parametrize(
    "body",
    [
        b"<a>",
        b"<other/>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><DevEUI_uplink>&a;</DevEUI_uplink>',
    ],
)
def test_hostile_documents_are_refused(body: bytes) -> None:
    with pytest.raises(ParseError):
        read(body)


def test_a_document_of_another_kind_is_refused_alone() -> None:
    good = (SAMPLES / "uplink_frame_numbers.json").read_bytes()
    body = b'[{"something": {}}, 7, ' + good + b"]"
    delivery = Delivery(body=body, content_type="application/json", received_at=NOW)
    other, number, uplink = CONNECTOR.parse(delivery)
    assert isinstance(other, Refusal)
    assert isinstance(number, Refusal)
    assert (other.index, number.index) == (0, 1)
    assert isinstance(uplink, Uplink)
