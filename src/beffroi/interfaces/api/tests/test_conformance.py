"""Every operation of the published document, asked well and badly, answers as it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import URLPattern, get_resolver
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beffroi.interfaces.api.declaring import DECLARED
from beffroi.interfaces.api.edge import edge
from beffroi.interfaces.api.publication import api, openapi
from beffroi.interfaces.api.resources import RESOURCES
from beffroi.interfaces.api.testing import bearer
from beffroi.interfaces.api.tests.conftest import Ask, Town
from beffroi.interfaces.api.tests.schema_check import faults

pytestmark = pytest.mark.django_db

HOSTILE = (
    "", "\x00", "a\x00b", "-1", "0", "1e9", "99999999999999999999", "NaN", "null", "[]", "é" * 300,
    "' OR 1=1 --", "%", "_", "../../etc/passwd", "1,2", "1,2,3,4", "180,90,-180,-90",
    "nan,nan,nan,nan", "1e300,0,1,1", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    "2026-03-29T08:30:00", "2026-13-45T99:99:99Z", "\ud800", "🚲", "x" * 5_000, "a,b,c,d,e,f",
    "00000000-0000-0000-0000-000000000000", "W10", "WyJhIl0", "bnVsbA", "MTIz", "true",
)  # fmt: skip
REQUIRED = {
    "start": "2026-03-01T00:00:00Z",
    "end": "2026-04-01T00:00:00Z",
    "type": "lighting_cabinet",
}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in openapi()["paths"].items():
        for method, details in methods.items():
            yield path, method, details


READS = [
    pytest.param(path, details, id=details["operationId"])
    for path, method, details in operations()
    if method == "get" and details["operationId"] in DECLARED
]


def filled(path: str, town: Town) -> str:
    names = {
        "territory": town.territory.slug,
        "asset": town.cabinet.uuid,
        "device": town.device.uuid,
        "source": "00000000-0000-0000-0000-000000000000",
        "stream": town.stream.uuid,
        "domain": "street_lighting",
        "indicator": "light_points_per_thousand",
    }
    return re.sub(r"\{(\w+)\}", lambda found: str(names[found[1]]), path)


def query_of(details: dict[str, Any], **others: str) -> str:
    asked = {
        parameter["name"]: REQUIRED[parameter["name"]]
        for parameter in details["parameters"]
        if parameter["in"] == "query" and parameter["required"]
    } | others
    return "&".join(f"{name}={quote(value, errors='replace')}" for name, value in asked.items())


def check(answer: Any, details: dict[str, Any]) -> None:
    """Hold an answer to the document."""
    declared = details["responses"].get(str(answer.status_code))
    assert declared is not None, (answer.status_code, answer.content[:300])
    if answer.status_code == 304:
        return
    kind = answer["Content-Type"].partition(";")[0]
    content = declared["content"][kind]
    if kind.endswith("json") and not kind.endswith("ndjson"):
        assert faults(answer.json(), content["schema"], openapi()) == []


@pytest.mark.parametrize(("path", "details"), READS)
def test_an_operation_answers_as_the_document_says(
    ask: Ask, town: Town, path: str, details: dict[str, Any]
) -> None:
    url = f"{filled(path, town)}?{query_of(details)}"
    for kind in details["responses"]["200"]["content"]:
        answer = ask(url, Accept=kind)
        if answer.status_code == 200:
            assert answer["Content-Type"].partition(";")[0] == kind
        if not answer.streaming:
            check(answer, details)
    for parameter in details["parameters"]:
        if parameter["in"] == "query" and "example" in parameter:
            more = query_of(details, **{parameter["name"]: str(parameter["example"])})
            answer = ask(f"{filled(path, town)}?{more}")
            assert answer.status_code in {200, 404}, (parameter["name"], answer.content)
            check(answer, details)


@pytest.mark.parametrize(("path", "details"), READS)
def test_what_makes_no_sense_is_told_as_a_problem(
    ask: Ask, town: Town, path: str, details: dict[str, Any]
) -> None:
    for parameter in details["parameters"]:
        if parameter["in"] != "query":
            continue
        for value in HOSTILE:
            query = query_of(details, **{parameter["name"]: value})
            answer = ask(f"{filled(path, town)}?{query}")
            assert answer.status_code < 500, (parameter["name"], value, answer.content)
            if answer.status_code == 422:
                assert answer.json()["field"] == parameter["name"], (value, answer.json())
                assert answer.json()["title"]
            check(answer, details)
    unknown = ask(f"{filled(path, town)}?{query_of(details, colour='x')}")
    assert (unknown.status_code, unknown.json()["field"]) == (422, "colour")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=60), rank=st.integers(0, 10_000))
def test_any_text_in_any_parameter_is_answered(ask: Ask, town: Town, text: str, rank: int) -> None:
    every = [
        (path, details, parameter["name"])
        for path, method, details in operations()
        for parameter in details["parameters"]
        if method == "get" and parameter["in"] == "query" and details["operationId"] in DECLARED
    ]
    path, details, name = every[rank % len(every)]
    answer = ask(f"{filled(path, town)}?{query_of(details, **{name: text})}")
    assert answer.status_code < 500
    check(answer, details)


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_other_methods_are_refused(ask: Ask, method: str) -> None:
    answer = ask("/assets", method=method)
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD, OPTIONS")
    assert faults(answer.json(), {"$ref": "#/components/schemas/Problem"}, openapi()) == []


@pytest.mark.parametrize(
    "path", ["/api/", "/api/v1", "/api/v2/territories", "/api/v1/territories/x/assets/7", "/api/é"]
)
def test_no_page_is_ever_answered_below_api(ask: Ask, path: str) -> None:
    answer = ask(path)
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert faults(answer.json(), {"$ref": "#/components/schemas/Problem"}, openapi()) == []


def test_what_django_refuses_by_itself_is_a_problem_too(client: Client, ask: Ask) -> None:
    assert ask("/assets").status_code == 200
    answer = client.get("/api/v1/territories", headers={"Host": "ailleurs.example"})
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")


@pytest.mark.parametrize(
    ("error", "status"), [(RuntimeError("secret"), 500), (OperationalError("gone"), 503)]
)
def test_a_failure_says_nothing_of_the_inside(
    client: Client, rf: Any, error: Exception, status: int
) -> None:
    def view(request: Any) -> Any:
        del request
        raise error

    del client
    answer = edge(view, methods=frozenset({"GET"}), parameters=frozenset())(rf.get("/api/v1/x"))
    assert answer.status_code == status
    assert b"secret" not in answer.content  # type: ignore[attr-defined]  # not a stream
    assert ("Retry-After" in answer.headers) == (status == 503)


def test_the_document_is_whole(client: Client) -> None:
    document = client.get("/api/v1/openapi.json")
    found = document.json()
    assert found["openapi"] == "3.1.0"
    assert found["info"]["version"] == "1.0.0"
    assert document["Access-Control-Allow-Origin"] == "*"
    identifiers = [details["operationId"] for _path, _method, details in operations()]
    assert len(identifiers) == len(set(identifiers))
    for path, _method, details in operations():
        assert details["summary"], path
        assert details["description"], path
        assert details["tags"], path
        assert {"401", "403", "404", "422", "429", "503"} <= set(details["responses"])
        for parameter in details["parameters"]:
            assert parameter.get("description"), (path, parameter["name"])
            assert not isinstance(parameter.get("examples"), list)
    for resource in RESOURCES:
        assert faults(resource.example(), resource.schema(), found) == [], resource.name


def test_every_address_of_the_url_conf_is_in_the_document() -> None:
    routes = {
        str(pattern.pattern) for pattern in api().addresses() if isinstance(pattern, URLPattern)
    }
    told = {path.removeprefix("/api/v1/") for path in openapi()["paths"]}
    assert {re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route) for route in routes} == told
    assert get_resolver().resolve("/api/v1/territories/x/assets").kwargs == {"territory": "x"}


def test_what_contradicts_the_document_is_found() -> None:
    schema = {"$ref": "#/components/schemas/Asset"}
    assert faults({"id": 7}, schema, openapi())
    assert faults({"id": "not-one"}, schema, openapi())
    assert faults({"colour": "red"}, schema, openapi())
    assert faults({"updated_at": "yesterday"}, schema, openapi())
    assert faults({"state": "broken"}, schema, openapi())
    assert faults({"items": []}, RESOURCES[0].page_schema(), openapi())
    assert bearer("x")
