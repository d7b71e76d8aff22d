"""The API as a whole: its addresses, and the OpenAPI document that describes them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from ninja import NinjaAPI

from beffroi.foundation.accounts.api import public
from beffroi.interfaces.api.declaring import DECLARED, Declared
from beffroi.interfaces.api.edge import edge, nowhere
from beffroi.interfaces.api.negotiation import Form
from beffroi.interfaces.api.operations import declared, measured, things, towns
from beffroi.interfaces.api.problems import PROBLEM
from beffroi.interfaces.api.resources import RESOURCES

VERSION = "1.0.0"
ROOT = "/api/v1"
DESCRIPTION = """Reads the live city of a territory: its assets, what is measured on them, now and \
through time.

Every request shows a key: `Authorization: Bearer bff_…`. A key reads one territory, some rights, \
and as much a minute as it was given. Lists come in pages: follow `next`, or the header \
`Link: rel="next"`. The header `Accept` chooses the form. Every error is a problem (RFC 9457)."""
ERRORS = {
    401: "No key, or one that is unknown, revoked or expired.",
    403: "The key does not hold the right that this needs.",
    404: "There is no such thing, or not for this key.",
    406: "None of the accepted forms is given here.",
    422: "A parameter cannot be read; the problem names it.",
    429: "The key has used up its minute; Retry-After says when it may ask again.",
    503: "The database does not answer; Retry-After says when to ask again.",
}
HEADERS = {
    "ETag": "Changes when the answer does; send it back as If-None-Match to be answered 304.",
    "RateLimit-Limit": "Requests that the key may make in a minute.",
    "RateLimit-Remaining": "Requests left.",
    "RateLimit-Reset": "Seconds until all of them are back.",
}


PATH_WORDS = {
    "territory": "Name of the territory in addresses.",
    "asset": "Identifier of the asset.",
    "device": "Identifier of the device.",
    "source": "Identifier of the source.",
    "stream": "Identifier of the stream.",
    "domain": "Key of the urban service.",
    "indicator": "Key of the indicator.",
}


class PublishedApi(NinjaAPI):
    """Operations found by ninja, called through our edge."""

    def on_exception(self, request: HttpRequest, exc: Any) -> HttpResponse:
        """Leave every error to the edge, which ends the transaction and tells it."""
        del request
        raise exc

    def addresses(self) -> Iterator[URLPattern]:
        """Give the addresses of the operations, below the root."""
        for router in self._get_bound_routers():
            for template, view in router.path_operations.items():
                # Ninja has a converter of its own for identifiers; Django's says the same.
                route = f"{router.prefix}{template}".strip("/").replace("{uuidstr:", "{uuid:")
                methods = frozenset(method for one in view.operations for method in one.methods)
                # Of several methods, each operation looks at its own parameters.
                names = _query_names(view.operations[0]) if len(view.operations) == 1 else None
                yield path(
                    route.replace("{", "<").replace("}", ">"),
                    edge(view.get_view(), methods=methods, parameters=names),
                    name=view.url_name or route,
                )


def _query_names(operation: Any) -> frozenset[str]:
    return frozenset(
        name
        for model in operation.models
        if model.__ninja_param_source__ == "query"
        for name in model.__ninja_flatten_map__
    )


@cache
def api() -> PublishedApi:
    """Return the API, made once."""
    made = PublishedApi(
        title="Beffroi",
        version=VERSION,
        description=DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        urls_namespace="api",
    )
    for router in (
        towns.router,
        things.router,
        things.sources_router,
        measured.router,
        declared.router,
        declared.catalogue_router,
    ):
        made.add_router("", router)
    return made


@cache
def openapi() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document."""
    found: dict[str, Any] = msgspec.json.decode(
        msgspec.json.encode(dict(api().get_openapi_schema(path_prefix=f"{ROOT[1:]}/")))
    )
    found["openapi"] = "3.1.0"
    found["jsonSchemaDialect"] = "https://json-schema.org/draft/2020-12/schema"
    found["info"]["license"] = {
        "name": "AGPL-3.0-or-later",
        "identifier": "AGPL-3.0-or-later",
    }
    found["servers"] = [{"url": "/", "description": "This installation."}]
    found["security"] = [{"key": []}, {"keyHeader": []}]
    components = found.setdefault("components", {})
    components["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "A key of the territory."},
        "keyHeader": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    schemas = components.setdefault("schemas", {})
    schemas |= {resource.name: resource.schema() for resource in RESOURCES}
    schemas["Problem"] = problem_schema()
    for methods in found["paths"].values():
        for details in methods.values():
            known = DECLARED.get(details["operationId"])
            if known is not None:
                _describe(details, known)
            _describe_errors(details)
    return found


def _describe(details: dict[str, Any], known: Declared) -> None:
    resource = known.resource
    if known.verb:
        details["description"] = f"{details['description']}\n\nNeeds the right `{known.verb}`."
        details["x-beffroi-right"] = known.verb
    for parameter in details["parameters"]:
        _describe_parameter(parameter)
        if parameter["name"] == "fields":
            names = ", ".join(f"`{name}`" for name in resource.names)
            parameter["description"] += f" Known: {names}."
            parameter["example"] = ",".join(resource.names[:2])
            parameter["schema"].pop("examples", None)
    details["responses"] = {
        "200": {
            "description": f"{resource.plural if known.is_list else resource.name}.",
            "headers": {
                name: {"description": text, "schema": {"type": "string"}}
                for name, text in HEADERS.items()
            }
            | (
                {"Link": {"description": "The next page.", "schema": {"type": "string"}}}
                if known.is_list
                else {}
            ),
            "content": {form.media_type: _content(form, known) for form in known.forms},
        },
        "304": {"description": "Nothing has changed since the ETag that was sent."},
    }
    details["parameters"].append(
        {
            "in": "header",
            "name": "If-None-Match",
            "required": False,
            "schema": {"type": "string"},
            "description": "ETag of a former answer.",
        }
    )


def _describe_parameter(parameter: dict[str, Any]) -> None:
    schema = parameter["schema"]
    # A parameter that is not sent is not null: that branch is pydantic's, not ours.
    for branch in schema.pop("anyOf", []):
        if branch.get("type") != "null":
            schema |= branch
    for word in ("title", "description", "default"):
        if schema.get(word) is None or word != "default":
            schema.pop(word, None)
    parameter.pop("examples", None)
    if examples := schema.get("examples"):
        parameter["example"] = examples[0]
    if parameter["in"] == "path":
        parameter["description"] = PATH_WORDS[parameter["name"]]
        if parameter["name"] == "territory":
            parameter["example"] = "montpellier"


def _content(form: Form, known: Declared) -> dict[str, Any]:
    resource = known.resource
    one = {"$ref": f"#/components/schemas/{resource.name}"}
    match form:
        case Form.JSON if known.is_list:
            return {
                "schema": resource.page_schema(),
                "example": {"items": [resource.example()], "next": None},
            }
        case Form.JSON:
            return {"schema": one, "example": resource.example()}
        case Form.NDJSON:
            return {"schema": {"type": "string", "description": "One object a line."}}
        case Form.CSV:
            return {
                "schema": {
                    "type": "string",
                    "description": "RFC 4180: commas, UTF-8, a first line of names.",
                }
            }
        case Form.PARQUET:
            return {
                "schema": {"type": "string", "format": "binary", "description": "Parquet, zstd."}
            }
        case _:
            kind = "FeatureCollection" if known.is_list else "Feature"
            return {
                "schema": {
                    "type": "object",
                    "description": "GeoJSON (RFC 7946).",
                    "properties": {"type": {"const": kind}},
                    "required": ["type"],
                }
            }


def _describe_errors(details: dict[str, Any]) -> None:
    problem = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    responses = details.setdefault("responses", {})
    for status, text in ERRORS.items():
        responses.setdefault(str(status), {"description": text, "content": problem})
    for waits in ("429", "503"):
        responses[waits].setdefault(
            "headers",
            {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}},
        )


def problem_schema() -> dict[str, Any]:
    """Return the schema of an error."""
    text = {"type": "string"}
    return {
        "type": "object",
        "description": "Problem details (RFC 9457).",
        "properties": {
            "type": {**text, "format": "uri-reference", "description": "What kind of problem."},
            "title": {**text, "description": "The kind in words."},
            "status": {"type": "integer", "description": "The HTTP status."},
            "detail": {**text, "description": "What is wrong with this request."},
            "code": {**text, "description": "Stable name of the kind, never translated."},
            "instance": {**text, "description": "The address that was asked."},
            "field": {**text, "description": "The parameter that cannot be accepted."},
            "value": {"description": "What it was."},
            "way_out": {**text, "description": "What to do next."},
        },
        "required": ["type", "title", "status", "detail", "code", "instance"],
        "additionalProperties": False,
    }


@public(reason="describes the interface; holds no data of any town")
def document(request: HttpRequest) -> HttpResponseBase:
    """Publish the OpenAPI document; any page may read it."""

    def view(inner: HttpRequest) -> HttpResponseBase:
        del inner
        response = HttpResponse(msgspec.json.encode(openapi()), content_type="application/json")
        response.headers["Cache-Control"] = "public, max-age=300"
        response.headers["Access-Control-Allow-Origin"] = "*"
        return response

    return edge(view, methods=frozenset({"GET"}), parameters=frozenset())(request)


document.csrf_exempt = True  # type: ignore[attr-defined]  # any method is answered


def urlpatterns() -> list[URLPattern]:
    """Return every address below ``/api/``; whatever is not one of ours is told as a problem."""
    return [
        path("v1/openapi.json", document, name="openapi"),
        *(_rooted(pattern) for pattern in api().addresses()),
        path("", nowhere, name="api_root"),
        path("<path:rest>", nowhere, name="api_nowhere"),
    ]


def _rooted(pattern: URLPattern) -> URLPattern:
    return path(f"v1/{pattern.pattern}", pattern.callback, name=pattern.name)
