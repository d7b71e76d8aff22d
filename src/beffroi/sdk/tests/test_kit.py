"""The parts that every connector and every domain share."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from beffroi.kernel.errors import ParseError
from beffroi.kernel.units import Unit
from beffroi.sdk import messages
from beffroi.sdk.connectors import Delivery, Reception, Refusal, Uplink
from beffroi.sdk.declarations import Kind, Measure
from beffroi.sdk.local_time import written_instant, zone_of

PARIS = ZoneInfo("Europe/Paris")


def measure(kind: Kind, *choices: str) -> Measure:
    return Measure(
        key="door", label="Door", unit=Unit.NONE, source="test", kind=kind, choices=choices
    )


def test_yes_or_no_may_have_two_words_of_its_own() -> None:
    assert measure(Kind.BOOLEAN).choices == ()
    assert measure(Kind.BOOLEAN, "Closed", "Open").choices == ("Closed", "Open")
    for kind, choices in ((Kind.BOOLEAN, ("One",)), (Kind.NUMBER, ("One",)), (Kind.CHOICE, ())):
        with pytest.raises(ValueError, match="choices"):
            measure(kind, *choices)


def test_a_gateway_has_one_name_in_base64_and_in_hexadecimal() -> None:
    assert messages.gateway_of("AwMDAwMDAwM=") == messages.gateway_of("0303030303030303")
    assert messages.gateway_of("Rooftop-1") == "rooftop-1"


def test_antennas_of_one_gateway_count_once_and_the_strongest_comes_first() -> None:
    heard = (
        Reception(gateway="a", rssi_dbm=-120),
        Reception(gateway="b"),
        Reception(gateway="a", rssi_dbm=-90, snr_db=4),
        Reception(gateway=""),
    )
    found = messages.heard_best_first(heard)
    assert [(one.gateway, one.rssi_dbm) for one in found] == [("a", -90), ("b", None)]


def test_an_unreadable_time_gives_way_to_the_next_and_is_told_when_it_is_alone() -> None:
    item = {"a": "2020-02-12T15:15...", "b": "2020-02-12T15:15:45.787Z"}
    found = messages.first_instant((item, "a"), (item, "b"), (item, "c"))
    assert found == datetime(2020, 2, 12, 15, 15, 45, 787_000, UTC)
    assert messages.first_instant((item, "c")) is None
    with pytest.raises(ParseError, match="a is"):
        messages.first_instant((item, "a"), (item, "c"))


@pytest.mark.parametrize(
    ("text", "told"), [("SF7BW125", 7), ("SF12", 12), ("", None), ("DR5", None), ("SF999BW1", None)]
)
def test_a_data_rate_names_its_spreading_factor(text: str, told: int | None) -> None:
    assert messages.spreading_factor_of(text) == told


def test_local_times_follow_the_clock_of_the_town() -> None:
    assert written_instant("14/07/2026 10:00", PARIS) == datetime(2026, 7, 14, 8, tzinfo=UTC)
    first, second = (
        written_instant("25/10/2026 02:30", PARIS, second_time=again) for again in (False, True)
    )
    assert (second - first).total_seconds() == 3_600
    with pytest.raises(ParseError, match="does not exist"):
        written_instant("29/03/2026 02:30", PARIS)
    with pytest.raises(ParseError, match="not a time zone"):
        zone_of("Europe/Atlantis")


def test_an_item_that_is_no_object_is_refused_alone_with_its_index() -> None:
    body = b'[{"device": "a"}, 12, {"device": "b"}, ["c"]]'
    delivery = Delivery(body=body, content_type="", received_at=datetime(2026, 1, 1, tzinfo=UTC))
    found = messages.parse_items(
        delivery,
        read=lambda item, given, raw: Uplink(
            device=messages.text_of(item, "device"), key="", observed_at=given.received_at, raw=raw
        ),
    )
    assert [item.device for item in found if isinstance(item, Uplink)] == ["a", "b"]
    refused = [item for item in found if isinstance(item, Refusal)]
    assert [(item.index, item.raw) for item in refused] == [(1, b"12"), (3, b'["c"]')]
    assert refused[0].message.format(**refused[0].params).startswith("Item 1 of the body is 12,")


@pytest.mark.parametrize("text", ["", "[1]", "1", "{", "\ud800"])
def test_a_text_that_holds_no_object_gives_an_empty_one(text: str) -> None:
    assert messages.object_in(text) == {}
    assert messages.object_in('{"a": 1}') == {"a": 1}
