from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.connectors.csv_history import CONNECTOR
from beffroi.kernel.errors import ParseError
from beffroi.sdk.connectors import Delivery, Parsed, Refusal, Uplink


def read(body: bytes, **settings: object) -> list[Parsed]:
    delivery = Delivery(
        body=body,
        content_type="text/csv",
        received_at=datetime(2026, 1, 1, tzinfo=UTC),
        settings=settings,
    )
    return list(CONNECTOR.parse(delivery))


def test_french_file_with_semicolons_commas_and_local_times() -> None:
    body = "device;time;temperature_c;débit\ns1;29/03/2026 12:00;21,5;1 200\n".encode("cp1252")
    (found,) = read(body)
    assert isinstance(found, Uplink)
    assert found.observed_at == datetime(2026, 3, 29, 10, tzinfo=UTC)
    assert found.late
    assert {key: value for key, value, _ in found.readings}["temperature_c"] == 21.5


def test_columns_are_named_by_the_source() -> None:
    body = b"vehiclecount,updatetime,garagecode\n12,2014-05-22 09:09:04,NORREPORT\n"
    (found,) = read(
        body,
        device="garagecode",
        time="updatetime",
        time_zone="Europe/Copenhagen",
        measures={"occupied_places": "vehiclecount"},
    )
    assert isinstance(found, Uplink)
    assert found.device == "NORREPORT"
    assert found.observed_at == datetime(2014, 5, 22, 7, 9, 4, tzinfo=UTC)
    assert found.readings == (("occupied_places", 12.0, None),)


def test_long_form_reads_measure_and_value() -> None:
    (found,) = read(b"device,time,measure,value\ns1,1772436682,no2_ugm3,41\n")
    assert isinstance(found, Uplink)
    assert found.readings == (("no2_ugm3", 41.0, None),)


def test_refused_rows_say_why_and_leave_the_others() -> None:
    first, second, third = read(
        b"device,time,x\n,2026-01-01T00:00Z,1\ns1,tomorrow,1\ns1,2026-01-01T00:00:00Z,2\n"
    )
    assert isinstance(first, Refusal)
    assert isinstance(second, Refusal)
    assert second.params["value"] == "tomorrow"
    assert isinstance(third, Uplink)


def test_missing_column_is_named() -> None:
    with pytest.raises(ParseError, match="no column horodate"):
        read(b"device,time,x\n", time="horodate")


@given(st.binary(max_size=200))
def test_any_octets_are_read_or_refused(body: bytes) -> None:
    with contextlib.suppress(ParseError):
        read(body)
