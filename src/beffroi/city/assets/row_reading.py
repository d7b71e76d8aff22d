"""From a row of a file to an asset, or to the reasons why not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from beffroi.city.assets.coercion import NotOfKindError, Stored, as_stored, as_text, coerced
from beffroi.city.assets.contracts import NewAsset
from beffroi.city.assets.import_contracts import TO_KEY, TO_NAME, TO_PARENT, RowRefusal
from beffroi.city.assets.mapping import own_names
from beffroi.foundation.files.reading import Problem, Row, Table
from beffroi.sdk.declarations import AssetType

KEPT_REFUSALS = 2_000
"""Refusals kept with an import; the others are counted."""
MAX_NAME = 200
POSITION_DECIMALS = 6
"""Of a derived key: about a decimetre."""

_NO_POSITION = (
    "This row has no position.",
    "Place it on the map, or fill its coordinates in the file.",
)
_NO_IDENTIFIER = frozenset(
    {"", "0", "-", "--", "?", "na", "n/a", "nc", "nr", "null", "none", "néant", "inconnu"}
)
"""What people write in the column of identifiers when there is none."""
_KEY_TWICE = (
    "The identifier “{value}” is already that of row {first}.",
    "Give each row its own identifier, or choose another key.",
)
_DOUBTS = frozenset(
    {"position_outside", "position_other_system", "position_swapped", "geometry_repaired"}
)
"""What a reader decided of a place by itself: imported, and told."""
_REQUIRED = ("“{field}” is required and empty.", "Fill it in the file.")


class RowReader:
    """Reads the rows of one table with one mapping; counts and keeps what it refuses.

    ``named`` holds the keys of all rows read so far, those refused included.

    Without identifier (no such column, or nothing in it) the external key is derived from the
    position, which is all that tells one such asset from another: ``lon,lat`` with six
    decimals, then ``#2``, ``#3``… for the next rows at the same place, in the order of the file.
    """

    def __init__(
        self, table: Table, declared: AssetType, *, mapping: Mapping[str, str], prefix: str = ""
    ) -> None:
        self._table = table
        self._prefix = prefix
        self._labels = {column.key: column.label for column in table.columns}
        by_target = {target: column for column, target in mapping.items()}
        self._key = by_target.get(TO_KEY)
        self._name = by_target.get(TO_NAME)
        self._parent = by_target.get(TO_PARENT)
        self._declared = [
            (by_target[item.key], item) for item in declared.properties if item.key in by_target
        ]
        self._missing = [
            item for item in declared.properties if item.required and item.key not in by_target
        ]
        self._own = own_names(mapping, table, declared)
        self._at_place: Counter[str] = Counter()
        self._rows_of_keys: dict[str, int] = {}
        self.read = self.accepted = self.refused = self.dropped = self.doubts = 0
        self.refusals: list[RowRefusal] = []
        self.named: set[str] = set()

    def assets(self, *, limit: int | None = None) -> Iterator[NewAsset]:
        """Give the assets of the rows that are accepted."""
        for row in self._table.rows():
            if limit is not None and self.read >= limit:
                return
            self.read += 1
            try:
                asset = self._asset(row)
            except _RefusedError as error:
                self._name_refused(row)
                self.refused += 1
                self._keep(error.refusal)
                continue
            for problem in row.problems:
                if problem.code in _DOUBTS:
                    self.doubts += 1
                    self._keep(replace(_told(problem), whole=False, doubt=True))
            self.accepted += 1
            self.named.add(asset.external_key)
            yield asset

    def _name_refused(self, row: Row) -> None:
        """Keep the key of a row that is refused: its asset is not imported, but not gone."""
        text = self._text(row, self._key)
        if text:
            self.named.add((self._prefix + text)[:MAX_NAME])

    def _asset(self, row: Row) -> NewAsset:
        fatal = next((problem for problem in row.problems if problem.fatal), None)
        if fatal is not None:
            raise _RefusedError(_told(fatal))
        if row.geometry is None or row.geometry.is_empty:
            doubt = next((item for item in row.problems if item.code.startswith("position")), None)
            if doubt is not None:
                raise _RefusedError(_told(doubt))
            raise _refused(row, *_NO_POSITION)
        if self._missing:
            raise _refused(row, *_REQUIRED, field=self._missing[0].key)
        properties = self._properties(row)
        point = _representative(row.geometry)
        return NewAsset(
            external_key=self._external_key(row, point.x, point.y),
            lon=point.x,
            lat=point.y,
            name=self._text(row, self._name)[:MAX_NAME],
            shape=None if row.geometry.geom_type == "Point" else _geojson(row.geometry),
            properties=properties,
            parent_key=self._text(row, self._parent)[:MAX_NAME],
        )

    def _properties(self, row: Row) -> dict[str, Stored | None]:
        found: dict[str, Stored | None] = {}
        for column, wanted in self._declared:
            value = row.values.get(column)
            try:
                found[wanted.key] = coerced(value, wanted)
            except NotOfKindError as error:
                refusal = RowRefusal(
                    row=row.number,
                    field=self._labels[column],
                    value=as_text(value)[:MAX_NAME],
                    reason=error.reason,
                    way_out=error.way_out,
                    params=error.params,
                    whole=wanted.required,
                )
                if wanted.required:
                    raise _RefusedError(refusal) from error
                self.dropped += 1
                self._keep(refusal)
                continue
            if wanted.required and found[wanted.key] is None:
                raise _refused(row, *_REQUIRED, field=self._labels[column])
        for column, key in self._own.items():
            found[key] = as_stored(row.values.get(column))
        return found

    def _external_key(self, row: Row, lon: float, lat: float) -> str:
        text = self._text(row, self._key)
        if self._key is None or text.lower() in _NO_IDENTIFIER:
            place = f"{lon:.{POSITION_DECIMALS}f},{lat:.{POSITION_DECIMALS}f}"
            self._at_place[place] += 1
            rank = self._at_place[place]
            return self._prefix + (place if rank == 1 else f"{place}#{rank}")
        key = (self._prefix + text)[:MAX_NAME]
        first = self._rows_of_keys.setdefault(key, row.number)
        if first != row.number:
            raise _refused(
                row,
                *_KEY_TWICE,
                field=self._labels[self._key],
                value=text,
                params={"first": str(first)},
            )
        return key

    def _text(self, row: Row, column: str | None) -> str:
        return "" if column is None else as_text(row.values.get(column))

    def _keep(self, refusal: RowRefusal) -> None:
        if len(self.refusals) < KEPT_REFUSALS:
            self.refusals.append(refusal)


class _RefusedError(Exception):
    """Stops the reading of one row."""

    def __init__(self, refusal: RowRefusal) -> None:
        self.refusal = refusal
        super().__init__(refusal.reason)


def _told(problem: Problem) -> RowRefusal:
    return RowRefusal(
        row=problem.row,
        field=problem.column,
        value=problem.value,
        reason=problem.message_en,
        way_out=problem.way_out,
        params={key: str(value) for key, value in problem.params.items()},
    )


def _refused(
    row: Row,
    reason: str,
    way_out: str,
    *,
    field: str = "",
    value: str = "",
    params: Mapping[str, str] | None = None,
) -> _RefusedError:
    return _RefusedError(
        RowRefusal(
            row=row.number,
            field=field,
            value=value,
            reason=reason,
            way_out=way_out,
            params=dict(params or {}),
        )
    )


def _representative(geometry: BaseGeometry) -> shapely.Point:
    """Return a point that lies on the geometry: the middle of a line, the inside of an area."""
    if isinstance(geometry, shapely.Point):
        return geometry
    if shapely.get_dimensions(geometry) == 1:
        longest = max(shapely.get_parts(geometry), key=lambda part: part.length)
        return _rounded(longest.interpolate(0.5, normalized=True))
    return _rounded(geometry.representative_point())


def _rounded(point: shapely.Point) -> shapely.Point:
    """Round to a centimetre, so that another version of a library finds the same point."""
    return shapely.Point(round(point.x, 7), round(point.y, 7))


def _geojson(geometry: BaseGeometry) -> dict[str, Any]:
    mapped = shapely.geometry.mapping(geometry)
    return {"type": mapped["type"], "coordinates": _listed(mapped["coordinates"])}


def _listed(value: Any) -> Any:
    """Return tuples as lists: what comes back from the database must compare as equal."""
    return [_listed(item) for item in value] if isinstance(value, tuple | list) else value
