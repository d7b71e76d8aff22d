from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from beffroi.city.assets.bulk import parents_link
from beffroi.city.assets.cells import cells_refresh
from beffroi.city.assets.contracts import (
    AssetKeyTaken,
    AssetNotFound,
    AssetState,
    ChangeKind,
    NewAsset,
    Why,
)
from beffroi.city.assets.declared import domain_key_of
from beffroi.city.assets.history import differences, history_write
from beffroi.city.assets.models import Asset
from beffroi.city.assets.scopes import scope_filter
from beffroi.city.assets.words import search_text
from beffroi.foundation.accounts.contracts import Scope
from beffroi.foundation.database.api import required_territory_id
from beffroi.foundation.territories.api import area_of
from beffroi.kernel.clock import now
from beffroi.kernel.errors import InvalidInput
from beffroi.kernel.geometry import Position

EDITABLE = frozenset(
    {
        "name",
        "external_key",
        "lon",
        "lat",
        "shape",
        "properties",
        "department_id",
        "parent_id",
        "attribution",
        "origin",
    }
)
_QUAD_FIELDS = ("lon", "lat")


@transaction.atomic
def asset_create(
    new: NewAsset,
    *,
    type_key: str,
    department_id: int | None = None,
    parent_id: int | None = None,
    origin: str = "",
    attribution: str = "",
    why: Why = Why.EDIT,
) -> Asset:
    """Write one asset, in the area where it stands, with the first line of its history.

    Raises:
        InvalidInput: the type is not installed or the position is not one.
        AssetKeyTaken: another asset of the type has this key.
    """
    domain_key = domain_key_of(type_key)
    _check_position(new.lon, new.lat)
    try:
        with transaction.atomic():
            asset = Asset.objects.create(
                territory_id=required_territory_id(),
                type_key=type_key,
                domain_key=domain_key,
                name=new.name,
                external_key=new.external_key,
                search_text=search_text(
                    name=new.name, external_key=new.external_key, properties=new.properties
                ),
                lon=new.lon,
                lat=new.lat,
                shape=new.shape,
                properties=dict(new.properties),
                parent_id=parent_id,
                parent_key=new.parent_key,
                department_id=department_id,
                area_id=area_of(new.lon, new.lat),
                origin=origin,
                attribution=attribution,
            )
    except IntegrityError as error:
        raise AssetKeyTaken(
            "The key {key} is already used by another asset of this type.",
            way_out="Give it another key, or change the asset that has this one.",
            params={"key": new.external_key},
        ) from error
    history_write(asset.id, kind=ChangeKind.CREATED, why=why)
    if new.parent_key and parent_id is None:
        parents_link(type_key)
    cells_refresh([(domain_key, asset.quad)])
    return asset


@transaction.atomic
def asset_update(
    uuid: UUID,
    *,
    scope: Scope,
    changes: Mapping[str, Any],
    why: Why = Why.EDIT,
) -> Asset:
    """Change fields of an asset and keep what they were; nothing is written when none differs.

    Raises:
        AssetNotFound: there is no such asset in the scope.
        InvalidInput: a field cannot be changed so, or the position is not one.
        AssetKeyTaken: another asset of the type has this key.
    """
    unknown = set(changes) - EDITABLE
    if unknown:
        raise InvalidInput("This field cannot be changed.", field=min(unknown))
    asset = _locked(uuid, scope)
    before_quad = asset.quad
    different = differences(
        {name: getattr(asset, name) for name in changes}, {name: changes[name] for name in changes}
    )
    if not different:
        return asset
    for name, value in changes.items():
        setattr(asset, name, value)
    _check_position(asset.lon, asset.lat)
    moved = any(name in different for name in _QUAD_FIELDS)
    if moved:
        asset.area_id = area_of(asset.lon, asset.lat)
    asset.search_text = search_text(
        name=asset.name, external_key=asset.external_key, properties=asset.properties
    )
    asset.updated_at = now()
    try:
        with transaction.atomic():
            asset.save()
    except IntegrityError as error:
        raise AssetKeyTaken(
            "The key {key} is already used by another asset of this type.",
            way_out="Give it another key, or change the asset that has this one.",
            params={"key": asset.external_key},
        ) from error
    asset.refresh_from_db(fields=["quad"])
    history_write(asset.id, kind=ChangeKind.UPDATED, why=why, changes=different)
    cells_refresh([(asset.domain_key, before_quad), (asset.domain_key, asset.quad)])
    return asset


@transaction.atomic
def asset_remove(uuid: UUID, *, scope: Scope, why: Why = Why.EDIT) -> None:
    """Take an asset off the map and the lists; its history and its series stay.

    Raises:
        AssetNotFound: there is no such asset in the scope.
    """
    asset = _locked(uuid, scope)
    if asset.removed_at is not None:
        return
    asset.removed_at = asset.updated_at = now()
    asset.state = AssetState.NORMAL
    asset.save(update_fields=["removed_at", "updated_at", "state"])
    history_write(asset.id, kind=ChangeKind.REMOVED, why=why)
    cells_refresh([(asset.domain_key, asset.quad)])


def _locked(uuid: UUID, scope: Scope) -> Asset:
    asset = (
        Asset.objects.select_for_update(of=("self",)).filter(scope_filter(scope), uuid=uuid).first()
    )
    if asset is None:
        raise AssetNotFound("There is no such asset here.")
    return asset


def _check_position(lon: float, lat: float) -> None:
    try:
        Position(lon, lat)
    except ValueError as error:
        raise InvalidInput(
            "({lon}, {lat}) is not a position on the earth.",
            field="lon",
            value=lon,
            params={"lon": lon, "lat": lat},
        ) from error
