"""What a form changes of an asset, as the assets' service wants it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from beffroi.city.assets.api import AssetDetail, asset_get, asset_update
from beffroi.foundation.accounts.api import DepartmentCard, departments
from beffroi.foundation.accounts.contracts import Scope
from beffroi.sdk.declarations import Property
from beffroi.sdk.registry import asset_types

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
    asset_update(uuid, scope=scope, changes=changes)


def _stored(value: Any) -> Any:
    if value is None or value == "":
        return None
    return value.isoformat() if isinstance(value, date) else value
