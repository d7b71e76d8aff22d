from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from beffroi.city.assets import events, journal
from beffroi.city.assets.bulk import parents_link
from beffroi.city.assets.cells import cells_refresh, version_bump
from beffroi.city.assets.contracts import (
    AssetChangedMeanwhile,
    AssetKeyTaken,
    AssetNotFound,
    AssetState,
    ChangeKind,
    NewAsset,
    ParentRefused,
    Why,
)
from beffroi.city.assets.declared import domain_key_of
from beffroi.city.assets.device_services import device_detach
from beffroi.city.assets.history import differences, history_write
from beffroi.city.assets.models import Asset, Attachment
from beffroi.city.assets.scopes import scope_filter
from beffroi.city.assets.states import first_state
from beffroi.city.assets.words import search_text
from beffroi.foundation.accounts.contracts import Scope
from beffroi.foundation.audit.api import SYSTEM, Actor
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
        "absent_from",
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
                state=first_state(type_key),
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
    events.asset_created(asset)
    return asset


@transaction.atomic
def asset_update(
    uuid: UUID,
    *,
    scope: Scope,
    changes: Mapping[str, Any],
    why: Why = Why.EDIT,
    read_at: datetime | None = None,
) -> Asset:
    """Change fields of an asset and keep what they were; nothing is written when none differs.

    ``read_at`` is ``updated_at`` of the asset as the person read it: their changes are refused
    when somebody has changed it since.

    Raises:
        AssetNotFound: there is no such asset in the scope.
        AssetChangedMeanwhile: somebody changed it after ``read_at``, or removed it.
        ParentRefused: it cannot be attached to that asset.
        InvalidInput: a field cannot be changed so, or the position is not one.
        AssetKeyTaken: another asset of the type has this key.
    """
    unknown = set(changes) - EDITABLE
    if unknown:
        raise InvalidInput("This field cannot be changed.", field=min(unknown))
    if changes.get("parent_id") is not None:
        version_bump()  # two people who attach assets to each other wait for one another
    asset = _locked(uuid, scope)
    if read_at is not None and asset.updated_at != read_at:
        raise AssetChangedMeanwhile(
            "Somebody changed this asset while you were editing it.",
            way_out="Look at what they changed, then save again if yours must stand.",
        )
    before_quad = asset.quad
    different = differences(
        {name: getattr(asset, name) for name in changes}, {name: changes[name] for name in changes}
    )
    if not different:
        return asset
    if "parent_id" in different:
        _check_parent(asset, changes["parent_id"], scope)
    for name, value in changes.items():
        setattr(asset, name, value)
    if "parent_id" in different and asset.parent_id is None:
        asset.parent_key = ""  # otherwise the next import would attach it again, unseen
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
    events.asset_changed(asset, fields=different)
    return asset


@transaction.atomic
def asset_remove(
    uuid: UUID,
    *,
    scope: Scope,
    reason: str = "",
    why: Why = Why.EDIT,
    actor: Actor = SYSTEM,
) -> None:
    """Take an asset off the map and the lists, and its devices off it.

    Its history and its series stay, and it can be put back; ``reason`` is kept with the date
    and the person.

    Raises:
        AssetNotFound: there is no such asset in the scope.
    """
    asset = _locked(uuid, scope)
    if asset.removed_at is not None:
        return
    attached = Attachment.objects.filter(asset=asset, attached_until__isnull=True)
    for device_uuid in list(attached.values_list("device__uuid", flat=True)):
        device_detach(device_uuid, why=why)
    asset.removed_at = asset.updated_at = now()
    asset.state, asset.rule_state = AssetState.NORMAL, AssetState.NORMAL
    asset.absent_from = ""
    asset.save(update_fields=["removed_at", "updated_at", "state", "rule_state", "absent_from"])
    history_write(asset.id, kind=ChangeKind.REMOVED, why=why, note=reason.strip())
    events.asset_removed(asset, reason=reason.strip())
    journal.tell(journal.REMOVED, asset, actor=actor, reason=reason.strip())
    cells_refresh([(asset.domain_key, asset.quad)])


@transaction.atomic
def asset_restore(
    uuid: UUID,
    *,
    scope: Scope,
    reason: str = "",
    why: Why = Why.EDIT,
    actor: Actor = SYSTEM,
) -> None:
    """Put a removed asset back on the map and the lists, without the devices it had.

    Raises:
        AssetNotFound: there is no such asset in the scope.
    """
    asset = _locked(uuid, scope)
    if asset.removed_at is None:
        return
    asset.removed_at, asset.updated_at = None, now()
    asset.state = first_state(asset.type_key)
    asset.save(update_fields=["removed_at", "updated_at", "state"])
    history_write(asset.id, kind=ChangeKind.RESTORED, why=why, note=reason.strip())
    events.asset_restored(asset, reason=reason.strip())
    journal.tell(journal.RESTORED, asset, actor=actor, reason=reason.strip())
    cells_refresh([(asset.domain_key, asset.quad)])


def _locked(uuid: UUID, scope: Scope) -> Asset:
    asset = (
        Asset.objects.select_for_update(of=("self",)).filter(scope_filter(scope), uuid=uuid).first()
    )
    if asset is None:
        raise AssetNotFound("There is no such asset here.")
    return asset


def _check_parent(asset: Asset, parent_id: int | None, scope: Scope) -> None:
    if parent_id is None:
        return
    parent = Asset.objects.filter(
        scope_filter(scope), pk=parent_id, removed_at__isnull=True
    ).first()
    if parent is None:
        raise ParentRefused(
            "The asset to attach it to does not exist, or was removed.",
            field="parent",
            way_out="Choose another one.",
        )
    with connection.cursor() as cursor:
        cursor.execute(_ABOVE, {"first": parent_id, "sought": asset.id})
        (turns_back,) = cursor.fetchone()
    if turns_back:
        raise ParentRefused(
            "{parent} already depends on this asset: each would depend on the other.",
            field="parent",
            value=parent.name or parent.external_key,
            way_out="Attach it to another asset, or detach {parent} first.",
            params={"parent": parent.name or parent.external_key},
        )


_ABOVE = """
WITH RECURSIVE above(id, parent_id) AS (
    SELECT id, parent_id FROM assets_asset WHERE id = %(first)s
    UNION
    SELECT parent.id, parent.parent_id
    FROM assets_asset AS parent JOIN above ON parent.id = above.parent_id
)
SELECT EXISTS (SELECT FROM above WHERE id = %(sought)s)
"""


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
