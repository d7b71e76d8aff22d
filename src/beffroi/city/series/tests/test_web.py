from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.db import connection
from django.test import Client

from beffroi.city.assets.testing import make_asset
from beffroi.city.series.models import Stream
from beffroi.city.series.testing import make_stream, record
from beffroi.foundation.accounts.testing import make_agent, sign_in
from beffroi.foundation.territories.models import Territory
from beffroi.foundation.territories.testing import make_territory

AT = datetime(2025, 6, 3, 10, tzinfo=UTC)
DAY = "de=2025-06-03&a=2025-06-03"


@pytest.fixture
def filled(stream: Stream) -> Stream:
    record(stream, [(AT + timedelta(minutes=rank), float(rank)) for rank in range(90)])
    return stream


@pytest.fixture
def agent(client: Client, territory: Territory) -> Client:
    sign_in(client, make_agent(territory))
    return client


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def test_a_chart_gets_its_curve_and_then_304(
    agent: Client, territory: Territory, filled: Stream
) -> None:
    url = f"/t/{territory.slug}/series/{filled.uuid}.json?{DAY}&pas=heure"
    response = agent.get(url)
    found = json.loads(response.content)
    assert (found["step"], found["unit"], found["mean"]) == ("hour", "W", [29.5, 74.5])
    assert found["t"] == [AT.timestamp(), AT.timestamp() + 3600]
    again = agent.get(url, headers={"If-None-Match": response["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_chart_of_yes_and_no_gets_their_words_and_one_of_numbers_none(
    agent: Client, territory: Territory, filled: Stream
) -> None:
    lit = make_stream(make_asset(territory), measure_key="lamp_switched_on")
    record(lit, [(AT, 1.0)])
    answers = [
        agent.get(f"/t/{territory.slug}/series/{one.uuid}.json?{DAY}").json()
        for one in (lit, filled)
    ]
    assert answers[0]["choices"] == ["non", "oui"]
    assert "choices" not in answers[1]


def test_an_asset_is_exported_in_both_forms(
    agent: Client, territory: Territory, filled: Stream
) -> None:
    base = f"/t/{territory.slug}/equipements/{filled.asset.uuid}/export"
    text = body(agent.get(f"{base}.csv?{DAY}")).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text), delimiter=";"))
    assert (len(rows), rows[0]["value"]) == (90, "0,0")
    assert pq.read_table(io.BytesIO(body(agent.get(f"{base}.parquet?{DAY}")))).num_rows == 90


@pytest.mark.parametrize(
    "query", ["flux={uuid}", "type=light_point&mesure=power_w", "equipement={asset}&mesure=power_w"]
)
def test_a_selection_is_exported(
    agent: Client, territory: Territory, filled: Stream, query: str
) -> None:
    selected = query.format(uuid=filled.uuid, asset=filled.asset.uuid)
    response = agent.get(f"/t/{territory.slug}/series/export.csv?{selected}&{DAY}")
    assert body(response).count(b"\r\n") == 91


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("pas=siecle", "pas"),
        ("de=hier", "de"),
        ("de=2025-06-03T10:00:00", "de"),
        ("de=2025-06-03&a=2025-06-01", "start"),
        ("points=beaucoup", "points"),
        ("points=0", "max_points"),
        ("de=2001-01-01&a=2025-01-01&pas=5min", "step"),
        ("de=0001-01-01&a=9999-12-31", "a"),
    ],
)
def test_a_question_that_has_no_answer_names_its_field(
    agent: Client, territory: Territory, filled: Stream, query: str, field: str
) -> None:
    response = agent.get(f"/t/{territory.slug}/series/{filled.uuid}.json?{query}")
    assert (response.status_code, response.json()["field"]) == (422, field)
    assert response["Content-Type"] == "application/problem+json"


def test_another_territory_is_not_visible(agent: Client, territory: Territory) -> None:
    other = make_territory()
    foreign = make_stream(make_asset(other))
    record(foreign, [(AT, 1.0)])
    for url in (
        f"/t/{territory.slug}/series/{foreign.uuid}.json",
        f"/t/{territory.slug}/equipements/{foreign.asset.uuid}/export.csv",
        f"/t/{territory.slug}/series/export.csv?flux={foreign.uuid}",
        f"/t/{territory.slug}/series/export.csv?equipement={foreign.asset.uuid}",
        f"/t/{other.slug}/series/{foreign.uuid}.json",
    ):
        assert agent.get(url).status_code == 404, url
    sign_in(agent, make_agent(other))
    assert agent.get(f"/t/{other.slug}/series/{foreign.uuid}.json").status_code == 200


def test_a_role_limited_to_another_service_sees_no_series(
    client: Client, territory: Territory, filled: Stream
) -> None:
    limited = [("assets.see", "waste", None), ("series.export", "waste", None)]
    sign_in(client, make_agent(territory, verbs=(), grants=limited))
    base = f"/t/{territory.slug}"
    assert client.get(f"{base}/series/{filled.uuid}.json").status_code == 404
    assert client.get(f"{base}/series/export.csv?flux={filled.uuid}").status_code == 404
    assert client.get(f"{base}/equipements/{filled.asset.uuid}/export.csv").status_code == 404


def test_an_export_needs_its_verb(client: Client, territory: Territory, filled: Stream) -> None:
    sign_in(client, make_agent(territory, verbs=["assets.see"]))
    url = f"/t/{territory.slug}/equipements/{filled.asset.uuid}/export.csv"
    assert client.get(url).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_who_downloads_slowly_or_leaves_holds_nothing_of_the_database(client: Client) -> None:
    stream = make_stream(make_asset(make_territory()))
    record(stream, [(AT + timedelta(seconds=rank), 1.0) for rank in range(25_000)])
    sign_in(client, make_agent(stream.territory))
    url = f"/t/{stream.territory.slug}/equipements/{stream.asset.uuid}/export.csv"
    response = client.get(f"{url}?{DAY}&forme=international")
    parts = iter(response.streaming_content)  # type: ignore[attr-defined]  # a stream has them
    assert next(parts).startswith(b"\xef\xbb\xbf")
    assert not connection.in_atomic_block
    next(parts)
    assert not connection.in_atomic_block
    response.close()
    with pytest.raises(StopIteration):
        next(parts)
