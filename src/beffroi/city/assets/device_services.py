"""Writes about devices: making, attaching, replacing, detaching."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from beffroi.city.assets.contracts import (
    AssetNotFound,
    ChangeKind,
    DeviceAlreadyAttached,
    DeviceNotFound,
    Why,
)
from beffroi.city.assets.device_selectors import named, within
from beffroi.city.assets.history import history_write
from beffroi.city.assets.models import Asset, Attachment, Device
from beffroi.foundation.accounts.contracts import Scope
from beffroi.foundation.database.api import current_user_id, required_territory_id
from beffroi.kernel.clock import now
from beffroi.kernel.errors import Conflict
from beffroi.kernel.identifiers import uuid7


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDevice:
    """A device as a form, a claim or a file gives it."""

    identifier: str
    model: str = ""
    model_ref_id: int | None = None
    codec_key: str = ""
    mapping: Mapping[str, Any] = field(default_factory=dict)
    source_id: int | None = None


@transaction.atomic
def device_create(new: NewDevice) -> Device:
    """Write one device, attached to nothing.

    Raises:
        Conflict: the source already has a device of this identifier.
    """
    try:
        with transaction.atomic():
            return Device.objects.create(
                territory_id=required_territory_id(),
                identifier=new.identifier,
                model=new.model,
                model_ref_id=new.model_ref_id,
                codec_key=new.codec_key,
                mapping=dict(new.mapping),
                source_id=new.source_id,
            )
    except IntegrityError as error:
        raise Conflict(
            "There is already a device {identifier}.",
            code="device.exists",
            params={"identifier": new.identifier},
        ) from error


@transaction.atomic
def device_update(uuid: UUID, *, changes: Mapping[str, Any]) -> Device:
    """Change the model, the codec, the mapping or the source of a device.

    Raises:
        DeviceNotFound: there is none.
        KeyError: a field is not one of those.
    """
    device = _device(uuid)
    for name, value in changes.items():
        if name not in _DEVICE_FIELDS:
            raise KeyError(name)
        setattr(device, name, value)
    device.save(update_fields=list(changes))
    return device


@transaction.atomic
def device_attach(
    uuid: UUID,
    *,
    asset_uuid: UUID,
    at: datetime | None = None,
    why: Why = Why.DEVICE,
) -> Attachment:
    """Let a device speak for an asset from an instant on.

    Raises:
        DeviceNotFound, AssetNotFound: one of them does not exist.
        DeviceAlreadyAttached: the device speaks for another asset.
    """
    device, asset = _device(uuid), _asset(asset_uuid)
    current = Attachment.objects.filter(device=device, attached_until__isnull=True).first()
    if current is not None:
        if current.asset_id == asset.id:
            return current
        raise DeviceAlreadyAttached(
            "The device {identifier} already speaks for another asset.",
            way_out="Detach it there first.",
            params={"identifier": device.identifier},
        )
    attachment = Attachment.objects.create(
        territory_id=required_territory_id(), device=device, asset=asset, attached_from=at or now()
    )
    history_write(
        asset.id,
        kind=ChangeKind.ATTACHED,
        why=why,
        changes={"device": (None, device.identifier)},
    )
    return attachment


@transaction.atomic
def device_detach(uuid: UUID, *, at: datetime | None = None, why: Why = Why.DEVICE) -> None:
    """End the period during which a device speaks for an asset; nothing if it does not.

    Raises:
        DeviceNotFound: there is no such device.
    """
    device = _device(uuid)
    current = (
        Attachment.objects.select_for_update()
        .filter(device=device, attached_until__isnull=True)
        .first()
    )
    if current is None:
        return
    current.attached_until = max(at or now(), current.attached_from)
    current.save(update_fields=["attached_until"])
    history_write(
        current.asset_id,
        kind=ChangeKind.DETACHED,
        why=why,
        changes={"device": (device.identifier, None)},
    )


@transaction.atomic
def device_replace(uuid: UUID, *, by: UUID, at: datetime | None = None) -> Attachment:
    """Put another device in the place of one; streams belong to the asset and go on.

    Raises:
        DeviceNotFound: one of the two does not exist.
        Conflict: the first speaks for no asset.
        DeviceAlreadyAttached: the second speaks for another asset.
    """
    old = _device(uuid)
    current = (
        Attachment.objects.filter(device=old, attached_until__isnull=True)
        .select_related("asset")
        .first()
    )
    if current is None:
        raise Conflict(
            "The device {identifier} speaks for no asset.",
            code="device.not_attached",
            way_out="Attach the new device to its asset directly.",
            params={"identifier": old.identifier},
        )
    instant = at or now()
    device_detach(uuid, at=instant)
    return device_attach(by, asset_uuid=current.asset.uuid, at=instant)


@transaction.atomic
def devices_model_set(model_ref_id: int, *, text: str, scope: Scope) -> int:
    """Give a device model to every device of these words that has none; return how many.

    Args:
        model_ref_id: number of the model.
        text: beginning of the identifier, or part of what the network calls the model.
        scope: devices of assets outside it are left alone.
    """
    return Device.objects.filter(
        named(text), within(scope), removed_at__isnull=True, model_ref__isnull=True
    ).update(model_ref_id=model_ref_id)


@transaction.atomic
def devices_attach_many(
    pairs: Sequence[tuple[NewDevice, str]],
    *,
    type_key: str,
    at: datetime | None = None,
    why: Why = Why.DEVICE,
) -> int:
    """Make devices and attach each to the asset of an external key; return how many are new.

    Devices that exist keep their facts, those already attached stay where they are, and a pair
    whose asset does not exist only makes the device.
    """
    if not pairs:
        return 0
    given: dict[str, Any] = {
        "territory": required_territory_id(),
        "identifiers": [device.identifier for device, _ in pairs],
        "models": [device.model for device, _ in pairs],
        "codecs": [device.codec_key for device, _ in pairs],
        "sources": [device.source_id for device, _ in pairs],
        "mappings": [json.dumps(dict(device.mapping), ensure_ascii=False) for device, _ in pairs],
        "uuids": [uuid7() for _ in pairs],
        "keys": [key for _, key in pairs],
        "type": type_key,
        "now": now(),
        "at": at or now(),
        "user": current_user_id(),
        "why": why.value,
    }
    with connection.cursor() as cursor:
        cursor.execute(_MAKE_DEVICES, given)
        cursor.execute(_ATTACH_DEVICES, given)
        return int(cursor.fetchone()[0])


_DEVICE_FIELDS = frozenset(
    {"model", "model_ref_id", "codec_key", "mapping", "source_id", "removed_at"}
)
_MAKE_DEVICES = """
INSERT INTO assets_device (territory_id, uuid, identifier, source_id, model, codec_key, mapping,
    radio, created_at)
SELECT %(territory)s, uuid, identifier, source_id, model, codec_key, mapping::jsonb,
    '{}'::jsonb, %(now)s
FROM unnest(%(uuids)s::uuid[], %(identifiers)s::text[], %(sources)s::bigint[],
    %(models)s::text[], %(codecs)s::text[], %(mappings)s::text[])
    AS given(uuid, identifier, source_id, model, codec_key, mapping)
ON CONFLICT (territory_id, identifier, source_id) DO NOTHING
"""
_ATTACH_DEVICES = """
WITH given AS (
    SELECT identifier, source_id, external_key
    FROM unnest(%(identifiers)s::text[], %(sources)s::bigint[], %(keys)s::text[])
        AS given(identifier, source_id, external_key)
), attached AS (
    INSERT INTO assets_attachment (territory_id, device_id, asset_id, attached_from)
    SELECT %(territory)s, device.id, asset.id, %(at)s
    FROM given
    JOIN assets_device AS device ON device.identifier = given.identifier
        AND device.source_id IS NOT DISTINCT FROM given.source_id
    JOIN assets_asset AS asset ON asset.type_key = %(type)s
        AND asset.external_key = given.external_key AND asset.removed_at IS NULL
    ON CONFLICT (device_id) WHERE attached_until IS NULL DO NOTHING
    RETURNING asset_id, device_id
), told AS (
    INSERT INTO assets_change (territory_id, asset_id, at, kind, why, changes, user_id)
    SELECT %(territory)s, attached.asset_id, %(now)s, 'attached', %(why)s,
        jsonb_build_object('device', jsonb_build_array(NULL, device.identifier)), %(user)s
    FROM attached JOIN assets_device AS device ON device.id = attached.device_id
)
SELECT count(*) FROM attached
"""


def _device(uuid: UUID) -> Device:
    device = Device.objects.select_for_update().filter(uuid=uuid).first()
    if device is None:
        raise DeviceNotFound("There is no such device here.")
    return device


def _asset(uuid: UUID) -> Asset:
    asset = Asset.objects.filter(uuid=uuid, removed_at__isnull=True).first()
    if asset is None:
        raise AssetNotFound("There is no such asset here.")
    return asset
