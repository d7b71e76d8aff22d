"""Read KML placemarks, element by element.

Entities are refused (defusedxml), links are not followed, styles are not read.
Format: OGC 12-007r2, KML 2.3; older Google namespaces are read the same way.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any
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

_TAG = re.compile(r"<[^>]{0,500}>")
_DEEPEST = 100


def open_kml(content: bytes, *, name: str, limits: Limits) -> RawTable:
    """Understand a KML document.

    Raises:
        FileRefused: it is not KML, or not valid XML.
    """
    keys: dict[str, None] = {}
    count = 0
    for placemark in _placemarks(content, name=name):
        count += 1
        keys.update(dict.fromkeys(_properties(placemark)))
        if len(keys) > limits.columns:
            raise FileRefused("too_many_columns", name=name, limit=limits.columns)
        if count > limits.rows:
            raise FileRefused("too_many_rows", name=name, limit=limits.rows)
    if not count:
        raise FileRefused("no_rows", name=name)
    names = tuple(keys)

    def records() -> Iterator[Record]:
        for number, placemark in enumerate(_placemarks(content, name=name), start=1):
            yield _record(number, placemark, names=names, limits=limits)

    return RawTable(
        name=name,
        findings=Findings(
            kind=FileKind.KML,
            encoding=Finding(about="encoding", value="xml", code="encoding_declared"),
            header=Finding(about="header", value="", code="header_declared"),
        ),
        labels=names,
        keys=names,
        records=records,
        spatial=True,
        declared_crs=read_declared("EPSG:4326", label="WGS 84"),
    )


def _placemarks(content: bytes, *, name: str) -> Iterator[Element]:
    """Give each Placemark once it is complete, and forget it afterwards."""
    depth, inside, root = 0, False, True
    parents: list[Element] = []
    try:
        for event, element in iterparse(io.BytesIO(content), events=("start", "end")):
            tag = _local(element)
            if event == "start":
                if root and tag not in {"kml", "Document", "Placemark", "Folder"}:
                    raise FileRefused("xml_other", name=name, root=shown(tag))
                root = False
                depth += 1
                if depth > _DEEPEST:
                    raise FileRefused("xml_broken", name=name, detail="it nests too deep")
                inside = inside or tag == "Placemark"
                parents.append(element)
                continue
            depth -= 1
            parents.pop()
            if tag == "Placemark":
                inside = False
                yield element
            if not inside:
                element.clear()
                if parents:
                    parents[-1].remove(element)
    except DefusedXmlException as error:
        raise FileRefused("xml_forbidden", name=name) from error
    except (ParseError, ValueError, LookupError) as error:
        raise FileRefused("xml_broken", name=name, detail=shown(str(error))) from error


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _children(element: Element, *tags: str) -> Iterator[Element]:
    return (child for child in element.iter() if _local(child) in tags)


def _properties(placemark: Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for child in placemark:
        tag = _local(child)
        if tag == "name":
            found["name"] = child.text or ""
        elif tag == "description":
            # A description is HTML: its text is kept, its markup is not.
            found["description"] = " ".join(_TAG.sub(" ", child.text or "").split())
        elif tag == "ExtendedData":
            for data in _children(child, "SimpleData", "Data"):
                value = data.text
                if _local(data) == "Data":
                    value = next((one.text for one in _children(data, "value")), "")
                found[data.get("name") or "value"] = (value or "").strip()
        elif tag == "TimeStamp":
            found["when"] = next((one.text or "" for one in _children(child, "when")), "")
    return found


def _record(number: int, placemark: Element, *, names: tuple[str, ...], limits: Limits) -> Record:
    properties = _properties(placemark)
    cells = [properties.get(key) for key in names]
    geometry: BaseGeometry | None = None
    problems: tuple[Problem, ...] = ()
    try:
        with np.errstate(all="ignore"):
            geometry = _geometry(placemark, depth=limits.geometry_depth)
    except (ValueError, TypeError, IndexError, ShapelyError):
        problems = (Problem(row=number, column="", value="", code="geometry_broken", fatal=True),)
    return Record(number, cells, geometry, problems)


def _geometry(parent: Element, *, depth: int) -> BaseGeometry | None:
    """Return the geometry directly below an element.

    Raises:
        ValueError: it nests too deep or its coordinates make no sense.
    """
    if depth < 0:
        raise ValueError("too deep")
    for child in parent:
        tag = _local(child)
        if tag == "Point":
            return shapely.Point(_coordinates(child)[0])
        if tag in {"LineString", "LinearRing"}:
            return shapely.LineString(_coordinates(child))
        if tag == "Polygon":
            outer = next(_children(child, "outerBoundaryIs"))
            holes = [_coordinates(hole) for hole in _children(child, "innerBoundaryIs")]
            return shapely.Polygon(_coordinates(outer), holes)
        if tag == "MultiGeometry":
            return _many(child, depth=depth)
        if tag == "Track":
            points = [one.text or "" for one in _children(child, "coord")]
            return shapely.LineString([_numbers(text.split()) for text in points])
    return None


def _many(parent: Element, *, depth: int) -> BaseGeometry | None:
    parts: list[BaseGeometry] = []
    for child in parent:
        holder = Element("holder")
        holder.append(child)
        part = _geometry(holder, depth=depth - 1)
        if part is not None:
            parts.append(part)
    kinds = {part.geom_type for part in parts}
    makers: dict[str, Any] = {
        "Point": shapely.MultiPoint,
        "LineString": shapely.MultiLineString,
        "Polygon": shapely.MultiPolygon,
    }
    if len(kinds) == 1 and (kind := kinds.pop()) in makers:
        made: BaseGeometry = makers[kind](parts)
        return made
    return shapely.GeometryCollection(parts) if parts else None


def _coordinates(element: Element) -> list[tuple[float, float]]:
    text = next((one.text or "" for one in _children(element, "coordinates")), "")
    # Some write "3.87, 43.61": a space after the comma does not begin a new point.
    return [_numbers(point.split(",")) for point in re.sub(r"\s*,\s*", ",", text).split()]


def _numbers(parts: list[str]) -> tuple[float, float]:
    return float(parts[0]), float(parts[1])
