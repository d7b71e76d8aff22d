"""Whether a value is what a JSON Schema says: as much of it as our document uses."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

KINDS: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}
KNOWN = {
    "type", "properties", "required", "additionalProperties", "items", "$ref", "enum", "const",
    "format", "description", "examples", "example", "title", "default", "minimum", "maximum",
    "maxLength",
}  # fmt: skip
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")


def faults(value: Any, schema: dict[str, Any], root: dict[str, Any], at: str = "$") -> list[str]:
    """Return what contradicts the schema; an unknown word of the schema is a fault too."""
    if "$ref" in schema:
        target: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return faults(value, target, root, at)
    found = [f"{at}: unknown word {word}" for word in schema if word not in KNOWN]
    kinds = schema.get("type")
    allowed = [kinds] if isinstance(kinds, str) else kinds
    if allowed is not None and not any(_is(value, kind) for kind in allowed):
        return [*found, f"{at}: {value!r} is not {kinds}"]
    found += _values(value, schema, at)
    if isinstance(value, list) and "items" in schema:
        for rank, item in enumerate(value):
            found += faults(item, schema["items"], root, f"{at}[{rank}]")
    if isinstance(value, dict):
        found += _members(value, schema, root, at)
    return found


def _values(value: Any, schema: dict[str, Any], at: str) -> list[str]:
    found = []
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{at}: {value!r} is not one of {schema['enum']}")
    if "const" in schema and value != schema["const"]:
        found.append(f"{at}: {value!r} is not {schema['const']}")
    if isinstance(value, str):
        found += _format(value, schema.get("format", ""), at)
    return found


def _members(
    value: dict[str, Any], schema: dict[str, Any], root: dict[str, Any], at: str
) -> list[str]:
    known = schema.get("properties", {})
    found = [f"{at}: no {name}" for name in schema.get("required", ()) if name not in value]
    for name, item in value.items():
        if name in known:
            found += faults(item, known[name], root, f"{at}.{name}")
        elif schema.get("additionalProperties") is False:
            found.append(f"{at}: {name} is not declared")
    return found


def _is(value: Any, kind: str) -> bool:
    if kind in {"integer", "number"} and isinstance(value, bool):
        return False
    return isinstance(value, KINDS[kind])


def _format(value: str, name: str, at: str) -> list[str]:
    if name == "uuid":
        try:
            UUID(value)
        except ValueError:
            return [f"{at}: {value!r} is no UUID"]
    if name == "date-time" and not _INSTANT.fullmatch(value):
        return [f"{at}: {value!r} is no instant"]
    return []
