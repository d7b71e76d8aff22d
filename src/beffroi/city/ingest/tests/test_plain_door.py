"""The plain door as an integrator meets it: every form of body, one bad row refused alone."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from typing import Any

import pytest

from beffroi.city.assets.models import Asset
from beffroi.city.assets.testing import make_asset, make_device
from beffroi.city.ingest.models import Message
from beffroi.city.ingest.redecoding import messages_redecode
from beffroi.city.ingest.services import source_update
from beffroi.city.ingest.testing import MadeSource, make_source, post
from beffroi.city.ingest.tests.test_door import values
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.models import Territory
from beffroi.kernel.clock import now


@pytest.fixture
def plain(town: Territory) -> MadeSource:
    return make_source(town, connector="plain_json")


@pytest.fixture
def asset(town: Territory) -> Asset:
    made = make_asset(town, type_key="tiny_station", domain_key="tiny")
    make_device(town, identifier="d", asset=made)
    return made


def minutes_ago(*minutes: int) -> list[str]:
    return [(now() - timedelta(minutes=one)).isoformat(timespec="seconds") for one in minutes]


def send(door: int, plain: MadeSource, body: str, media: str, **headers: str) -> dict[str, Any]:
    octets = body.encode()
    if headers.get("Content-Encoding") == "gzip":
        octets = gzip.compress(octets)
    sent = {**plain.headers, "Content-Type": media, **headers}
    status, answer, _headers = post(door, plain.path, octets, headers=sent)
    assert status == 200, answer
    return answer


def body_of(media: str, times: list[str]) -> str:
    if media == "text/csv":
        rows = [f'd;{time};"{n},5"' for n, time in enumerate(times)]
        return "\n".join(["device;time;temperature", *rows, "d;yesterday;3", ";;"])
    items: list[Any] = [
        {"device": "d", "time": time, "values": {"temperature": n + 0.5}}
        for n, time in enumerate(times)
    ]
    if media == "application/geo+json":
        features = [
            {"type": "Feature", "geometry": None,
             "properties": {"device": "d", "time": time, "temperature": n + 0.5}}
            for n, time in enumerate(times)
        ]  # fmt: skip
        return json.dumps({"type": "FeatureCollection", "features": [*features, None, {}]})
    if media == "application/json":
        return json.dumps([*items, None, {"device": "d"}])
    return "\n".join([*map(json.dumps, items), "{", "12"])


@pytest.mark.parametrize("coding", ["identity", "gzip"])
@pytest.mark.parametrize(
    "media", ["application/json", "application/x-ndjson", "text/csv", "application/geo+json"]
)
def test_every_form_is_taken_once_and_a_bad_row_refused_alone(
    town: Territory, plain: MadeSource, asset: Asset, door: int, *, media: str, coding: str
) -> None:
    body = body_of(media, minutes_ago(2, 1))
    told = send(door, plain, body, media, **{"Content-Encoding": coding})
    assert (told["accepted"], told["refused_count"]) == (2, 2)
    assert [refused["index"] for refused in told["refused"]] == [2, 3]
    assert values(town, asset) == {"temperature": [0.5, 1.5]}
    again = send(door, plain, body, media)
    assert (again["accepted"], again["duplicates"]) == (0, 2)


def test_a_corrected_mapping_reads_kept_rows_of_csv_again(
    town: Territory, plain: MadeSource, asset: Asset, door: int
) -> None:
    (time,) = minutes_ago(1)
    send(door, plain, f"device;time;T;x\nd;{time};21,5;1\n", "text/csv")
    assert values(town, asset) == {}
    mapping = {"measures": {"temperature": {"path": "T", "factor": 2}}}
    with acting_for(town.id):
        source_update(
            plain.row.uuid, name=plain.row.name, settings={"mapping": mapping}, default_codec=""
        )
        messages_redecode(source=plain.row)
        kept = bytes(Message.objects.get().raw).decode()
    assert kept == f"device;time;T;x\nd;{time};21,5;1"
    assert values(town, asset) == {"temperature": [43.0]}
