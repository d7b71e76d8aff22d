"""An agent says what a device is; what it sent before is decoded."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.db import connection, transaction

from beffroi.city.assets.api import (
    WHOLE,
    DeviceSummary,
    NewAsset,
    NewDevice,
    Why,
    asset_create,
    asset_get,
    device_attach,
    device_by_identifier,
    device_create,
    device_get,
    device_replace,
    device_update,
)
from beffroi.city.codecs.api import (
    HELD,
    NO_RULES,
    ModelView,
    is_script,
    library_as_model,
    model_create,
    model_get,
    models_list,
    script_text,
)
from beffroi.city.ingest import events, journal
from beffroi.city.ingest.batches import error_json
from beffroi.city.ingest.catalogue import catalogue
from beffroi.city.ingest.contracts import (
    Claim,
    ClaimRefused,
    ClaimResult,
    PreviewRow,
    RedecodeCount,
    Status,
    UnclaimedNotFound,
)
from beffroi.city.ingest.decoding import AttachedAsset, DeviceEntry
from beffroi.city.ingest.flush import CLAIM_LOCK
from beffroi.city.ingest.models import Message, Source, UnclaimedDevice
from beffroi.city.ingest.redecoding import (
    decode_messages,
    messages_redecode,
    messages_redecode_part,
)
from beffroi.city.ingest.selectors import sentence, source_row
from beffroi.city.ingest.tasks import source_redecode_all
from beffroi.foundation.accounts.contracts import Scope
from beffroi.foundation.audit.api import SYSTEM, Actor, Subject, audit_record
from beffroi.foundation.database.api import required_territory_id
from beffroi.kernel.clock import now
from beffroi.kernel.identifiers import dev_eui

DECODED_AT_ONCE = 5_000
"""Messages decoded while the agent waits; the pulse does the others."""

PREVIEW_ROWS = 5


@transaction.atomic
def device_claim(
    claim: Claim, *, scope: Scope = WHOLE, actor: Actor = SYSTEM, ip: str = ""
) -> ClaimResult:
    """Make the device, attach it to its asset, and decode what was kept of it, in order.

    Claiming again what is claimed already changes nothing and tells what there is.

    Raises:
        SourceNotFound, AssetNotFound: one of them does not exist, or is outside the scope.
        UnclaimedNotFound: nothing was heard of such a device.
        ClaimRefused: the device speaks for another asset, or no asset is named.
    """
    _keep_apart()
    source = source_row(claim.source_uuid)
    waiting = (
        UnclaimedDevice.objects.select_for_update()
        .filter(source=source, identifier=claim.identifier)
        .first()
    )
    device = device_by_identifier(claim.identifier, source_id=source.id)
    if device is not None and device.asset_uuid is not None:
        return _claimed_already(claim, device)
    if waiting is None:
        raise UnclaimedNotFound("No device of this name waits to be claimed.")
    asset_uuid = _asset_of(claim, scope)
    device_uuid = _device_of(
        claim,
        source,
        device,
        model=claim.model or waiting.model,
        model_ref_id=_model_of(claim, actor=actor, ip=ip),
    )
    device_attach(
        device_uuid,
        asset_uuid=asset_uuid,
        at=min(waiting.first_seen_at, now()),
        why=Why.CLAIM,
    )
    waiting.claimed_at = now()
    waiting.save(update_fields=["claimed_at"])
    count = _decode_kept(waiting, limit=DECODED_AT_ONCE)
    events.device_claimed(device_uuid, identifier=claim.identifier, asset=asset_uuid)
    audit_record(
        journal.DEVICE_CLAIMED,
        actor=actor,
        territory_id=required_territory_id(),
        subject=Subject("device", device_uuid, claim.identifier),
        detail={"asset": str(asset_uuid), "codec": claim.codec_key, "messages": count.messages},
        ip=ip,
    )
    return ClaimResult(
        device_uuid=device_uuid,
        asset_uuid=asset_uuid,
        messages=count.messages,
        decoded=count.decoded,
        undecodable=count.undecodable,
    )


def claim_preview(
    claim: Claim, *, scope: Scope = WHOLE, limit: int = PREVIEW_ROWS
) -> list[PreviewRow]:
    """Return what the last messages of a device would give under a claim; nothing is written.

    Raises:
        SourceNotFound, AssetNotFound: one of them does not exist, or is outside the scope.
    """
    source = source_row(claim.source_uuid)
    type_key = claim.type_key
    if claim.asset_uuid is not None:
        type_key = asset_get(claim.asset_uuid, scope=scope).summary.type_key
    since = now()
    attached = AttachedAsset(0, "", type_key, "", None, since, None)
    model = claimed_model(claim)
    codec_key = claim.codec_key or ("" if model is None else model.codec_key)
    device = DeviceEntry(
        0,
        claim.identifier,
        codec_key,
        dict(claim.mapping),
        (attached,),
        rules=NO_RULES if model is None else model.fields,
        script=script_text(codec_key) if is_script(codec_key) else None,
    )
    rows = Message.objects.filter(source=source, device_identifier=claim.identifier).exclude(
        status=Status.NOTICE.value
    )
    preview = []
    last = [(row, device, source) for row in rows.order_by("-id")[:limit]]
    for (row, _, _), read in zip(last, decode_messages(last, installed=catalogue()), strict=True):
        error = sentence(error_json(read.error, read.error_params) if read.error else None)
        preview.append(
            PreviewRow(
                observed_at=row.observed_at,
                status=read.status,
                readings=tuple((name, value, taken) for name, value, _at, taken in read.told),
                error=error,
                payload=None if row.payload is None else bytes(row.payload),
            )
        )
    return preview


def held_settle(*, limit: int = DECODED_AT_ONCE) -> RedecodeCount:
    """Decode what came while its script was left aside, once it no longer is."""
    found = Message.objects.filter(
        status=Status.UNDECODABLE.value, error_code__in=[HELD, "codec.waits", "codec.engine"]
    )
    count, _last = messages_redecode_part(found, limit=limit)
    return count


def claims_settle(*, limit: int = DECODED_AT_ONCE) -> RedecodeCount:
    """Decode what claims have left to decode in the current territory."""
    total = RedecodeCount()
    for waiting in UnclaimedDevice.objects.filter(claimed_at__isnull=False).order_by("id"):
        with transaction.atomic():
            count = _decode_kept(waiting, limit=limit)
        total = total.plus(count)
    return total


@transaction.atomic
def device_replace_by(
    uuid: UUID, *, identifier: str, actor: Actor = SYSTEM, ip: str = ""
) -> DeviceSummary:
    """Put another device in the place of one: it takes over the asset, the codec, the mapping.

    Raises:
        DeviceNotFound: the device to replace does not exist.
        Conflict: it speaks for nothing, or the other one speaks for another asset.
    """
    _keep_apart()
    old = device_get(uuid)
    name = normal_name(identifier)
    new = device_by_identifier(name, source_id=old.source_id)
    if new is None:
        row = device_create(
            NewDevice(
                identifier=name,
                model=old.model,
                model_ref_id=old.model_ref_id,
                codec_key=old.codec_key,
                mapping=old.mapping,
                source_id=old.source_id,
            )
        )
        new_uuid = row.uuid
    else:
        new_uuid = new.uuid
    if new_uuid == uuid:
        raise ClaimRefused("A device does not replace itself.", code="device.same")
    device_replace(uuid, by=new_uuid)
    waiting = UnclaimedDevice.objects.filter(identifier=name, claimed_at__isnull=True)
    waiting.update(claimed_at=now())
    events.device_replaced(
        new_uuid,
        identifier=name,
        former=uuid,
        former_identifier=old.identifier,
        asset=old.asset_uuid,
    )
    audit_record(
        journal.DEVICE_REPLACED,
        actor=actor,
        territory_id=required_territory_id(),
        subject=Subject("device", uuid, old.identifier),
        detail={"by": name},
        ip=ip,
    )
    return device_get(new_uuid)


@transaction.atomic
def device_read_as(
    uuid: UUID,
    *,
    model: str,
    codec_key: str,
    mapping: Mapping[str, str],
    model_uuid: UUID | None = None,
    actor: Actor = SYSTEM,
    ip: str = "",
) -> RedecodeCount:
    """Change how a device is read, and read what was kept of it again.

    Raises:
        DeviceNotFound, ModelNotFound: one of them does not exist.
    """
    changes = {
        "model": model,
        "model_ref_id": None if model_uuid is None else model_get(model_uuid).id,
        "codec_key": codec_key,
        "mapping": dict(mapping),
    }
    device = device_update(uuid, changes=changes)
    total = RedecodeCount()
    sources = Message.objects.filter(device_identifier=device.identifier).values_list(
        "source_id", flat=True
    )
    for source_id in sorted(set(sources.order_by().distinct())):
        if device.source_id in {None, source_id}:
            count = messages_redecode(
                device=(source_id, device.identifier), limit=DECODED_AT_ONCE, newest_first=True
            )
            total = total.plus(count)
    audit_record(
        journal.DEVICE_READING,
        actor=actor,
        territory_id=required_territory_id(),
        subject=Subject("device", uuid, device.identifier),
        detail={"codec": codec_key, "messages": total.messages},
        ip=ip,
    )
    return total


@transaction.atomic
def source_redecode(
    uuid: UUID, *, limit: int, actor: Actor = SYSTEM, ip: str = ""
) -> RedecodeCount:
    """Read the last messages of a source again, with the codecs and settings of today.

    When there are more than ``limit``, all are read again by a job that is queued in the same
    transaction.

    Raises:
        SourceNotFound: there is no such source.
    """
    source = source_row(uuid)
    count = messages_redecode(source=source, limit=limit, newest_first=True)
    if count.messages >= limit:
        source_redecode_all.defer(
            territory_id=required_territory_id(), source_uuid=str(source.uuid)
        )
    audit_record(
        journal.MESSAGES_REDECODED,
        actor=actor,
        territory_id=required_territory_id(),
        subject=Subject("source", uuid, source.name),
        detail={"messages": count.messages, "decoded": count.decoded},
        ip=ip,
    )
    return count


def normal_name(identifier: str) -> str:
    """Return a DevEUI in its normal form, and any other name as it is written."""
    try:
        return dev_eui(identifier)
    except ValueError:
        return identifier.strip()


def _keep_apart() -> None:
    """Wait for flushes that hold unclaimed messages, and hold the next ones back."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, %s)", [CLAIM_LOCK, required_territory_id()]
        )


def _decode_kept(waiting: UnclaimedDevice, *, limit: int) -> RedecodeCount:
    """Decode the oldest of what waits; the row goes once nothing waits any more."""
    device = (waiting.source_id, waiting.identifier)
    count = messages_redecode(device=device, only=(Status.UNCLAIMED,), limit=limit)
    if count.messages < limit:
        waiting.delete()
    return count


def _claimed_already(claim: Claim, device: DeviceSummary) -> ClaimResult:
    if device.asset_uuid is None or (claim.asset_uuid or device.asset_uuid) != device.asset_uuid:
        raise ClaimRefused(
            "The device {identifier} already speaks for another asset.",
            code="device.attached",
            way_out="Detach it there first.",
            params={"identifier": claim.identifier},
        )
    return ClaimResult(
        device_uuid=device.uuid, asset_uuid=device.asset_uuid, messages=0, decoded=0, undecodable=0
    )


def _asset_of(claim: Claim, scope: Scope) -> UUID:
    if claim.asset_uuid is not None:
        return asset_get(claim.asset_uuid, scope=scope).summary.uuid
    if not claim.type_key or claim.lon is None or claim.lat is None:
        raise ClaimRefused(
            "Choose an asset, or say what the new one is and where it stands.",
            code="claim.no_asset",
        )
    asset = asset_create(
        NewAsset(external_key=claim.identifier, name=claim.name, lon=claim.lon, lat=claim.lat),
        type_key=claim.type_key,
        why=Why.CLAIM,
    )
    domain, area = asset.domain_key, asset.area_id
    if not scope.covers(domain=domain, area_id=area):
        raise ClaimRefused(
            "You may not add an asset of this service at this place.", code="claim.scope"
        )
    return asset.uuid


def claimed_model(claim: Claim) -> ModelView | None:
    """Return the device model that a claim names; one of the library as it would become.

    Raises:
        ModelNotFound: there is none.
    """
    if claim.model_uuid is not None:
        return model_get(claim.model_uuid)
    if claim.library_model is None:
        return None
    adopted = next(
        (item for item in models_list() if item.library_model == claim.library_model), None
    )
    return adopted or library_as_model(claim.library_model)


def _model_of(claim: Claim, *, actor: Actor, ip: str) -> int | None:
    model = claimed_model(claim)
    if model is None or model.id:
        return None if model is None else model.id
    return model_create(
        name=model.name,
        vendor=model.vendor,
        codec_key=model.codec_key,
        library_model=model.library_model,
        actor=actor,
        ip=ip,
    ).id


def _device_of(
    claim: Claim,
    source: Source,
    device: DeviceSummary | None,
    *,
    model: str,
    model_ref_id: int | None,
) -> UUID:
    if device is None:
        return device_create(
            NewDevice(
                identifier=claim.identifier,
                model=model,
                model_ref_id=model_ref_id,
                codec_key=claim.codec_key,
                mapping=dict(claim.mapping),
                source_id=source.id,
            )
        ).uuid
    changes: dict[str, object] = {
        "codec_key": claim.codec_key,
        "mapping": dict(claim.mapping),
        "model_ref_id": model_ref_id,
    }
    device_update(device.uuid, changes={**changes, **({"model": model} if model else {})})
    return device.uuid
