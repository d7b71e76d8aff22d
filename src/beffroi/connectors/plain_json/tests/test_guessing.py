from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from beffroi.connectors.plain_json import CONNECTOR
from beffroi.kernel.errors import ParseError
from beffroi.sdk.connectors import Delivery, Uplink

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
AT = "2026-03-02T07:31:22Z"


def guessed(body: str, content_type: str = "application/json") -> dict[str, Any]:
    delivery = Delivery(body=body.encode(), content_type=content_type, received_at=NOW)
    assert CONNECTOR.examine is not None
    sample = CONNECTOR.examine(delivery)
    again = Delivery(
        body=body.encode(),
        content_type=content_type,
        received_at=NOW,
        settings=dict(sample.settings),
    )
    assert all(isinstance(item, Uplink) for item in CONNECTOR.parse(again))
    return dict(sample.settings["mapping"])


def test_a_french_table() -> None:
    body = "Station;Date;Heure;Température (°C);NO2;Nom\nA1;14/07/2026;12:00;21,5;40;Place\n"
    assert guessed(body, "text/csv") == {
        "delimiter": ";",
        "time": "Date",
        "time_of_day": "Heure",
        "time_zone": "Europe/Paris",
        "device": "Station",
        "name": "Nom",
        "measures": {"temperature_c": "Température (°C)", "no2_ugm3": "NO2"},
    }


def test_a_list_inside_an_answer() -> None:
    body = json.dumps(
        {
            "status": "ok",
            "data": {
                "list": [{"meta": {"id": n}, "ts": 1772436682, "v": {"pm10": n}} for n in (1, 2)]
            },
        }
    )
    assert guessed(body) == {
        "items": "data.list",
        "time": "ts",
        "device": "meta.id",
        "measures": {"pm10_ugm3": "v.pm10"},
    }


def test_the_form_of_the_house_is_known() -> None:
    body = json.dumps({"device": "p1", "time": AT, "values": {"free_places": 12}})
    assert guessed(body)["measures"] == {"free_places": "values.free_places"}


def test_one_measure_a_row() -> None:
    body = f"capteur,horodatage,parametre,valeur\ns,{AT},PM10,12.5\ns,{AT},O3,3\n"
    found = guessed(body, "text/csv")
    assert (found["measure"], found["value"]) == ("parametre", "valeur")
    assert "measures" not in found


def test_all_that_stands_in_a_sample_is_listed() -> None:
    body = json.dumps({"device": "p1", "time": AT, "a": {"b": [1, "x"]}}).encode()
    assert CONNECTOR.examine is not None
    delivery = Delivery(body=body, content_type="application/json", received_at=NOW)
    fields = CONNECTOR.examine(delivery).fields
    assert [(field.path, field.is_number) for field in fields] == [
        ("device", False),
        ("time", False),
        ("a.b.0", True),
        ("a.b.1", False),
    ]


@pytest.mark.parametrize("body", ["", "[]", "[1]", "{", "\x00"])
def test_a_sample_that_holds_no_message_is_refused(body: str) -> None:
    with pytest.raises(ParseError):
        guessed(body)
