"""What a form changes of an asset, as the assets' service wants it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from beffroi.city.assets.api import (
    AssetDetail,
    AssetSummary,
    asset_get,
    asset_history,
    asset_update,
    assets_search,
)
from beffroi.foundation.accounts.api import DepartmentCard, departments
from beffroi.foundation.accounts.contracts import Scope
from beffroi.modules.control_room.asset_selectors import history_lines
from beffroi.modules.control_room.contracts import HistoryLine
from beffroi.sdk.declarations import Property
from beffroi.sdk.registry import asset_types

_MARK = " · "
FIELD_PREFIX = "p_"
"""Put before the key of a property in a form, so that none hides the name or the position."""


def asset_to_edit(uuid: UUID, *, scope: Scope) -> AssetDetail:
    """Return the asset that a form shows.

    Raises:
        AssetNotFound: there is none, or it is outside the scope.
    """
    return asset_get(uuid, scope=scope)


def editable_properties(type_key: str) -> tuple[Property, ...]:
    """Return the properties that the type of the asset declares."""
    declared = asset_types().get(type_key)
    return () if declared is None else declared.properties


def department_choices() -> list[DepartmentCard]:
    """Return the departments that an asset may be given to."""
    return departments()


def asset_change(
    uuid: UUID, *, scope: Scope, detail: AssetDetail, cleaned: Mapping[str, Any]
) -> None:
    """Write what a checked form holds; what did not change is not written.

    Raises:
        AssetNotFound: the asset left the scope meanwhile.
        AssetChangedMeanwhile: somebody changed it after ``read_at`` of the form.
        ParentRefused: it cannot depend on that asset.
        InvalidInput: the position is not one.
    """
    properties = dict(detail.properties)
    for item in editable_properties(detail.summary.type_key):
        value = _stored(cleaned.get(f"{FIELD_PREFIX}{item.key}"))
        if value is None:
            properties.pop(item.key, None)
        else:
            properties[item.key] = value
    changes: dict[str, Any] = {"name": cleaned["name"], "properties": properties}
    if "department" in cleaned:
        changes["department_id"] = int(cleaned["department"]) if cleaned["department"] else None
    if "lon" in cleaned and "lat" in cleaned:
        changes["lon"], changes["lat"] = cleaned["lon"], cleaned["lat"]
    if "parent" in cleaned:
        parent = cleaned["parent"]
        changes["parent_id"] = None if parent is None else parent.id
    asset_update(uuid, scope=scope, changes=changes, read_at=cleaned.get("read_at"))


def parent_text(asset: AssetSummary) -> str:
    """Return a name that a form can find an asset by again."""
    return f"{asset.title}{_MARK}{asset.external_key}"


def parents_named(
    words: str, *, of: AssetDetail, scope: Scope, limit: int = 10
) -> list[AssetSummary]:
    """Return the assets that words may mean as a parent; those of the usual type first.

    A text of :func:`parent_text`, a whole name or a whole identifier gives that asset alone.
    """
    title, _mark, key = words.strip().rpartition(_MARK)
    asked = title or key
    declared = asset_types().get(of.summary.type_key)
    usual = "" if declared is None else declared.parent
    found = [one for one in assets_search(asked, scope=scope, limit=50) if one.id != of.summary.id]
    whole = [
        one
        for one in found
        if (title and one.external_key == key)
        or (not title and key in {one.name, one.external_key})
    ]
    rows = whole or found
    rows = [one for one in rows if one.type_key == usual] or rows
    return rows[:limit]


def changes_since(
    detail: AssetDetail, *, since: datetime | None, scope: Scope
) -> tuple[HistoryLine, ...]:
    """Return what was done to an asset after an instant, latest first."""
    lines = asset_history(detail.summary.uuid, scope=scope, limit=20)
    return history_lines([line for line in lines if since is None or line.at > since], detail)


def _stored(value: Any) -> Any:
    if value is None or value == "":
        return None
    return value.isoformat() if isinstance(value, date) else value
