"""Every form of body, and one bad row refused alone."""

from __future__ import annotations

import contextlib
import json
import time
import tracemalloc
from datetime import UTC, datetime
from typing import Any

import pytest

from beffroi.connectors.plain_json import CONNECTOR
from beffroi.kernel.errors import ParseError
from beffroi.sdk.connectors import Delivery, Parsed, Refusal, Uplink
from beffroi.sdk.messages import MAX_ITEMS

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
AT = "2026-03-02T07:31:22Z"
GOOD = {"device": "a", "time": AT, "values": {"x": 1}}
MEGABYTE = 1024 * 1024


def read(body: str | bytes, content_type: str = "application/json", **mapping: Any) -> list[Parsed]:
    octets = body.encode() if isinstance(body, str) else body
    delivery = Delivery(
        body=octets,
        content_type=content_type,
        received_at=NOW,
        settings={"mapping": mapping} if mapping else {},
    )
    return list(CONNECTOR.parse(delivery))


def readings(found: list[Parsed]) -> list[dict[str, float] | str]:
    return [
        {name: value for name, value, _at in item.readings}
        if isinstance(item, Uplink)
        else str(getattr(item, "code", ""))
        for item in found
    ]


@pytest.mark.parametrize("media", ["application/x-ndjson", "application/jsonl", "application/json"])
def test_a_bad_line_is_refused_alone(media: str) -> None:
    body = "\n".join([json.dumps(GOOD), '{"device": "b"', "", "[1]", json.dumps(GOOD)])
    assert readings(read(body, media)) == [{"x": 1.0}, "parse", "parse", {"x": 1.0}]


def test_a_document_that_is_broken_is_refused_once_not_line_by_line() -> None:
    with pytest.raises(ParseError, match="not valid JSON"):
        read(json.dumps([GOOD, GOOD], indent=2)[:-3])


def test_a_list_without_its_items_refuses_only_itself() -> None:
    body = json.dumps([{"data": [GOOD, 12]}, {"other": 1}, {"data": [GOOD]}])
    found = read(body, items="data")
    assert readings(found) == [{"x": 1.0}, "parse", "parse", {"x": 1.0}]
    assert isinstance(found[2], Refusal)
    assert found[2].index == 2
    assert "data" in found[2].message.format_map(dict(found[2].params))


def test_each_item_keeps_its_own_octets_and_is_read_again_from_them() -> None:
    body = b'{"data": {"list": [{"device":"a", "n": 1.50, "values":{"x":1}}]}}'
    (item,) = read(body, items="data.list")
    assert isinstance(item, Uplink)
    assert item.raw == b'{"device":"a", "n": 1.50, "values":{"x":1}}'
    assert readings(read(item.raw, items="data.list")) == [{"x": 1.0}]


def test_csv_of_a_french_spreadsheet() -> None:
    body = "sep=;\r\nStation;Date;Heure;NO2;T\r\nA1;02/03/2026;07:31;1 200,5;-3,2\r\n\r\n"
    body += "A2;02/03/2026;7h32;n/a;4\r\n"
    mapping: dict[str, Any] = {
        "device": "Station",
        "time": "Date",
        "time_of_day": "Heure",
        "time_zone": "Europe/Paris",
        "measures": {"no2": "NO2", "temperature": "T"},
    }
    first, second = read(body, "text/csv", **mapping)
    assert isinstance(first, Uplink)
    assert isinstance(second, Uplink)
    assert first.observed_at == datetime(2026, 3, 2, 6, 31, tzinfo=UTC)
    assert readings([first, second]) == [{"no2": 1200.5, "temperature": -3.2}, {"temperature": 4}]
    assert readings(read(first.raw, "text/csv", **mapping)) == readings([first])


@pytest.mark.parametrize(("sign", "decimal"), [(";", ","), (",", "."), ("\t", ","), ("|", ".")])
def test_the_delimiter_is_found(sign: str, decimal: str) -> None:
    rows = [["device", "time", "a", "b"], *([f"d{n}", AT, f"1{decimal}5", "2"] for n in range(5))]
    body = "\n".join(sign.join(row) for row in rows)
    assert readings(read(body, "text/csv")) == [{"a": 1.5, "b": 2.0}] * 5


def test_a_declared_decimal_mark_decides_what_is_ambiguous() -> None:
    body = f"device;time;a\nd;{AT};1,234\n"
    assert readings(read(body, "text/csv")) == [{"a": 1.234}]
    assert readings(read(body, "text/csv", decimal=".")) == [{"a": 1234.0}]


def test_bad_rows_of_csv_are_refused_alone() -> None:
    body = (
        f'device;time;a\nd1;{AT};1\nd2;{AT};1;2;3\n"d3;{AT};1\nd4;{AT};1\n'
        f'"d""5";{AT};1\nd6;2026-02-30T00:00:00Z;1\n;{AT};1\nd8;{AT};x\nd9;{AT};1\n'
    )
    found = read(body, "text/csv")
    assert [getattr(item, "device", "-") for item in found] == [
        "d1", "-", "-", "d4", 'd"5', "-", "-", "-", "d9",
    ]  # fmt: skip
    assert [item.index for item in found if isinstance(item, Refusal)] == [1, 2, 5, 6, 7]


def test_a_long_table_names_its_measures() -> None:
    body = f"capteur,quand,parametre,valeur\ns,{AT},PM10,12.5\ns,{AT},O3,3\n"
    mapping: dict[str, Any] = {
        "device": "capteur",
        "time": "quand",
        "measure": "parametre",
        "value": "valeur",
    }
    assert readings(read(body, "text/csv", **mapping)) == [{"PM10": 12.5}, {"O3": 3.0}]
    chosen = {**mapping, "measures": {"pm10_ugm3": {"path": "PM10", "factor": 2}}}
    assert readings(read(body, "text/csv", **chosen)) == [{"pm10_ugm3": 25.0}, "parse"]


@pytest.mark.parametrize(
    "octets",
    [
        "device;time;é\nd;{at};1\n".encode("utf-8-sig"),
        "device;time;é\nd;{at};1\n".encode("cp1252"),
        "device;time;é\nd;{at};1\n".encode("utf-16"),
        "device;time;é\nd;{at};1\n".encode().replace(b"\n", b"\r\n"),
        "device;time;é\n".encode() + "d;{at};1\n# été\n".encode("cp1252"),
    ],
    ids=["bom", "windows", "utf-16", "crlf", "mixed"],
)
def test_any_encoding(octets: bytes) -> None:
    at = AT.encode("utf-16-le") if octets[:2] == b"\xff\xfe" else AT.encode()
    mark = "{at}".encode("utf-16-le") if octets[:2] == b"\xff\xfe" else b"{at}"
    assert readings(read(octets.replace(mark, at), "text/csv"))[0] == {"é": 1.0}


def test_features_of_geojson() -> None:
    feature = {
        "type": "Feature",
        "id": "x1",
        "geometry": {"type": "Point", "coordinates": [3.88, 43.61, 12]},
        "properties": {"device": "p", "time": AT, "pm10": 12, "name": "Place"},
    }
    body = json.dumps({"type": "FeatureCollection", "features": [feature, None]})
    found = read(body, "application/geo+json")
    assert readings(found) == [{"pm10": 12.0}, "parse"]
    assert isinstance(found[0], Uplink)
    assert (found[0].device, found[0].lon, found[0].lat) == ("p", 3.88, 43.61)


def test_units_words_constants_and_the_senders_own_key() -> None:
    mapping: dict[str, Any] = {
        "device_name": "station",
        "key": "id",
        "measures": {
            "temperature_c": {"path": "t", "unit": "°F"},
            "door": {"path": "d", "words": {"Ouvert": 1, "fermé": 0}},
        },
    }
    (item,) = read(f'{{"id": 7, "time": "{AT}", "t": 212, "d": "ouvert "}}', **mapping)
    assert isinstance(item, Uplink)
    assert item.device == "station"
    assert item.key == "station#7"
    values = {name: value for name, value, _at in item.readings}
    assert values == {"temperature_c": pytest.approx(100), "door": 1.0}
    with pytest.raises(ParseError, match="cannot be converted"):
        read("{}", measures={"temperature_c": {"path": "t", "unit": "kg"}})


def test_what_is_no_number_is_told() -> None:
    (item,) = read(json.dumps({**GOOD, "y": "high"}), measures={"x": "values.x", "y": "y"})
    assert isinstance(item, Uplink)
    assert [dict(note.params) for note in item.notes] == [{"field": "y", "value": "'high'"}]


HUGE: dict[str, tuple[str, bytes]] = {
    "rows": (
        "text/csv",
        b"device;time;a;b\n"
        + b"".join(b"d%d;2026-03-02T07:31:22Z;%d,5;12\n" % (n, n) for n in range(100_000)),
    ),
    "values": (
        "text/csv",
        b";".join([b"device", b"time", *(b"c%d" % n for n in range(490))])
        + (b"\nd;2026-03-02T07:31:22Z" + b";1" * 490) * 8_000,
    ),
    "quotes": ("text/csv", b"device;time\n" + b'"x\n' * 2_700_000),
    "columns": ("text/csv", b";" * (8 * MEGABYTE)),
    "elements": ("application/json", b"[" + b"{}," * 1_000_000 + b"{}]"),
    "elements inside": ("application/json", b'{"data":[' + b"1," * 4_000_000 + b"1]}"),
    "lines": ("application/x-ndjson", b"{\n" * 4_000_000),
    "depth": ("application/json", b'{"a":' * 1_600_000),
    "number": ("application/json", b'{"device":"a","values":{"x":' + b"9" * 8_000_000 + b"}}"),
}


@pytest.mark.parametrize("name", HUGE)
def test_huge_bodies_cost_little(name: str) -> None:
    media, body = HUGE[name]
    tracemalloc.start()
    began = time.process_time()
    found: list[Parsed] = []
    with contextlib.suppress(ParseError):
        found = read(body, media, items="data")
    spent = time.process_time() - began
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert all(isinstance(item, Refusal) for item in found)
    assert spent < 10  # seconds, with every allocation counted
    assert peak < 96 * MEGABYTE


def test_as_many_rows_as_are_taken_at_once_are_taken() -> None:
    body = "device;time;a\n" + f"d;{AT};1\n" * MAX_ITEMS
    assert len(read(body, "text/csv")) == MAX_ITEMS


@pytest.mark.parametrize(
    ("value", "read_as"),
    [
        ("NaN", "parse"),
        ("Infinity", "parse"),
        ("1e999", "parse"),
        ("9" * 400, {"y": 1.0}),
        ("1e300", {"y": 1.0}),
        ('"1_000"', {"y": 1.0}),
        ('"nan"', {"y": 1.0}),
        ('"٣"', {"y": 1.0}),
        ('"1e2"', {"x": 100.0, "y": 1.0}),
    ],
)
def test_what_is_no_finite_number_is_no_reading(value: str, read_as: object) -> None:
    body = f'{{"device":"a","values":{{"x":{value},"y":1}}}}\n{json.dumps(GOOD)}'
    assert readings(read(body, "application/x-ndjson")) == [read_as, {"x": 1.0}]


def test_of_two_keys_of_one_name_the_last_is_read() -> None:
    assert readings(read('{"device":"a","device":"b","values":{"x":1,"x":2}}')) == [{"x": 2.0}]
