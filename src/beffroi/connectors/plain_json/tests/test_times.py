"""Event times: summer time both ways, leap days, leap seconds, years, epochs, French dates."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.connectors.plain_json import CONNECTOR
from beffroi.kernel.clock import parse_instant
from beffroi.kernel.errors import ParseError
from beffroi.sdk.connectors import Delivery, Refusal, Uplink
from beffroi.sdk.local_time import Doubt, placed_instant

PARIS = ZoneInfo("Europe/Paris")
LATER = datetime(2027, 6, 1, tzinfo=UTC)


def read(*times: Any, received_at: datetime = LATER, zone: str = "", **mapping: Any) -> list[Any]:
    body = json.dumps([{"device": "d", "time": time, "values": {"x": n}}
                       for n, time in enumerate(times)])  # fmt: skip
    delivery = Delivery(
        body=body.encode(),
        content_type="application/json",
        received_at=received_at,
        settings={"mapping": {**mapping, "time_zone": zone}},
    )
    return [
        item.observed_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        if isinstance(item, Uplink)
        else item.message
        if isinstance(item, Refusal)
        else None
        for item in CONNECTOR.parse(delivery)
    ]


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2026-03-02T08:31:22+01:00", "2026-03-02T07:31:22Z"),
        ("2026-03-02T07:31:22.123456789Z", "2026-03-02T07:31:22Z"),
        ("2026-03-02 07:31:22+00", "2026-03-02T07:31:22Z"),
        (1772436682, "2026-03-02T07:31:22Z"),
        (1772436682.9, "2026-03-02T07:31:22Z"),
        (1772436682000, "2026-03-02T07:31:22Z"),
        (1772436682000000, "2026-03-02T07:31:22Z"),
        (1772436682000000000, "2026-03-02T07:31:22Z"),
        ("1772436682", "2026-03-02T07:31:22Z"),
        ("1772436682000000", "2026-03-02T07:31:22Z"),
        ("2024-02-29T12:00:00Z", "2024-02-29T12:00:00Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ("2017-01-01T00:59:60+01:00", "2017-01-01T00:00:00Z"),
        ("2025-12-31T23:30:00-01:00", "2026-01-01T00:30:00Z"),
    ],
)
def test_an_instant_with_its_offset(written: Any, instant: str) -> None:
    assert read(written) == [instant]


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("02/03/2026 07:31", "2026-03-02T06:31:00Z"),
        ("2/3/2026 à 7h31", "2026-03-02T06:31:00Z"),
        ("2/3/2026 7h", "2026-03-02T06:00:00Z"),
        ("02-03-2026", "2026-03-01T23:00:00Z"),
        ("2026/07/14 12:00:00", "2026-07-14T10:00:00Z"),
        ("20260714120000", "2026-07-14T10:00:00Z"),
        ("29/02/2024 00:00", "2024-02-28T23:00:00Z"),
        ("31/12/2026 23:59:59", "2026-12-31T22:59:59Z"),
        ("01/01/2027 00:30", "2026-12-31T23:30:00Z"),
        ("01/01/2017 00:59:60", "2017-01-01T00:00:00Z"),
        ("2026-03-02T08:31:22+05:00", "2026-03-02T03:31:22Z"),
    ],
)
def test_a_local_time_in_its_zone(written: str, instant: str) -> None:
    assert read(written, zone="Europe/Paris") == [instant]


@pytest.mark.parametrize(
    "written",
    ["29/02/2026 00:00", "2026-02-30T00:00:00Z", "2026-03-02T12:00:60Z", "2026-03-02T23:59:60Z",
     "31/04/2026", "yesterday", "12", "2026-13-01", "99999999999999999999999999", True, [], {}],
)  # fmt: skip
def test_what_is_no_instant_is_refused(written: Any) -> None:
    (told,) = read(written, zone="Europe/Paris")
    assert "{value}" in told


def test_a_local_time_without_a_declared_zone_is_refused() -> None:
    assert read("2026-03-02T08:00:00") == ["{value} has no offset from UTC."]


def test_the_hour_that_autumn_repeats() -> None:
    twice, zone = ("25/10/2026 02:30", "25/10/2026 02:30"), "Europe/Paris"
    first, second = "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"
    assert read(*twice, zone=zone) == [first, second]
    assert read(*twice, repeated_hour="first", zone=zone) == [first, first]
    assert read(*twice, repeated_hour="second", zone=zone) == [second, second]
    refused = read(*twice, repeated_hour="refuse", zone=zone)
    assert refused == ["{value} exists twice in {zone}: clocks went back over it."] * 2
    assert read("25/10/2026 01:59", "25/10/2026 03:00", zone=zone) == [
        "2026-10-24T23:59:00Z",
        "2026-10-25T02:00:00Z",
    ]


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        ("2026-10-25T00:30:05Z", "2026-10-25T00:30:00Z"),
        ("2026-10-25T01:20:00Z", "2026-10-25T00:30:00Z"),
        ("2026-10-25T01:30:05Z", "2026-10-25T01:30:00Z"),
        ("2026-10-25T02:10:00Z", "2026-10-25T01:30:00Z"),
        ("2026-10-25T06:00:00Z", "2026-10-25T00:30:00Z"),
    ],
)
def test_a_message_that_comes_at_once_tells_which_of_the_two(received: str, expected: str) -> None:
    at = parse_instant(received)
    assert read("25/10/2026 02:30", received_at=at, zone="Europe/Paris") == [expected]


def test_the_hour_that_spring_skips() -> None:
    zone = "Europe/Paris"
    (told,) = read("29/03/2026 02:30", zone=zone)
    assert told == "{value} does not exist in {zone}: clocks went forward over it."
    assert read("29/03/2026 02:30", skipped_hour="forward", zone=zone) == ["2026-03-29T01:30:00Z"]
    assert read("29/03/2026 01:59", "29/03/2026 03:00", zone=zone) == [
        "2026-03-29T00:59:00Z",
        "2026-03-29T01:00:00Z",
    ]


def test_what_was_doubtful_is_told() -> None:
    body = b'{"device":"d","time":"25/10/2026 02:30","values":{"x":1}}'
    delivery = Delivery(
        body=body,
        content_type="application/json",
        received_at=LATER,
        settings={"mapping": {"time_zone": "Europe/Paris"}},
    )
    (item,) = CONNECTOR.parse(delivery)
    assert isinstance(item, Uplink)
    (note,) = item.notes
    assert note.message.format_map(dict(note.params)) == (
        "25/10/2026 02:30 exists twice in Europe/Paris: it is taken as 2026-10-25T00:30:00+00:00."
    )


@given(st.datetimes(datetime(2000, 1, 1), datetime(2037, 12, 31)))  # noqa: DTZ001 - local times
def test_every_local_time_is_placed_where_it_is_shown(local: datetime) -> None:
    local = local.replace(microsecond=0)
    try:
        placed = placed_instant(local.isoformat(), PARIS)
    except ParseError:
        skipped = local.replace(tzinfo=PARIS).astimezone(UTC).astimezone(PARIS)
        assert skipped.replace(tzinfo=None) != local
        return
    shown = placed.instant.astimezone(PARIS)
    assert shown.replace(tzinfo=None, fold=0) == local
    other = shown.replace(fold=1 - shown.fold).astimezone(UTC)
    assert (placed.doubt is Doubt.REPEATED) == (other - placed.instant == timedelta(hours=1))
