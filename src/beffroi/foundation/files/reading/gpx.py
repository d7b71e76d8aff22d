"""Read the points, routes and tracks of a GPS receiver. Format: GPX 1.1 (Topografix, 2004).

Entities are refused (defusedxml), links are not followed, extensions are not read.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

import numpy as np
import shapely
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse
from shapely.errors import ShapelyError
from shapely.geometry.base import BaseGeometry

from beffroi.foundation.files.reading.contracts import (
    FileKind,
    FileRefused,
    Finding,
    Findings,
    Limits,
    Problem,
    shown,
)
from beffroi.foundation.files.reading.crs import read_declared
from beffroi.foundation.files.reading.raw import RawTable, Record

_OBJECTS = frozenset({"wpt", "rte", "trk"})
_FIELDS = ("name", "desc", "cmt", "type", "sym", "ele", "time")
_DEEPEST = 50


def open_gpx(content: bytes, *, name: str, limits: Limits) -> RawTable:
    """Understand a GPX document.

    Raises:
        FileRefused: it is not valid XML, holds nothing or too much.
    """
    used: dict[str, None] = {}
    count = 0
    for element in _objects(content, name=name):
        count += 1
        used.update(dict.fromkeys(_properties(element)))
        if count > limits.rows:
            raise FileRefused("too_many_rows", name=name, limit=limits.rows)
    if not count:
        raise FileRefused("no_rows", name=name)
    names = tuple(field for field in _FIELDS if field in used)

    def records() -> Iterator[Record]:
        for number, element in enumerate(_objects(content, name=name), start=1):
            yield _record(number, element, names=names)

    return RawTable(
        name=name,
        findings=Findings(
            kind=FileKind.GPX,
            encoding=Finding(about="encoding", value="xml", code="encoding_declared"),
            header=Finding(about="header", value="", code="header_declared"),
        ),
        labels=names,
        keys=names,
        records=records,
        spatial=True,
        declared_crs=read_declared("EPSG:4326", label="WGS 84"),
    )


def _objects(content: bytes, *, name: str) -> Iterator[Element]:
    """Give each point, route and track once it is complete, and forget it afterwards."""
    depth = 0
    root: Element | None = None
    try:
        for event, element in iterparse(io.BytesIO(content), events=("start", "end")):
            if event == "start":
                root = element if root is None else root
                depth += 1
                if depth > _DEEPEST:
                    raise FileRefused("xml_broken", name=name, detail="it nests too deep")
                continue
            depth -= 1
            if depth != 1:
                continue
            if _local(element) in _OBJECTS:
                yield element
            if root is not None:
                root.remove(element)
    except DefusedXmlException as error:
        raise FileRefused("xml_forbidden", name=name) from error
    except (ParseError, ValueError, LookupError) as error:
        raise FileRefused("xml_broken", name=name, detail=shown(str(error))) from error


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _properties(element: Element) -> dict[str, str]:
    return {
        tag: (child.text or "").strip() for child in element if (tag := _local(child)) in _FIELDS
    }


def _record(number: int, element: Element, *, names: tuple[str, ...]) -> Record:
    properties = _properties(element)
    geometry: BaseGeometry | None = None
    problems: tuple[Problem, ...] = ()
    try:
        with np.errstate(all="ignore"):
            geometry = _geometry(element)
    except (KeyError, TypeError, ValueError, ShapelyError):
        problems = (Problem(row=number, column="", value="", code="geometry_broken", fatal=True),)
    return Record(number, [properties.get(key) for key in names], geometry, problems)


def _geometry(element: Element) -> BaseGeometry:
    kind = _local(element)
    if kind == "wpt":
        return shapely.Point(_place(element))
    if kind == "rte":
        return shapely.LineString([_place(one) for one in element if _local(one) == "rtept"])
    lines = [
        shapely.LineString(places)
        for segment in element
        if _local(segment) == "trkseg"
        and len(places := [_place(one) for one in segment if _local(one) == "trkpt"]) > 1
    ]
    return lines[0] if len(lines) == 1 else shapely.MultiLineString(lines)


def _place(element: Element) -> tuple[float, float]:
    return float(element.attrib["lon"]), float(element.attrib["lat"])
