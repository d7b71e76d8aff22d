"""What programs read: lists, pages, forms, series."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pyarrow.parquet as pq
import pytest

from beffroi.city.assets.models import Asset
from beffroi.city.assets.testing import make_asset
from beffroi.city.series.testing import record
from beffroi.foundation.database.api import acting_for
from beffroi.interfaces.api.tests.conftest import AT, Ask, Town

pytestmark = pytest.mark.django_db
PERIOD = "start=2026-03-01T00:00:00Z&end=2026-04-01T00:00:00Z"


def pages(ask: Ask, path: str) -> list[dict[str, Any]]:
    """Follow every page, by the header, and check that the body says the same."""
    found: list[dict[str, Any]] = []
    url = path
    while url:
        answer = ask(url)
        assert answer.status_code == 200, answer.content
        body = answer.json()
        found += body["items"]
        link = answer.headers.get("Link", "")
        assert link == (f'<{body["next"]}>; rel="next"' if body["next"] else "")
        url = body["next"] or ""
    return found


def body_of(answer: Any) -> bytes:
    octets: bytes = answer.getvalue() if answer.streaming else answer.content
    return octets


def test_a_key_lists_its_territory_alone(ask: Ask, town: Town) -> None:
    (only,) = ask("/api/v1/territories").json()["items"]
    assert only["slug"] == town.territory.slug
    assert ask().json()["name"] == "Montpellier"


def test_assets_come_in_pages_and_none_twice_while_others_are_added(ask: Ask, town: Town) -> None:
    first = ask("/assets?limit=2").json()
    with acting_for(town.territory.pk):
        Asset.objects.filter(pk=town.lamps[0].pk).update(name="Renommée")
    added = make_asset(town.territory, name="Ajoutée")
    rest = pages(ask, first["next"])
    every = [row["id"] for row in first["items"] + rest]
    assert len(every) == len(set(every)) == 7
    assert every[-1] == str(added.uuid)


def test_assets_are_narrowed(ask: Ask, town: Town) -> None:
    def count(query: str) -> int:
        return len(ask(f"/assets?{query}").json()["items"])

    assert count("type=light_point") == 5
    assert count("type=light_point,lighting_cabinet") == 6
    assert count("domain=parking") == 0
    assert count(f"parent={town.cabinet.uuid}") == 5
    assert count("bbox=3.8809,43,3.8821,44") == 2
    assert count("text=comedie") == 1
    assert count(f"id={town.cabinet.uuid},{town.lamps[0].uuid}") == 2
    assert count("updated_since=2000-01-01T00:00:00Z") == 6
    assert count("updated_since=2100-01-01T00:00:00Z") == 0


def test_removed_assets_come_to_who_asks_what_changed(ask: Ask, town: Town) -> None:
    with acting_for(town.territory.pk):
        Asset.objects.filter(pk=town.lamps[0].pk).update(removed_at=AT)
    assert len(ask("/assets?type=light_point").json()["items"]) == 4
    changed = ask("/assets?type=light_point&updated_since=2026-03-29T00:00:00Z").json()["items"]
    assert [row["id"] for row in changed if row["removed_at"]] == [str(town.lamps[0].uuid)]


def test_sparse_fields(ask: Ask, town: Town) -> None:
    row = ask("/assets?fields=name,id&limit=1").json()["items"][0]
    assert list(row) == ["name", "id"]
    refused = ask("/assets?fields=name,colour")
    assert refused.status_code == 422
    assert (refused.json()["field"], refused.json()["value"]) == ("fields", "colour")
    one = ask(f"/assets/{town.cabinet.uuid}?fields=geometry").json()
    assert one == {"geometry": {"type": "Point", "coordinates": [3.8796, 43.6085]}}


def test_forms_of_a_list(ask: Ask, town: Town) -> None:
    table = body_of(ask("/assets?fields=id,name,properties", Accept="text/csv")).decode()
    rows = list(csv.DictReader(io.StringIO(table)))
    assert table.startswith("id,name,properties\r\n")
    assert rows[0]["name"] == "Armoire Comédie"
    assert json.loads(rows[0]["properties"]) == {"address": "7 rue de la Loge"}
    lines = body_of(ask("/assets", Accept="application/x-ndjson")).decode().splitlines()
    assert len(lines) == 6
    assert json.loads(lines[0])["id"] == str(town.cabinet.uuid)
    collection = ask("/assets?fields=name", Accept="application/geo+json").json()
    assert collection["type"] == "FeatureCollection"
    assert collection["features"][0] == {
        "type": "Feature",
        "id": str(town.cabinet.uuid),
        "geometry": {"type": "Point", "coordinates": [3.8796, 43.6085]},
        "properties": {"name": "Armoire Comédie"},
    }
    columns = pq.read_table(
        io.BytesIO(body_of(ask("/assets", Accept="application/vnd.apache.parquet")))
    )
    assert columns.num_rows == 6
    assert columns.column("updated_at").type.tz == "UTC"


def test_the_form_that_is_liked_best_is_given(ask: Ask) -> None:
    liked = ask("/assets", Accept="text/csv;q=0.5, application/json;q=0.4, */*;q=0.1")
    assert liked["Content-Type"] == "text/csv; charset=utf-8"
    browser = ask("/assets", Accept="text/html,application/xhtml+xml,*/*;q=0.8")
    assert browser["Content-Type"] == "application/json"
    never = ask("/assets", Accept="application/json;q=0, text/html")
    assert never.status_code == 406
    assert "text/csv" in never.json()["way_out"]
    assert ask("/devices", Accept="application/geo+json").status_code == 406


def test_an_etag_saves_the_answer_until_something_changes(ask: Ask, town: Town) -> None:
    for path in ("/assets", "/latest", "", "/domains", f"/assets/{town.cabinet.uuid}"):
        first = ask(path)
        again = ask(path, If_None_Match=first["ETag"])
        assert (again.status_code, again.content) == (304, b""), path
        assert again["ETag"] == first["ETag"]
        assert first["Cache-Control"] == "private, no-cache"
    first = ask("/latest")
    record(town.stream, [(AT + timedelta(minutes=1), 99.0)])
    changed = ask("/latest", If_None_Match=first["ETag"])
    assert changed.status_code == 200
    assert changed.json()["items"][0]["value"] == 99.0
    assert ask("/latest", If_None_Match=first["ETag"], Accept="text/csv").status_code == 200


def test_latest_values_of_assets_of_a_view_and_of_a_type(ask: Ask, town: Town) -> None:
    def values(query: str) -> list[float]:
        return [row["value"] for row in ask(f"/latest?{query}").json()["items"]]

    assert values("") == [0.0]
    assert values(f"asset={town.cabinet.uuid}") == [0.0]
    assert values("bbox=3.8,43,3.88,44") == [0.0]
    assert values("bbox=2,43,3,44") == []
    assert values("type=lighting_cabinet&measure=power_w") == [0.0]
    assert values("measure=energy_kwh") == []
    (place,) = ask("/latest", Accept="application/geo+json").json()["features"]
    assert place["geometry"]["coordinates"] == [3.8796, 43.6085]
    assert len(pages(ask, "/latest?limit=1")) == 1


def test_observations_page_by_page_are_those_that_were_stored(ask: Ask, town: Town) -> None:
    path = f"/streams/{town.stream.uuid}/observations?{PERIOD}"
    every = pages(ask, path + "&limit=33")
    assert [row["value"] for row in every] == [float(rank) for rank in range(199, -1, -1)]
    assert every[-1]["observed_at"] == "2026-03-29T06:30:00.000Z"
    assert pages(ask, path) == every
    table = body_of(ask(path, Accept="text/csv")).decode().split("\r\n")
    assert table[:2] == ["observed_at,value,quality", "2026-03-27T21:20:00.000Z,199.0,1"]
    kept = pq.read_table(io.BytesIO(body_of(ask(path, Accept="application/vnd.apache.parquet"))))
    assert kept.column("value").to_pylist() == [row["value"] for row in every]


def test_values_added_between_two_pages_do_not_move_the_others(ask: Ask, town: Town) -> None:
    first = ask(f"/streams/{town.stream.uuid}/observations?{PERIOD}&limit=150").json()
    record(town.stream, [(AT - timedelta(days=2), 7_000.0), (AT + timedelta(minutes=9), 8_000.0)])
    rest = pages(ask, first["next"])
    assert len(first["items"]) + len(rest) == 201
    assert rest[-1]["value"] == 8_000.0


def test_aggregates_use_the_statistic_of_the_measure(ask: Ask, town: Town) -> None:
    path = f"/streams/{town.stream.uuid}/aggregates?{PERIOD}"
    days = ask(path + "&step=day").json()["items"]
    # 29 March of Paris began at 23:00 UTC, and lasted 23 hours.
    assert days[-1] == {
        "start": "2026-03-28T23:00:00.000Z", "value": 22.5, "min": 0.0, "max": 45.0, "n": 46,
        "quality": 1,
    }  # fmt: skip
    assert len(pages(ask, path + "&step=hour&limit=5")) == 34
    assert ask(path + "&step=fortnight").json()["field"] == "step"


def test_observations_of_a_type_in_pages_and_at_once(ask: Ask, town: Town) -> None:
    path = f"/observations?type=lighting_cabinet&measure=power_w&{PERIOD}"
    every = pages(ask, path + "&limit=64")
    assert len(every) == 200
    assert {row["asset"] for row in every} == {str(town.cabinet.uuid)}
    lines = body_of(ask(path, Accept="application/x-ndjson")).splitlines()
    assert [json.loads(line) for line in lines] == every
    whole = pq.read_table(io.BytesIO(body_of(ask(path, Accept="application/vnd.apache.parquet"))))
    assert whole.num_rows == 200


def test_devices_sources_streams_and_what_is_declared(ask: Ask, town: Town) -> None:
    (device,) = ask("/devices").json()["items"]
    assert (device["asset"], device["id"]) == (str(town.cabinet.uuid), str(town.device.uuid))
    assert ask(f"/devices/{town.device.uuid}").json() == device
    assert ask("/sources").json() == {"items": [], "next": None}
    (stream,) = ask("/streams").json()["items"]
    assert (stream["id"], stream["value"]) == (str(town.stream.uuid), 0.0)
    measured = {(row["type"], row["key"]): row for row in pages(ask, "/measures?limit=50")}
    assert measured["lighting_cabinet", "power_w"]["unit"] == "W"
    assert any(row["key"] == "street_lighting" for row in ask("/domains").json()["items"])
    assert any(row["key"] == "lighting_cabinet" for row in pages(ask, "/asset-types?limit=10"))
    listed = pages(ask, "/indicators?limit=3")
    assert listed
    first = next(row for row in listed if row["domain"] == "street_lighting")
    value = ask(f"/indicators/street_lighting/{first['key']}?at=2026-03-29T06:30:00Z").json()
    assert value["definition"] == first["definition"]
    assert value["at"] == "2026-03-29T06:30:00Z"


def test_words_are_french_unless_english_is_asked_for(ask: Ask) -> None:
    french, english = ask("/domains"), ask("/domains", Accept_Language="en-GB,en;q=0.9")
    assert french["Content-Language"] == "fr"
    assert english["Content-Language"] == "en"
    assert french.json() != english.json()


def test_head_and_options(ask: Ask) -> None:
    get, head = ask("/assets"), ask("/assets", method="head")
    assert (head.status_code, head.content, head["ETag"]) == (200, b"", get["ETag"])
    options = ask("/assets", method="options")
    assert (options.status_code, options["Allow"]) == (204, "GET, HEAD, OPTIONS")


def test_a_stream_is_named_by_its_identifier(ask: Ask, town: Town) -> None:
    assert UUID(ask(f"/streams/{town.stream.uuid}").json()["id"]) == town.stream.uuid
