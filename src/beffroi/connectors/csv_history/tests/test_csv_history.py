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


def test_the_hour_that_autumn_repeats_is_kept_twice() -> None:
    # On 25 October 2026 Paris lives 02:00 to 02:59 twice.
    body = b"device;time;temperature_c\n" + b"".join(
        f"s1;25/10/2026 02:{minute:02};{rank},5\n".encode()
        for rank, minute in enumerate((0, 30, 0, 30))
    )
    found = [item for item in read(body) if isinstance(item, Uplink)]
    assert [item.observed_at for item in found] == [
        datetime(2026, 10, 25, 0, 0, tzinfo=UTC),
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 0, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    ]
    assert [item.readings[0][1] for item in found] == [0.5, 1.5, 2.5, 3.5]


def test_the_hour_that_spring_skips_is_refused_with_the_way_out() -> None:
    (refused,) = read(b"device;time;temperature_c\ns1;29/03/2026 02:30;1\n")
    assert isinstance(refused, Refusal)
    assert refused.params["value"] == "29/03/2026 02:30"
    assert "Etc/GMT-1" in refused.way_out


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-02T07:31:22Z", datetime(2026, 3, 2, 7, 31, 22, tzinfo=UTC)),
        ("2026-03-02 08:31:22+0100", datetime(2026, 3, 2, 7, 31, 22, tzinfo=UTC)),
        ("2026/03/02 08:31", datetime(2026, 3, 2, 7, 31, tzinfo=UTC)),
        ("02/03/2026 08:31", datetime(2026, 3, 2, 7, 31, tzinfo=UTC)),
        ("02.03.2026 08:31:22", datetime(2026, 3, 2, 7, 31, 22, tzinfo=UTC)),
        ("2/3/2026", datetime(2026, 3, 1, 23, 0, tzinfo=UTC)),
        ("1772436682", datetime(2026, 3, 2, 7, 31, 22, tzinfo=UTC)),
        ("1772436682000", datetime(2026, 3, 2, 7, 31, 22, tzinfo=UTC)),
    ],
)
def test_times_are_read_as_files_write_them(text: str, expected: datetime) -> None:
    (found,) = read(f"device,time,v\ns1,{text},1\n".encode())
    assert isinstance(found, Uplink)
    assert found.observed_at == expected


def test_marks_of_a_missing_value_and_the_line_of_a_spreadsheet_are_understood() -> None:
    (found,) = read(
        "sep=;\ndevice;time;a;b\ns1;2026-03-02T07:31Z;NA;1\u202f234,5\n".encode("utf-16")
    )
    assert isinstance(found, Uplink)
    assert found.readings == (("b", 1234.5, None),)


@pytest.mark.parametrize("measure", ["", " ", "x" * 300])
def test_a_value_whose_measure_has_no_name_is_refused_alone(measure: str) -> None:
    at = "2026-03-02T07:31:22Z"
    body = f"device;time;measure;value\nd;{at};{measure};12\nd;{at};a;3\n"
    first, second = read(body.encode())
    assert isinstance(first, Refusal)
    assert isinstance(second, Uplink)
