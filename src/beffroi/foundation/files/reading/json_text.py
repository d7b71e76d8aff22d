"""Read GeoJSON in all its forms, and plain JSON lists of records."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from beffroi.foundation.files.reading.contracts import (
    FileKind,
    FileRefused,
    Finding,
    Findings,
    Limits,
    Problem,
    shown,
)
from beffroi.foundation.files.reading.crs import Declared, read_declared
from beffroi.foundation.files.reading.encodings import Encoding, find_encoding
from beffroi.foundation.files.reading.esri_json import esri_features
from beffroi.foundation.files.reading.geojson_shapes import is_shallow, safe_geometry
from beffroi.foundation.files.reading.geometries import from_geojson
from beffroi.foundation.files.reading.raw import RawTable, Record

_CHUNK = 500
_GEOMETRIES = frozenset(
    {
        "Point",
        "MultiPoint",
        "LineString",
        "MultiLineString",
        "Polygon",
        "MultiPolygon",
        "GeometryCollection",
    }
)
_NOT_A_NUMBER = re.compile(r"(?<=[:\[,\s])(?:-?Infinity|NaN)(?=[\s,\]}])")
_KEYS_LOOKED_AT = 20_000
_DEEPEST_LIST = 5


class _Top(msgspec.Struct):
    """The members of a document that say what it is; the rest stays as bytes."""

    type: Any = None
    features: list[msgspec.Raw] | None = None
    geometries: list[msgspec.Raw] | None = None
    crs: Any = None


class _Feature(msgspec.Struct):
    geometry: msgspec.Raw = msgspec.Raw(b"null")
    properties: dict[str, Any] | None = None
    id: Any = None


_top = msgspec.json.Decoder(_Top)
_feature = msgspec.json.Decoder(_Feature)
_list = msgspec.json.Decoder(list[msgspec.Raw])


def open_json(content: bytes, *, name: str, limits: Limits) -> RawTable:
    """Understand a JSON document.

    Raises:
        FileRefused: it is not JSON, or holds no records.
    """
    encoding = find_encoding(content)
    if (
        encoding.finding.value not in {"utf-8", "ascii"}
        or encoding.repair is not None
        or encoding.errors != "replace"
    ):
        content = encoding.decode(content).encode()
    features, crs = _features(content, name=name)
    if features is None:
        return _plain_json(content, encoding=encoding, name=name, limits=limits)
    if not features:
        raise FileRefused("no_rows", name=name)
    if len(features) > limits.rows:
        raise FileRefused("too_many_rows", name=name, limit=limits.rows)
    keys, late = _keys(features, name=name, limits=limits)
    names = list(keys)

    def records() -> Iterator[Record]:
        for start in range(0, len(features), _CHUNK):
            yield from _read(
                features[start : start + _CHUNK], first=start + 1, names=names, limits=limits
            )

    findings = Findings(
        kind=FileKind.GEOJSON,
        encoding=encoding.finding,
        header=Finding(about="header", value="", code="header_declared"),
        notes=encoding.notes + late,
    )
    return _raw(names, records, name=name, findings=findings, spatial=True, declared=_declared(crs))


def _raw(
    names: Sequence[str],
    records: Callable[[], Iterator[Record]],
    *,
    name: str,
    findings: Findings,
    spatial: bool,
    declared: Declared | None,
) -> RawTable:
    return RawTable(
        name=name,
        findings=findings,
        labels=tuple(names),
        keys=tuple(names),
        records=records,
        spatial=spatial,
        declared_crs=declared,
    )


def _features(content: bytes, *, name: str) -> tuple[list[bytes] | None, object]:
    """Return the encoded features of a GeoJSON document and its ``crs``, or ``None``."""
    try:
        top = _top.decode(content)
    except (msgspec.DecodeError, RecursionError) as error:
        return _other_forms(content, error=error, name=name), None
    if top.type == "Topology":
        raise FileRefused("json_topology", name=name)
    if top.features is not None:
        return _esri(top, content) or ([bytes(feature) for feature in top.features], top.crs)
    if top.type == "GeometryCollection" and top.geometries is not None:
        return [_as_feature(bytes(member)) for member in top.geometries], top.crs
    if top.type == "Feature":
        return [content], top.crs
    if isinstance(top.type, str) and top.type in _GEOMETRIES:
        return [_as_feature(content)], top.crs
    return None, None


def _esri(top: _Top, content: bytes) -> tuple[list[bytes], object] | None:
    if not top.features or b'"attributes"' not in bytes(top.features[0]):
        return None
    try:
        return esri_features(msgspec.json.decode(content))
    except (msgspec.DecodeError, RecursionError):
        return None


def _as_feature(geometry: bytes) -> bytes:
    return b'{"type":"Feature","geometry":' + geometry.strip() + b',"properties":{}}'


def _other_forms(content: bytes, *, error: Exception, name: str) -> list[bytes] | None:
    """Read one document to a line, a bare list of features, or JSON with ``NaN`` in it."""
    stripped = content.strip().strip(b"\x1e")
    if stripped.startswith(b"["):
        try:
            members = [bytes(member) for member in _list.decode(stripped)]
        except (msgspec.DecodeError, RecursionError):
            members = []
        if members and all(_is_feature(member) for member in members[:20]):
            return members
        if members:
            return None
    lines = [line.strip().strip(b"\x1e") for line in stripped.splitlines()]
    lines = [line for line in lines if line]
    if len(lines) > 1 and all(_is_object(line) for line in lines[:3]):
        if _is_feature(lines[0]):
            return lines
        return None
    text = content.decode("utf-8", "replace")
    if _NOT_A_NUMBER.search(text):
        return _features(_NOT_A_NUMBER.sub("null", text).encode(), name=name)[0]
    raise FileRefused("json_broken", name=name, detail=shown(str(error))) from error


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(line), dict)
    except (msgspec.DecodeError, RecursionError):
        return False


def _is_feature(line: bytes) -> bool:
    try:
        top = _top.decode(line)
    except (msgspec.DecodeError, RecursionError):
        return False
    return bool(top.type == "Feature")


def _decoded(feature: bytes) -> _Feature | None:
    try:
        return _feature.decode(feature)
    except (msgspec.DecodeError, RecursionError):
        return None


def _keys(
    features: list[bytes], *, name: str, limits: Limits
) -> tuple[dict[str, int], tuple[Finding, ...]]:
    """Return the union of the property names, in order of appearance."""
    keys: dict[str, int] = {}
    identified = 0
    for feature in features[:_KEYS_LOOKED_AT]:
        decoded = _decoded(feature)
        if decoded is None:
            continue
        identified += isinstance(decoded.id, str | int)
        for key in decoded.properties or {}:
            keys[key] = keys.get(key, 0) + 1
        if len(keys) > limits.columns:
            raise FileRefused("too_many_columns", name=name, limit=limits.columns)
    looked = min(len(features), _KEYS_LOOKED_AT)
    some = [key for key, count in keys.items() if count < looked]
    if identified and "id" not in keys and not _is_rank(features):
        keys = {"id": identified, **keys}
    late = tuple(
        Finding(about="header", value=key, code="keys_late", params={"column": shown(key)})
        for key in some[:5]
    )
    return keys, late


def _is_rank(features: list[bytes]) -> bool:
    """Tell whether the identifiers only count the features, as GDAL writes them."""
    found = [_decoded(feature) for feature in features[:3]]
    ranks = [one.id for one in found if one is not None]
    return ranks in ([0, 1, 2][: len(ranks)], [1, 2, 3][: len(ranks)])


def _read(
    features: list[bytes], *, first: int, names: list[str], limits: Limits
) -> Iterator[Record]:
    decoded = [_decoded(feature) for feature in features]
    texts: list[str | None] = []
    for one in decoded:
        raw = bytes(one.geometry).strip() if one is not None else b"null"
        good = raw != b"null" and is_shallow(raw, limits=limits)
        texts.append(raw.decode() if good else None)
    geometries = from_geojson(texts)
    for place, one in enumerate(decoded):
        number = first + place
        geometry, text = geometries[place], texts[place]
        if geometry is None and text is not None:
            # Often a ring left open: mend it and try once more.
            geometry = from_geojson([safe_geometry(text, limits=limits)])[0]
        problems: tuple[Problem, ...] = ()
        if one is None:
            problems = (
                _problem(number, code="row_unreadable", detail="it is not a GeoJSON feature"),
            )
            yield Record(number, (), None, problems)
            continue
        if geometry is None and bytes(one.geometry).strip() != b"null":
            problems = (_problem(number, code="geometry_broken", value=bytes(one.geometry)),)
        properties = one.properties or {}
        cells = [_cell(properties.get(key)) for key in names]
        if names and names[0] == "id" and "id" not in properties:
            cells[0] = _cell(one.id)
        yield Record(number, cells, geometry, problems)


def _problem(number: int, *, code: str, value: bytes = b"", detail: str = "") -> Problem:
    return Problem(
        row=number,
        column="",
        value=shown(value[:300].decode("utf-8", "replace")),
        code=code,
        params={"detail": detail},
        fatal=True,
    )


def _cell(value: object) -> object:
    if isinstance(value, dict | list):
        return msgspec.json.encode(value).decode()
    if isinstance(value, str):
        return value.replace("\x00", "")
    return value


def _declared(crs: object) -> Declared | None:
    """Read the ``crs`` member of GeoJSON 2008; without it RFC 7946 says WGS 84."""
    if isinstance(crs, dict):
        properties = crs.get("properties")
        name = properties.get("name") if isinstance(properties, dict) else None
        code = properties.get("code") if isinstance(properties, dict) else None
        text = name if isinstance(name, str) else f"EPSG:{code}" if code else ""
        declared = read_declared(text) if text else None
        if declared is not None:
            return declared
    standard = read_declared("EPSG:4326", label="WGS 84")
    return dataclasses.replace(standard, standard=True) if standard is not None else None


# --- plain JSON ------------------------------------------------------------------------------


def _plain_json(content: bytes, *, encoding: Encoding, name: str, limits: Limits) -> RawTable:
    """Read the longest list of objects found in the first levels of a document."""
    found = _longest_list(_load(content, name=name))
    if not found:
        raise FileRefused("json_no_table", name=name)
    if len(found) > limits.rows:
        raise FileRefused("too_many_rows", name=name, limit=limits.rows)
    rows = [_flat(one) for one in found]
    keys: dict[str, None] = {}
    for row in rows:
        keys.update(dict.fromkeys(row))
        if len(keys) > limits.columns:
            raise FileRefused("too_many_columns", name=name, limit=limits.columns)
    names = list(keys)

    def records() -> Iterator[Record]:
        for number, row in enumerate(rows, start=1):
            yield Record(number, [_cell(row.get(key)) for key in names], None)

    findings = Findings(
        kind=FileKind.JSON,
        encoding=encoding.finding,
        header=Finding(about="header", value="", code="header_declared"),
        notes=encoding.notes,
    )
    return _raw(names, records, name=name, findings=findings, spatial=False, declared=None)


def _load(content: bytes, *, name: str) -> object:
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError):
        pass
    lines = [line for line in content.splitlines() if line.strip()]
    try:
        if len(lines) > 1:
            return [msgspec.json.decode(line) for line in lines]
    except (msgspec.DecodeError, RecursionError):
        pass
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise FileRefused("json_broken", name=name, detail=shown(str(error))) from error


def _longest_list(document: object) -> list[dict[str, object]]:
    best: list[dict[str, object]] = []
    level: list[object] = [document]
    for _ in range(_DEEPEST_LIST):
        inner: list[object] = []
        for one in level:
            if isinstance(one, list):
                objects = [member for member in one if isinstance(member, dict)]
                if len(objects) == len(one) and len(objects) > len(best):
                    best = objects
            elif isinstance(one, dict):
                inner += one.values()
        level = inner
    return best


def _flat(row: dict[str, object]) -> dict[str, object]:
    """Bring the members of inner objects up one level: ``address.street`` becomes a column.

    A record of an Opendatasoft portal has its own fields under ``fields``: they are the row.
    """
    fields = row.get("fields")
    if "recordid" in row and isinstance(fields, dict):
        row = {**fields, **({"geometry": row["geometry"]} if "geometry" in row else {})}
    flat: dict[str, object] = {}
    for key, value in row.items():
        if isinstance(value, dict) and value.get("type") not in _GEOMETRIES:
            flat.update({f"{key}.{inner}": held for inner, held in value.items()})
        else:
            flat[key] = value
    return flat
