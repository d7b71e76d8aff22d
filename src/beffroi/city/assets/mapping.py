"""Which column of a file goes where: proposed from names, decided by a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from beffroi.city.assets.contracts import ImportRefused
from beffroi.city.assets.import_contracts import (
    TARGETS,
    TO_KEY,
    TO_NAME,
    TO_NOTHING,
    TO_OWN_NAME,
    TO_PARENT,
    ColumnChoice,
)
from beffroi.foundation.files.reading import Table
from beffroi.kernel.identifiers import slug_of
from beffroi.sdk.declarations import AssetType
from beffroi.sdk.registry import asset_types

MAX_OWN_NAME = 63
_SINGLE = frozenset({TO_NAME, TO_KEY, TO_PARENT})
_ANYBODYS = frozenset({"id", "identifiant", "code", "numero", "nom", "name", "libelle"})
_COORDINATES = frozenset(
    {
        *("x", "y", "lon", "lat", "long", "longitude", "latitude", "x_wgs84", "y_wgs84"),
        *("x_lambert93", "y_lambert93", "x_l93", "y_l93", "coord_x", "coord_y"),
        *("geo_point", "geo_point_2d", "geo_shape", "geom", "geometry", "the_geom", "wkt"),
    }
)


def plain_key(text: str) -> str:
    """Return a name as a key: lower case, no accent, words joined by ``_``."""
    key = slug_of(text).replace("-", "_")[:MAX_OWN_NAME].strip("_")
    return key if key[:1].isalpha() else f"c_{key}".rstrip("_")


def mapping_propose(table: Table, declared: AssetType) -> list[ColumnChoice]:
    """Propose where each column goes, from the declared names and their synonyms.

    What is not recognised is kept under its own name; coordinates that the reader has already
    turned into a position are left out.
    """
    known: dict[str, str] = {}
    for synonyms, target in (
        *(((item.key, *item.synonyms), item.key) for item in declared.properties),
        (declared.key_synonyms, TO_KEY),
        (declared.name_synonyms, TO_NAME),
        (_parent_synonyms(declared), TO_PARENT),
    ):
        for synonym in synonyms:
            known.setdefault(plain_key(synonym), target)
    used = _position_columns(table)
    taken: set[str] = set()
    choices: list[ColumnChoice] = []
    for column in table.columns:
        key = plain_key(column.label)
        target = known.get(key, TO_OWN_NAME)
        if target in taken:
            target = TO_OWN_NAME
        if target == TO_OWN_NAME and (column.key in used or key in _COORDINATES):
            target = TO_NOTHING
        if target not in {TO_OWN_NAME, TO_NOTHING}:
            taken.add(target)
        choices.append(
            ColumnChoice(
                column=column.key,
                label=column.label,
                target=target,
                sample=column.examples,
                places=column.key in used,
            )
        )
    return choices


def mapping_decide(
    table: Table,
    declared: AssetType,
    *,
    overrides: Mapping[str, str] | None,
    keep_unknown: bool,
) -> dict[str, str]:
    """Return column key to target: the proposal, changed as the person asked.

    ``overrides`` may name a column by its key, its label or its plain name.

    Raises:
        ImportRefused: a column or a target does not exist, or two columns go to one place.
    """
    decided = {choice.column: choice.target for choice in mapping_propose(table, declared)}
    by_name = {plain_key(column.label): column.key for column in table.columns}
    by_name.update({column.label: column.key for column in table.columns})
    by_name.update({column.key: column.key for column in table.columns})
    allowed = {*TARGETS, *(item.key for item in declared.properties)}
    for name, target in (overrides or {}).items():
        column = by_name.get(name) or by_name.get(plain_key(name))
        if column is None:
            raise ImportRefused(
                "The file has no column {value}.",
                field="mapping",
                value=name,
                way_out="It has: {known}.",
                params={"known": ", ".join(item.label for item in table.columns)[:500]},
            )
        if target not in allowed:
            raise ImportRefused(
                "A column cannot go to {value}.",
                field="mapping",
                value=target,
                way_out="It may go to: {known}.",
                params={"known": ", ".join(sorted(allowed))},
            )
        if target in _SINGLE:
            # The person's choice takes the place of the proposal.
            for other, former in decided.items():
                if former == target:
                    decided[other] = TO_OWN_NAME
        decided[column] = target
    _check_once(decided, table)
    if not keep_unknown:
        decided = {
            column: TO_NOTHING if target == TO_OWN_NAME else target
            for column, target in decided.items()
        }
    return decided


def own_names(decided: Mapping[str, str], table: Table, declared: AssetType) -> dict[str, str]:
    """Return column key to property key for the columns kept under their own names."""
    taken = {item.key for item in declared.properties}
    names: dict[str, str] = {}
    for column in table.columns:
        if decided.get(column.key) != TO_OWN_NAME:
            continue
        base = name = plain_key(column.label)
        rank = 1
        while name in taken:
            rank += 1
            name = f"{base}_{rank}"
        taken.add(name)
        names[column.key] = name
    return names


def _check_once(decided: Mapping[str, str], table: Table) -> None:
    labels = {column.key: column.label for column in table.columns}
    seen: dict[str, str] = {}
    for column, target in decided.items():
        if target in {TO_OWN_NAME, TO_NOTHING}:
            continue
        if target in seen:
            raise ImportRefused(
                "Two columns go to the same place: {one} and {other}.",
                field="mapping",
                value=target,
                way_out="Keep one, and let the other be kept under its own name or left out.",
                params={"one": labels[seen[target]], "other": labels[column]},
            )
        seen[target] = column


def _parent_synonyms(declared: AssetType) -> Sequence[str]:
    parent = asset_types().get(declared.parent)
    if parent is None:
        return ()
    # A word that the type uses for itself says nothing of its parent.
    own = {plain_key(word) for word in (*declared.key_synonyms, *declared.name_synonyms)}
    words = (parent.key, f"{parent.key}_key", *parent.key_synonyms, *parent.name_synonyms)
    return tuple(word for word in words if plain_key(word) not in own | _ANYBODYS)


def _position_columns(table: Table) -> set[str]:
    finding = table.findings.position
    if finding is None:
        return set()
    used = {str(value) for value in finding.params.values()}
    return {column.key for column in table.columns if {column.key, column.label} & used}
