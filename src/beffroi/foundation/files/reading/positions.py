"""Find the columns that hold positions, and read geometries from them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import msgspec
import numpy as np
import shapely
from pyproj import CRS

from beffroi.foundation.files.reading.columns import Style
from beffroi.foundation.files.reading.contracts import (
    Choices,
    FileRefused,
    Finding,
    Limits,
    Near,
    Problem,
    shown,
)
from beffroi.foundation.files.reading.crs import Declared, read_declared
from beffroi.foundation.files.reading.degrees import read_degrees
from beffroi.foundation.files.reading.geojson_shapes import geometry_texts
from beffroi.foundation.files.reading.geometries import (
    Geometries,
    from_geojson,
    from_wkb,
    from_wkt,
    geometry_array,
)
from beffroi.foundation.files.reading.names import plain_name
from beffroi.foundation.files.reading.raw import RawTable, Record
from beffroi.foundation.files.reading.systems import AREAS, Numbers, around
from beffroi.foundation.files.reading.values import NOTHING, SPACES, read_number

_PARTNER = {
    "x": "y",
    "lon": "lat",
    "long": "lat",
    "lng": "lat",
    "longitude": "latitude",
    "easting": "northing",
    "est": "nord",
    "abscisse": "ordonnee",
    "coordx": "coordy",
    "xlong": "ylat",
    "xl93": "yl93",
    "xwgs84": "ywgs84",
    "xlambert93": "ylambert93",
    "lambertx": "lamberty",
    "pointx": "pointy",
    "xlambert": "ylambert",
}
_PAIR_NAMES = frozenset(
    {"geo_point_2d", "geo_point", "geopoint", "coordonnees", "coordonnees_xy"}
    | {"coordonneesxy", "coordinates", "coords", "latlon", "lat_lon", "latlng", "lat_lng"}
    | {"lon_lat", "lonlat", "xy", "position", "localisation", "geoloc", "geolocalisation"}
    | {"gps", "coordonnees_gps", "coordonnees_geographiques", "geom_o", "point_geo"}
)
_PAIR = re.compile(
    r"\s*[\[(]?\s*(?P<x>[+-]?\d+(?:\.\d+)?)\s*(?:[,;]\s*|\s+)(?P<y>[+-]?\d+(?:\.\d+)?)\s*[\])]?\s*"
)
_PAIR_COMMA = re.compile(
    r"\s*[\[(]?\s*(?P<x>[+-]?\d+,\d+)\s*(?:[;/]\s*|,\s+|\s+)(?P<y>[+-]?\d+,\d+)\s*[\])]?\s*"
)
_BETWEEN = re.compile(r"\s*[,;/]\s*|\s+")
_WKT = re.compile(
    r"\s*(?:SRID=(?P<srid>\d{4,6});)?\s*(?:MULTI)?(?:POINT|LINESTRING|POLYGON|GEOMETRYCOLLECTION)"
    r"\s*(?:Z|M|ZM)?\s*(?:\(|EMPTY)",
    re.IGNORECASE,
)
_WKB = re.compile(r"0[01](?:[0-9a-fA-F]{2}){9,}")
_GEOJSON = re.compile(r'\s*\{.*"(?:type|coordinates)"', re.DOTALL)
_HINTS = (
    (re.compile(r"l93|lambert_?93|2154"), "EPSG:2154"),
    (re.compile(r"wgs_?84|4326|lon|lat"), "EPSG:4326"),
    (re.compile(r"l2e|lambert_?2e?|27572|lambert_ii"), "EPSG:27572"),
)
_CC_HINT = re.compile(r"cc_?(4[2-9]|50)|39(4[2-9]|50)")

_MOST = 0.8
_PRECISE_DECIMALS = 4


class Form(Enum):
    """How positions are written in columns."""

    TWO_COLUMNS = "two_columns"
    PAIR = "pair"
    WKT = "wkt"
    WKB = "wkb"
    GEOJSON = "geojson"


@dataclass(frozen=True, slots=True)
class PositionColumns:
    """Where the positions are, by place of the column."""

    form: Form
    x: int
    y: int
    finding: Finding
    declared: Declared | None = None


def find_positions(
    table: RawTable,
    *,
    sample: Sequence[Record],
    style: Style,
    choices: Choices,
    near: Near | None,
) -> PositionColumns | None:
    """Find the columns that hold positions, from their names and the first rows.

    Raises:
        FileRefused: a column chosen by the person does not exist.
    """
    if choices.x_column is not None and choices.y_column is not None:
        x = _place(table, choices.x_column)
        y = _place(table, choices.y_column)
        return PositionColumns(
            Form.TWO_COLUMNS,
            x,
            y,
            Finding(about="position", value="two_columns", code="chosen"),
            _hint(table.labels[x], table.labels[y]),
        )
    if not sample:
        return None
    columns = [_texts(sample, place=place) for place in range(len(table.keys))]
    return (
        _named_pair(table, columns=columns, style=style)
        or _geometry_text(table, columns=columns)
        or _one_column(table, columns=columns)
        or _by_values(table, columns=columns, style=style, near=near)
    )


def _place(table: RawTable, name: str) -> int:
    for place, (key, label) in enumerate(zip(table.keys, table.labels, strict=True)):
        if name in {key, label}:
            return place
    raise FileRefused(
        "column_unknown", name=table.name, column=shown(name), columns=shown(", ".join(table.keys))
    )


def _texts(sample: Sequence[Record], *, place: int) -> list[object]:
    cells = (record.cells[place] if place < len(record.cells) else None for record in sample)
    return [
        cell
        for cell in cells
        if cell is not None and (not isinstance(cell, str) or cell.strip().lower() not in NOTHING)
    ]


def _named_pair(
    table: RawTable, *, columns: list[list[object]], style: Style
) -> PositionColumns | None:
    names = [plain_name(label) for label in table.labels]
    found: list[tuple[int, int, int]] = []
    for x, name in enumerate(names):
        for partner in _partners(name):
            if partner not in names:
                continue
            y = names.index(partner)
            if y == x or not (_numeric(columns[x], style) and _numeric(columns[y], style)):
                continue
            # Degrees are preferred to metres where a file carries both, then the fuller column.
            degrees = "lon" in name or "wgs" in name
            found.append((2 * degrees + (len(columns[x]) > 0), -x, y))
    if not found:
        return None
    _, minus_x, y = max(found)
    x = -minus_x
    labels = {"x": table.labels[x], "y": table.labels[y]}
    finding = Finding(
        about="position",
        value="two_columns",
        code="position_columns_named",
        params=labels,
        confidence=0.95,
    )
    return PositionColumns(Form.TWO_COLUMNS, x, y, finding, _hint(table.labels[x], table.labels[y]))


def _partners(name: str) -> list[str]:
    """Return what the other coordinate would be called: ``coord_x`` gives ``coord_y``."""
    words = name.split("_")
    partners: list[str] = []
    if name in _PARTNER:
        partners.append(_PARTNER[name])
    for place, word in enumerate(words):
        if word in _PARTNER:
            other = [*words[:place], _PARTNER[word], *words[place + 1 :]]
            partners.append("_".join(other))
            # f03_coordonnees_x stands beside f05_coordonnees_y.
            if other[0] and other[0][-1].isdigit():
                partners += [
                    "_".join([f"{other[0][0]}{rank:0{len(other[0]) - 1}d}", *other[1:]])
                    for rank in range(100)
                ]
    return partners


def _numeric(cells: list[object], style: Style) -> bool:
    numbers = [_number(cell, style=style) for cell in cells]
    return bool(numbers) and sum(number is not None for number in numbers) >= _MOST * len(numbers)


def _number(cell: object, *, style: Style) -> float | None:
    number: float | None = None
    if isinstance(cell, str):
        text = cell.strip()
        # A coordinate has no thousands: a single mark in it is the decimal one.
        single = text.count(",") + text.count(".") == 1
        plain = re.sub(rf"[{SPACES}]", "", text).replace(",", ".") if single else text
        try:
            number = float(plain) if single else float(read_number(text, decimal=style.decimal))
        except (ValueError, OverflowError):
            number = read_degrees(text)
    elif isinstance(cell, int | float) and not isinstance(cell, bool):
        number = float(cell)
    return number if number is not None and math.isfinite(number) else None


def _hint(*labels: str) -> Declared | None:
    """Understand a system named in column names: ``X_L93``, ``lat_wgs84``, ``x_cc43``."""
    name = "_".join(plain_name(label) for label in labels)
    zone = _CC_HINT.search(name)
    if zone is not None:
        code = f"EPSG:39{zone.group(1) or zone.group(2)}"
    else:
        code = next((code for pattern, code in _HINTS if pattern.search(name)), "")
    return Declared(CRS.from_user_input(code), labels[0], firm=False) if code else None


def _geometry_text(table: RawTable, *, columns: list[list[object]]) -> PositionColumns | None:
    for pattern, form, code in (
        (_WKT, Form.WKT, "position_wkt"),
        (_GEOJSON, Form.GEOJSON, "position_geojson"),
        (_WKB, Form.WKB, "position_wkb"),
    ):
        for place, cells in enumerate(columns):
            texts = [cell for cell in cells if isinstance(cell, str)]
            # The beginning tells; an outline may have a million letters.
            good = [text for text in texts if _looks(pattern, text, form=form)]
            if not texts or len(good) < _MOST * len(cells):
                continue
            declared = _hint(table.labels[place])
            srid = _WKT.match(good[0]) if form is Form.WKT else None
            if srid is not None and srid["srid"]:
                declared = read_declared(f"EPSG:{srid['srid']}") or declared
            finding = Finding(
                about="position",
                value=form.value,
                code=code,
                params={"column": table.labels[place]},
            )
            return PositionColumns(form, place, place, finding, declared)
    return None


def _looks(pattern: re.Pattern[str], text: str, *, form: Form) -> bool:
    if form is Form.WKB:
        return pattern.fullmatch(text.strip()[:400][: len(text.strip()) // 2 * 2]) is not None
    return pattern.match(text[:400]) is not None


def _one_column(table: RawTable, *, columns: list[list[object]]) -> PositionColumns | None:
    for place, cells in enumerate(columns):
        name = plain_name(table.labels[place])
        named = name in _PAIR_NAMES or any(name.endswith("_" + one) for one in _PAIR_NAMES)
        good = [cell for cell in cells if isinstance(cell, str) and _pair(cell) is not None]
        if not cells or len(good) < _MOST * len(cells):
            continue
        # Without a telling name, both numbers must be as precise as positions are.
        precise = all("." in cell and len(cell) > 12 for cell in good)
        if not named and not precise:
            continue
        finding = Finding(
            about="position",
            value="pair",
            code="position_pair",
            params={"column": table.labels[place]},
            confidence=0.9,
        )
        return PositionColumns(Form.PAIR, place, place, finding)
    return None


def _pair(cell: str) -> tuple[float, float] | None:
    text = cell if len(cell) < 100 else ""
    match = _PAIR.fullmatch(text) or _PAIR_COMMA.fullmatch(text)
    if match is None:
        return _pair_of_degrees(text)
    return float(match["x"].replace(",", ".")), float(match["y"].replace(",", "."))


def _pair_of_degrees(text: str) -> tuple[float, float] | None:
    """Read ``43°36'40"N 3°52'36"E`` or ``N 43° 37.5', E 3° 52.6'``."""
    for match in _BETWEEN.finditer(text) if "°" in text or "º" in text else ():
        one, other = read_degrees(text[: match.start()]), read_degrees(text[match.end() :])
        if one is not None and other is not None:
            return one, other
    return None


def _by_values(
    table: RawTable, *, columns: list[list[object]], style: Style, near: Near | None
) -> PositionColumns | None:
    """Recognise two neighbouring columns of precise degrees, whatever their names."""
    areas = AREAS if near is None else (around(near),)
    arrays: list[Numbers | None] = []
    for cells in columns:
        precise = bool(cells) and all(_is_precise(cell) for cell in cells)
        numbers = [_number(cell, style=style) for cell in cells] if precise else [None]
        arrays.append(None if None in numbers else np.array(numbers, dtype=float))
    for first in range(len(arrays)):
        for second in (first + 1, first + 2):
            if second >= len(arrays):
                continue
            one, other = arrays[first], arrays[second]
            if one is None or other is None or len(one) != len(other):
                continue
            for x, y, lon, lat in ((first, second, one, other), (second, first, other, one)):
                if max(area.share(lon, lat) for area in areas) >= _MOST:
                    finding = Finding(
                        about="position",
                        value="two_columns",
                        code="position_columns_values",
                        params={"x": table.labels[x], "y": table.labels[y]},
                        confidence=0.8,
                        warning=True,
                    )
                    return PositionColumns(Form.TWO_COLUMNS, x, y, finding)
    return None


def _is_precise(cell: object) -> bool:
    text = str(cell).strip().replace(",", ".")
    return len(text.partition(".")[2]) >= _PRECISE_DECIMALS


def read_positions(
    records: Sequence[Record],
    *,
    columns: PositionColumns,
    labels: Sequence[str],
    style: Style,
    limits: Limits,
) -> tuple[Geometries, dict[int, Problem]]:
    """Read the geometry of each record from its cells, in the system of the file.

    Returns:
        The geometries, ``None`` where there is none, and one problem by place at most.
    """
    if columns.form in {Form.TWO_COLUMNS, Form.PAIR}:
        return _points(records, columns=columns, labels=labels, style=style)
    texts = [_cell_text(record, place=columns.x) for record in records]
    if columns.form is Form.WKT:
        plain = [text.split(";", 1)[1] if text and ";" in text[:14] else text for text in texts]
        geometries = from_wkt(plain, limits=limits)
    elif columns.form is Form.WKB:
        geometries = from_wkb([_unhex(text) for text in texts], limits=limits)
    else:
        geometries = from_geojson(geometry_texts(texts, limits=limits))
    problems: dict[int, Problem] = {}
    for place, text in enumerate(texts):
        if geometries[place] is None:
            code = "geometry_broken" if text else "geometry_missing"
            problems[place] = Problem(
                row=records[place].number,
                column=labels[columns.x],
                value=shown(text or ""),
                code=code,
                fatal=True,
            )
    return geometries, problems


def _unhex(text: str | None) -> bytes | None:
    try:
        return bytes.fromhex(text) if text else None
    except ValueError:
        return None


def _cell(record: Record, *, place: int) -> object:
    return record.cells[place] if place < len(record.cells) else None


def _cell_text(record: Record, *, place: int) -> str | None:
    cell = _cell(record, place=place)
    if isinstance(cell, str):
        return cell.strip() or None
    if isinstance(cell, dict | list):
        return msgspec.json.encode(cell).decode()
    return None


def _points(
    records: Sequence[Record],
    *,
    columns: PositionColumns,
    labels: Sequence[str],
    style: Style,
) -> tuple[Geometries, dict[int, Problem]]:
    xs, ys = np.full(len(records), np.nan), np.full(len(records), np.nan)
    problems: dict[int, Problem] = {}
    for place, record in enumerate(records):
        one, other = _cell(record, place=columns.x), _cell(record, place=columns.y)
        if columns.form is Form.PAIR:
            pair = _pair(one) if isinstance(one, str) else None
            x, y = pair or (None, None)
        else:
            x, y = _number(one, style=style), _number(other, style=style)
        written = [not _is_nothing(one), not _is_nothing(other)]
        code, column, value = "", "", ""
        if x is not None and y is not None:
            if x == 0 and y == 0:
                code = "position_zero"
            else:
                xs[place], ys[place] = x, y
        elif not any(written):
            code = "geometry_missing"
        elif not all(written):
            code = "position_incomplete"
        else:
            wrong = columns.x if x is None else columns.y
            code, column = "position_not_number", labels[wrong]
            value = shown(one if x is None else other)
        if code:
            problems[place] = Problem(
                row=record.number, column=column, value=value, code=code, fatal=True
            )
    filled = np.isfinite(xs) & np.isfinite(ys)
    geometries = geometry_array([None] * len(records))
    if filled.any():
        geometries[filled] = shapely.points(xs[filled], ys[filled])
    return geometries, problems


def _is_nothing(cell: object) -> bool:
    return cell is None or (isinstance(cell, str) and cell.strip().lower() in NOTHING)
