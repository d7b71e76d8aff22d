"""Many assets at once: tens of thousands of rows in a few seconds, twice without duplicates.

COPY is not allowed into a table with row-level security, so rows go as arrays through
``unnest``: one statement per batch.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.db import connection, transaction

from beffroi.city.assets.cells import cells_rebuild
from beffroi.city.assets.contracts import NewAsset, UpsertCounts, Why
from beffroi.city.assets.declared import declared_type, domain_key_of
from beffroi.city.assets.history import differences
from beffroi.city.assets.states import first_state
from beffroi.city.assets.words import search_text
from beffroi.foundation.database.api import current_user_id, required_territory_id
from beffroi.foundation.territories.api import areas_of
from beffroi.kernel.clock import now
from beffroi.kernel.identifiers import uuid7
from beffroi.sdk.registry import asset_types

BATCH = 5_000
Progress = Callable[[int], None]
"""Called with the number of rows done so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkOptions:
    """What is the same for every row of a bulk write.

    Attributes:
        department_id: service put in charge of the assets that are created.
    """

    why: Why = Why.IMPORT
    origin: str = ""
    attribution: str = ""
    department_id: int | None = None
    import_run_id: int | None = None


@dataclass(slots=True)
class _Batch:
    """The rows of one batch, sorted by what has to be done with them."""

    new: list[NewAsset] = field(default_factory=list)
    changed: list[tuple[int, NewAsset, dict[str, Any]]] = field(default_factory=list)
    history: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)
    restored: int = 0
    unchanged: int = 0


@transaction.atomic
def assets_upsert_many(
    rows: Iterable[NewAsset],
    *,
    type_key: str,
    options: BulkOptions,
    progress: Progress | None = None,
) -> UpsertCounts:
    """Write assets of one type: those whose external key is known are compared and updated.

    History lines are written for real changes only. Areas, parents, squares of the map and its
    version follow. An asset that was removed and comes again is restored. A key that comes
    twice is written twice; the last row wins.

    Raises:
        InvalidInput: no installed domain declares the type.
    """
    domain_key = domain_key_of(type_key)
    done = UpsertCounts()
    for group in _batches(rows):
        batch = _sorted(group, type_key=type_key, options=options)
        _insert(batch, type_key=type_key, domain_key=domain_key, options=options)
        _update(batch, type_key=type_key)
        _tell(batch, options=options)
        done = UpsertCounts(
            created=done.created + len(batch.new),
            updated=done.updated + len(batch.changed) - batch.restored,
            unchanged=done.unchanged + batch.unchanged,
            restored=done.restored + batch.restored,
        )
        if progress is not None:
            progress(done.total)
    linked = parents_link(type_key)
    if linked or done.total != done.unchanged:
        cells_rebuild([domain_key])
    return done


def parents_link(type_key: str) -> int:
    """Link assets to the parents they name, now that these may have come; return how many.

    Both the children of the type that still wait for a parent and those of other types that
    wait for one of this type are looked at.
    """
    declared = declared_type(type_key)
    pairs = [(type_key, declared.parent)] if declared.parent else []
    pairs.extend((kind.key, type_key) for kind in asset_types().values() if kind.parent == type_key)
    linked = 0
    with connection.cursor() as cursor:
        for child, parent in pairs:
            cursor.execute(_LINK, {"child": child, "parent": parent})
            linked += cursor.rowcount
    return linked


def _batches(rows: Iterable[NewAsset]) -> Iterator[list[NewAsset]]:
    iterator = iter(rows)
    while group := list(islice(iterator, BATCH)):
        # A statement may touch a row once only: of two equal keys the last is kept.
        yield list({row.external_key: row for row in group}.values())


def _sorted(group: list[NewAsset], *, type_key: str, options: BulkOptions) -> _Batch:
    batch = _Batch()
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, {"type": type_key, "keys": [row.external_key for row in group]})
        known = {row[0]: row[1:] for row in cursor.fetchall()}
    for row in group:
        if row.external_key not in known:
            batch.new.append(row)
            continue
        asset_id, removed, before = _before(known[row.external_key])
        after = {
            "name": row.name or before["name"],
            "lon": row.lon,
            "lat": row.lat,
            "shape": None if row.shape is None else dict(row.shape),
            "properties": _given({**before["properties"], **row.properties}),
            "parent_key": row.parent_key or before["parent_key"],
            "origin": options.origin,
            "attribution": options.attribution,
            "absent_from": "",
        }
        different = differences(before, after)
        if not different and not removed:
            batch.unchanged += 1
            continue
        batch.restored += int(removed)
        batch.changed.append((asset_id, row, after))
        batch.history.append((asset_id, "restored" if removed else "updated", different))
    return batch


def _before(known: tuple[Any, ...]) -> tuple[int, bool, dict[str, Any]]:
    asset_id, removed, shape, properties, *others = known
    before = dict(zip(_COMPARED, others, strict=True))
    before["shape"] = None if shape is None else json.loads(shape)
    before["properties"] = json.loads(properties)
    return asset_id, removed, before


def _insert(batch: _Batch, *, type_key: str, domain_key: str, options: BulkOptions) -> None:
    rows = batch.new
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            {
                "territory": required_territory_id(),
                "type": type_key,
                "domain": domain_key,
                "state": int(first_state(type_key)),
                "department": options.department_id,
                "origin": options.origin,
                "attribution": options.attribution,
                "now": now(),
                "why": options.why.value,
                "user": current_user_id(),
                "run": options.import_run_id,
                "uuids": [uuid7() for _ in rows],
                "keys": [row.external_key for row in rows],
                "names": [row.name for row in rows],
                "lons": [row.lon for row in rows],
                "lats": [row.lat for row in rows],
                "shapes": [None if row.shape is None else _text(row.shape) for row in rows],
                "properties": [_text(_given(row.properties)) for row in rows],
                "parents": [row.parent_key for row in rows],
                "searches": [
                    search_text(
                        name=row.name, external_key=row.external_key, properties=row.properties
                    )
                    for row in rows
                ],
                "areas": areas_of([(row.lon, row.lat) for row in rows]),
            },
        )


def _update(batch: _Batch, *, type_key: str) -> None:
    if not batch.changed:
        return
    rows = batch.changed
    with connection.cursor() as cursor:
        cursor.execute(
            _UPDATE,
            {
                "now": now(),
                "state": int(first_state(type_key)),
                "ids": [asset_id for asset_id, _, _ in rows],
                "names": [after["name"] for _, _, after in rows],
                "lons": [after["lon"] for _, _, after in rows],
                "lats": [after["lat"] for _, _, after in rows],
                "shapes": [
                    None if after["shape"] is None else _text(after["shape"])
                    for _, _, after in rows
                ],
                "properties": [_text(after["properties"]) for _, _, after in rows],
                "parents": [after["parent_key"] for _, _, after in rows],
                "origins": [after["origin"] for _, _, after in rows],
                "attributions": [after["attribution"] for _, _, after in rows],
                "searches": [
                    search_text(
                        name=after["name"],
                        external_key=row.external_key,
                        properties=after["properties"],
                    )
                    for _, row, after in rows
                ],
                "areas": areas_of([(after["lon"], after["lat"]) for _, _, after in rows]),
            },
        )


def _tell(batch: _Batch, *, options: BulkOptions) -> None:
    if not batch.history:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _HISTORY,
            {
                "territory": required_territory_id(),
                "now": now(),
                "why": options.why.value,
                "user": current_user_id(),
                "run": options.import_run_id,
                "ids": [asset_id for asset_id, _, _ in batch.history],
                "kinds": [kind for _, kind, _ in batch.history],
                "changes": [_text(changes) for _, _, changes in batch.history],
            },
        )


def _given(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties that have a value."""
    return {key: value for key, value in properties.items() if value is not None}


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


_COMPARED = ("name", "lon", "lat", "parent_key", "origin", "attribution", "absent_from")
_KNOWN = """
SELECT external_key, id, removed_at IS NOT NULL, shape::text, properties::text, name, lon, lat,
    parent_key, origin, attribution, absent_from
FROM assets_asset
WHERE type_key = %(type)s AND external_key = ANY(%(keys)s)
FOR UPDATE
"""
_INSERT = """
WITH made AS (
    INSERT INTO assets_asset (territory_id, uuid, type_key, domain_key, name, external_key,
        search_text, lon, lat, shape, properties, parent_key, department_id, area_id, origin,
        attribution, state, rule_state, created_at, updated_at)
    SELECT %(territory)s, uuid, %(type)s, %(domain)s, name, key, search, lon, lat,
        shape::jsonb, properties::jsonb, parent, %(department)s::bigint, area, %(origin)s,
        %(attribution)s, %(state)s, 0, %(now)s, %(now)s
    FROM unnest(%(uuids)s::uuid[], %(names)s::text[], %(keys)s::text[], %(searches)s::text[],
        %(lons)s::float8[], %(lats)s::float8[], %(shapes)s::text[], %(properties)s::text[],
        %(parents)s::text[], %(areas)s::bigint[])
        AS given(uuid, name, key, search, lon, lat, shape, properties, parent, area)
    RETURNING id
)
INSERT INTO assets_change (territory_id, asset_id, at, kind, why, changes, user_id, import_run_id)
SELECT %(territory)s, id, %(now)s, 'created', %(why)s, '{}'::jsonb, %(user)s::bigint,
    %(run)s::bigint
FROM made
"""
_UPDATE = """
UPDATE assets_asset AS asset
SET name = given.name, search_text = given.search, lon = given.lon, lat = given.lat,
    shape = given.shape::jsonb, properties = given.properties::jsonb, area_id = given.area,
    parent_id = CASE WHEN asset.parent_key = given.parent THEN asset.parent_id END,
    parent_key = given.parent, origin = given.origin, attribution = given.attribution,
    absent_from = '', updated_at = %(now)s, removed_at = NULL,
    state = CASE WHEN asset.removed_at IS NULL THEN asset.state ELSE %(state)s END
FROM unnest(%(ids)s::bigint[], %(names)s::text[], %(searches)s::text[], %(lons)s::float8[],
    %(lats)s::float8[], %(shapes)s::text[], %(properties)s::text[], %(parents)s::text[],
    %(origins)s::text[], %(attributions)s::text[], %(areas)s::bigint[])
    AS given(id, name, search, lon, lat, shape, properties, parent, origin, attribution, area)
WHERE asset.id = given.id
"""
_HISTORY = """
INSERT INTO assets_change (territory_id, asset_id, at, kind, why, changes, user_id, import_run_id)
SELECT %(territory)s, id, %(now)s, kind, %(why)s, changes::jsonb, %(user)s::bigint,
    %(run)s::bigint
FROM unnest(%(ids)s::bigint[], %(kinds)s::text[], %(changes)s::text[])
    AS given(id, kind, changes)
"""
_LINK = """
UPDATE assets_asset AS child SET parent_id = parent.id
FROM assets_asset AS parent
WHERE child.type_key = %(child)s AND child.parent_id IS NULL AND child.parent_key <> ''
    AND parent.type_key = %(parent)s AND parent.external_key = child.parent_key
    AND parent.removed_at IS NULL AND parent.id <> child.id
"""
