"""What changed in an asset, in whose name and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from beffroi.city.assets.contracts import ChangeKind, Why
from beffroi.city.assets.models import AssetChange
from beffroi.foundation.database.api import current_user_id, required_territory_id


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the fields that differ with both values; properties are compared one by one."""
    found: dict[str, tuple[Any, Any]] = {}
    for name, value in after.items():
        old = before.get(name)
        if old == value:
            continue
        if name == "properties":
            old, new = old or {}, value or {}
            for key in sorted({*old, *new}):
                if old.get(key) != new.get(key):
                    found[f"properties.{key}"] = (old.get(key), new.get(key))
        else:
            found[name] = (old, value)
    return found


def history_write(
    asset_id: int,
    *,
    kind: ChangeKind,
    why: Why,
    changes: Mapping[str, tuple[Any, Any]] | None = None,
    note: str = "",
) -> None:
    """Add one line to the history of an asset, in the name of the acting person."""
    AssetChange.objects.create(
        territory_id=required_territory_id(),
        asset_id=asset_id,
        kind=kind,
        why=why,
        changes={key: list(pair) for key, pair in (changes or {}).items()},
        note=note,
        user_id=current_user_id(),
    )
