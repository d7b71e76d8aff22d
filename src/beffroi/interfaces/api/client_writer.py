"""Writes a Python client from the OpenAPI document: one typed module, nothing but Python.

Each operation is a method; each schema a ``TypedDict``. A list is an iterator that follows the
pages. Errors are problems with their fields; 429 and 503 are asked again after ``Retry-After``.
"""

from __future__ import annotations

import keyword
import re
from typing import Any

MODULE = "beffroi_client.py"

_HEAD = '''"""Client of the Beffroi API, version {version}.

Written from the OpenAPI document by ``beffroi api client``: do not change it, write it again.
It needs Python 3.11 or later and nothing else.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypedDict, cast
from urllib.parse import quote, urlencode, urljoin

VERSION = "{version}"
TRIES = 5
LONGEST_WAIT_S = 60.0
TIMEOUT_S = 60.0


class Problem(Exception):
    """What the server says when it cannot answer (RFC 9457).

    Attributes:
        status: of HTTP.
        code: stable name of the kind.
        detail: a sentence.
        field: the parameter that cannot be accepted, or an empty text.
        way_out: what to do next, or an empty text.
    """

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        self.status = status
        self.code = str(body.get("code", ""))
        self.title = str(body.get("title", ""))
        self.detail = str(body.get("detail", ""))
        self.field = str(body.get("field", ""))
        self.way_out = str(body.get("way_out", ""))
        super().__init__(f"{{status}} {{self.code}}: {{self.detail}}")

'''

_CORE = '''

class Client:
    """Reads a city.

    Args:
        base_url: the installation, as ``https://ville.exemple.fr``.
        key: a key of the town.
        language: ``fr`` or ``en``, of labels and errors.
        wait: how to wait before asking again.
    """

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        language: str = "fr",
        timeout_s: float = TIMEOUT_S,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._base_url = base_url.rstrip("/") + "/"
        self._key = key
        self._language = language
        self._timeout_s = timeout_s
        self._wait = wait

    def octets(
        self, path: str, query: Mapping[str, Any] | None = None, *, accept: str = "application/json"
    ) -> bytes:
        """Return an answer as it is, in any form: ``text/csv``, ``application/x-ndjson``…

        Raises:
            Problem: the server refuses, or does not answer after some tries.
        """
        url = urljoin(self._base_url, path)
        if not url.startswith(self._base_url):
            raise ValueError(f"{url} is not of {self._base_url}")
        given = (query or {}).items()
        asked = {name: _written(value) for name, value in given if value is not None}
        if asked:
            url = f"{url}?{urlencode(asked)}"
        headers = {
            "Authorization": f"Bearer {self._key}",
            "Accept": accept,
            "Accept-Language": self._language,
            "User-Agent": f"beffroi-client/{VERSION}",
        }
        for left in range(TRIES - 1, -1, -1):
            request = urllib.request.Request(url, headers=headers)
            try:
                with urllib.request.urlopen(request, timeout=self._timeout_s) as answer:
                    return cast("bytes", answer.read())
            except urllib.error.HTTPError as error:
                with error:
                    body = error.read()
                if error.code not in (429, 503) or left == 0:
                    raise Problem(error.code, _problem(body)) from None
                self._wait(_seconds(error.headers.get("Retry-After")))
        raise AssertionError("the last try answers or raises")

    def _one(self, path: str, query: Mapping[str, Any]) -> Any:
        return json.loads(self.octets(path, query))

    def _pages(self, path: str, query: Mapping[str, Any]) -> Iterator[Any]:
        page = self._one(path, query)
        yield from page["items"]
        while page["next"]:
            page = self._one(page["next"], {})
            yield from page["items"]
'''

_TAIL = """

def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _problem(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {"detail": body[:200].decode(errors="replace")}
    return found if isinstance(found, dict) else {}


def _seconds(header: str | None) -> float:
    try:
        return min(LONGEST_WAIT_S, max(0.0, float(header or 1)))
    except ValueError:
        return 1.0
"""

_PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}
_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


def client_module(document: dict[str, Any]) -> str:
    """Return the text of the module."""
    parts = [_HEAD.format(version=document["info"]["version"])]
    schemas = document["components"]["schemas"]
    reads = [
        (path, details)
        for path, methods in document["paths"].items()
        for method, details in methods.items()
        if method == "get" and _result(details) is not None
    ]
    wanted = {result[0] for _path, details in reads if (result := _result(details))}
    parts += [_typed_dict(name, schemas[name]) for name in schemas if name in wanted]
    parts.append(_CORE)
    parts += [_method(path, details) for path, details in reads]
    parts.append(_TAIL)
    return "".join(parts)


def python_call(details: dict[str, Any], *, town: str) -> str:
    """Return an example of one operation with the client."""
    result = _result(details)
    if result is None:
        return ""
    values = []
    for one in _ordered(details):
        if one["in"] == "path":
            values.append(repr(town) if one["name"] == "territory" else f'"…{one["name"]}…"')
        elif one.get("required"):
            values.append(f'{_name(one["name"])}="{one.get("example", "")}"')
    call = f"client.{method_name(details['operationId'])}({', '.join(values)})"
    begin = 'from beffroi_client import Client\n\nclient = Client("https://…", key)\n'
    return begin + (f"for one in {call}:\n    print(one)" if result[1] else f"print({call})")


def method_name(operation_id: str) -> str:
    """Return the Python name of an operation."""
    return _CAPITAL.sub("_", operation_id).lower()


def _result(details: dict[str, Any]) -> tuple[str, bool] | None:
    """Return the schema that an operation gives, and whether it gives a list of them."""
    content = details["responses"].get("200", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    items = schema.get("properties", {}).get("items", {}).get("items", {})
    reference = schema.get("$ref") or items.get("$ref")
    if reference is None:
        return None
    return reference.rpartition("/")[2], "$ref" not in schema


def _typed_dict(name: str, schema: dict[str, Any]) -> str:
    # Which fields are there depends on ``fields``: none is certain.
    lines = [f"\n\nclass {name}(TypedDict, total=False):\n", f'    """{_line(schema)}"""\n\n']
    for field, details in schema["properties"].items():
        lines.append(f"    {field}: {_type(details)}\n")
        lines.append(f'    """{_line(details)}"""\n')
    return "".join(lines)


def _method(path: str, details: dict[str, Any]) -> str:
    result = _result(details)
    if result is None:
        raise ValueError(path)
    name, is_list = result
    ordered = _ordered(details)
    inside = [one for one in ordered if one["in"] == "path"]
    asked = [
        one
        for one in ordered
        # An iterator follows the pages by itself.
        if one["in"] == "query" and not (is_list and one["name"] == "cursor")
    ]
    lines = [f"\n    def {method_name(details['operationId'])}(\n        self,\n"]
    lines += [f"        {_name(one['name'])}: str,\n" for one in inside]
    if asked:
        lines.append("        *,\n")
    for one in asked:
        kind = _type(one["schema"])
        lines.append(
            f"        {_name(one['name'])}: {kind},\n"
            if one.get("required")
            else f"        {_name(one['name'])}: {kind} | None = None,\n"
        )
    gives = f"Iterator[{name}]" if is_list else name
    lines.append(f"    ) -> {gives}:\n")
    lines.append(f'        """{details["summary"]}.\n\n')
    described = " ".join(details.get("description", "").split())
    lines.append(f"        {described}\n")
    if inside or asked:
        lines.append("\n        Args:\n")
        lines += [f"            {_name(one['name'])}: {_line(one)}\n" for one in [*inside, *asked]]
    lines.append('        """\n')
    template = path.lstrip("/")
    for one in inside:
        safe = f"quote({_name(one['name'])}, safe='')"
        template = template.replace("{" + one["name"] + "}", "{" + safe + "}")
    quoted = f'f"{template}"' if inside else f'"{template}"'
    pairs = ", ".join(f'"{one["name"]}": {_name(one["name"])}' for one in asked)
    call = "_pages" if is_list else "_one"
    lines.append(f"        path = {quoted}\n")
    lines.append(f'        return cast("{gives}", self.{call}(path, {{{pairs}}}))\n')
    return "".join(lines)


def _ordered(details: dict[str, Any]) -> list[dict[str, Any]]:
    known = [one for one in details["parameters"] if one["in"] in {"path", "query"}]
    return sorted(known, key=lambda one: (one["in"] != "path", not one.get("required", False)))


def _type(schema: dict[str, Any]) -> str:
    kinds = schema.get("type", "object")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    found = []
    for kind in kinds:
        match kind:
            case "null":
                found.append("None")
            case "array":
                found.append(f"list[{_type(schema.get('items', {}))}]")
            case "object":
                found.append("dict[str, Any]")
            case _:
                found.append(_PLAIN[kind])
    return " | ".join(found)


def _name(text: str) -> str:
    return f"{text}_" if keyword.iskeyword(text) else text


def _line(details: dict[str, Any]) -> str:
    text = " ".join(str(details.get("description", "")).split())
    return text.replace("\\", "\\\\").replace('"""', "'''")
