"""The town's own open data into the base map and the address search."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path

from beffroi.city.basemap.contracts import BasemapImport
from beffroi.city.basemap.services import (
    NewAddress,
    NewFeature,
    basemap_addresses_replace,
    basemap_features_replace,
)
from beffroi.foundation.files.reading import Near, Row, Table, open_table
from beffroi.kernel.errors import InvalidInput
from beffroi.kernel.identifiers import slug_of

Source = str | PathLike[str] | bytes


def basemap_import(
    source: Source,
    *,
    layer: str,
    name: str = "",
    name_column: str = "",
    class_column: str = "",
    attribution: str = "",
    near: Near | None = None,
) -> BasemapImport:
    """Store the lines or areas of a file in a layer, in the place of what it gave before.

    Args:
        source: path or content.
        layer: key of a :class:`~beffroi.city.basemap.contracts.Layer`.
        name: the source's; the file name by default. Importing it again replaces it.
        name_column: label of the column of names, in any case.
        class_column: label of the column of classes.
        attribution: credit that the map must show.
        near: where the town is, for a file that does not declare its coordinates.

    Raises:
        FileRefused: the file cannot be read.
        UnknownLayer: the base map has no such layer.
        InvalidInput: it has no such column.
    """
    name = name or _name_of(source)
    table = open_table(source, name=name, near=near)
    names, classes = _column(table, name_column), _column(table, class_column)
    return basemap_features_replace(
        (_feature(row, names, classes) for row in table.rows()),
        layer=layer,
        source=name,
        attribution=attribution,
    )


def addresses_import(
    source: Source,
    *,
    number_column: str,
    street_column: str,
    suffix_column: str = "",
    name: str = "",
    attribution: str = "",
    near: Near | None = None,
) -> BasemapImport:
    """Store the address points of a file, in the place of what it gave before.

    Raises:
        FileRefused: the file cannot be read.
        InvalidInput: it has no such column.
    """
    name = name or _name_of(source)
    table = open_table(source, name=name, near=near)
    number, street = _column(table, number_column), _column(table, street_column)
    suffix = _column(table, suffix_column)
    return basemap_addresses_replace(
        _addresses(table, number=number, suffix=suffix, street=street),
        source=name,
        attribution=attribution,
    )


def _addresses(
    table: Table, *, number: str, suffix: str, street: str
) -> Iterator[NewAddress | None]:
    for row in table.rows():
        if row.geometry is None or row.geometry.is_empty:
            yield None
            continue
        point = row.geometry.representative_point()
        yield NewAddress(
            number=f"{_text(row, number)}{_text(row, suffix)}",
            street=_text(row, street),
            lon=point.x,
            lat=point.y,
        )


def _feature(row: Row, names: str, classes: str) -> NewFeature | None:
    if row.geometry is None or row.geometry.is_empty:
        return None
    return NewFeature(geometry=row.geometry, name=_text(row, names), class_name=_text(row, classes))


def _text(row: Row, column: str) -> str:
    value = row.values.get(column) if column else None
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).replace("\x00", "").strip()


def _column(table: Table, wanted: str) -> str:
    """Return the key of the column of this label, or an empty text when none is wanted."""
    if not wanted:
        return ""
    for column in table.columns:
        if wanted in {column.key, column.label} or slug_of(wanted) == slug_of(column.label):
            return column.key
    raise InvalidInput(
        "The file has no column {value}.",
        field="column",
        value=wanted,
        way_out="It has: {known}.",
        params={"value": wanted, "known": ", ".join(_labels(table))[:500]},
    )


def _labels(table: Table) -> Sequence[str]:
    return [column.label for column in table.columns]


def _name_of(source: Source) -> str:
    return "file" if isinstance(source, bytes) else Path(source).name
