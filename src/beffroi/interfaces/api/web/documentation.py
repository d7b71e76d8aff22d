"""The documentation, drawn from the OpenAPI document: read without script, tried with one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from beffroi.foundation.accounts.api import agent, public
from beffroi.foundation.accounts.contracts import Access
from beffroi.interfaces.api.client_writer import python_call
from beffroi.interfaces.api.declaring import DECLARED
from beffroi.interfaces.api.publication import VERSION, openapi
from beffroi.interfaces.api.web.words import SECTION_WORDS

EXAMPLE_TOWN = "montpellier"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One operation as the page shows it."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    right: str
    parameters: list[dict[str, Any]]
    fields: list[dict[str, Any]]
    forms: list[str]
    example: str
    curl: str
    python: str
    is_read: bool


@agent("assets.see")
@require_safe
def territory_documentation(request: HttpRequest, territory: str) -> HttpResponse:
    """Show the documentation with the town's own name, to be tried with the agent's session."""
    access = cast("Access", request.access)  # type: ignore[attr-defined]  # set by @agent
    keys = reverse("api_pages:keys", kwargs={"territory": territory})
    return _page(
        request,
        "agent.html",
        town=territory,
        with_session=True,
        keys_url=keys if "api.manage" in access.verbs else "",
    )


@public(reason="describes the interface; holds no data of any town")
@require_safe
def public_documentation(request: HttpRequest) -> HttpResponse:
    """Show the documentation to who writes a program."""
    return _page(request, "base.html", town=EXAMPLE_TOWN, with_session=False, keys_url="")


def _page(
    request: HttpRequest, layout: str, *, town: str, with_session: bool, keys_url: str
) -> HttpResponse:
    host = request.build_absolute_uri("/").rstrip("/")
    sections: dict[str, list[Shown]] = {}
    for path, methods in openapi()["paths"].items():
        for method, details in methods.items():
            shown = _shown(path, method, details, town=town, host=host)
            sections.setdefault(details["tags"][0], []).append(shown)
    context = {
        "layout": layout,
        "sections": [
            (f"section-{rank}", SECTION_WORDS.get(tag, tag), shown)
            for rank, (tag, shown) in enumerate(sections.items())
        ],
        "problem": _fields(openapi()["components"]["schemas"]["Problem"]),
        "version": VERSION,
        "host": host,
        "town": town,
        "with_session": with_session,
        "keys_url": keys_url,
        "document_url": reverse("api:openapi"),
    }
    return render(request, "api/documentation.html", context)


def _shown(path: str, method: str, details: dict[str, Any], *, town: str, host: str) -> Shown:
    known = DECLARED.get(details["operationId"])
    parameters = [
        {
            "name": one["name"],
            "where": one["in"],
            "required": one.get("required", False),
            "description": one.get("description", ""),
            "example": one.get("example", ""),
            "id": f"{details['operationId']}-{one['name']}",
            "value": town if one["name"] == "territory" else "",
            "kind": one["schema"].get("format") or one["schema"].get("type", ""),
        }
        for one in details["parameters"]
        if one["in"] in {"path", "query"}
    ]
    content = details["responses"].get("200", {}).get("content", {})
    example = content.get("application/json", {}).get("example")
    return Shown(
        id=details["operationId"],
        method=method.upper(),
        path=path,
        summary=details["summary"],
        description=details.get("description", "").partition("\n\nNeeds the right")[0],
        right="" if known is None else known.verb,
        parameters=parameters,
        fields=[] if known is None else _fields(known.resource.schema()),
        forms=list(content),
        example="" if example is None else json.dumps(example, indent=2, ensure_ascii=False),
        curl=_curl(path, method, parameters, host=host),
        python="" if known is None else python_call(details, town=town),
        is_read=method == "get" and known is not None,
    )


def _fields(schema: dict[str, Any]) -> list[dict[str, str]]:
    return [
        {
            "name": name,
            "kind": _kind(field),
            "description": field.get("description", ""),
        }
        for name, field in schema.get("properties", {}).items()
    ]


def _kind(field: dict[str, Any]) -> str:
    kinds = field.get("type", "")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    name = field.get("format") or next((kind for kind in kinds if kind != "null"), "")
    return f"{name}, {_('or null')}" if "null" in kinds else str(name)


def _curl(path: str, method: str, parameters: list[dict[str, Any]], *, host: str) -> str:
    filled, query = path, []
    for one in parameters:
        if one["where"] == "path" and one["value"]:
            filled = filled.replace("{" + one["name"] + "}", one["value"])
        elif one["where"] == "query" and one["required"]:
            query.append((one["name"], one["example"]))
    ending = f"?{urlencode(query)}" if query else ""
    verb = "" if method == "get" else f" -X {method.upper()}"
    return f"curl{verb} -H \"Authorization: Bearer $BEFFROI_KEY\" \\\n  '{host}{filled}{ending}'"
