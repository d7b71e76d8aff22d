"""Reads about devices."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Count, F, Prefetch, Q, QuerySet
from django.utils.translation import gettext

from beffroi.city.assets.contracts import AssetState, DeviceNotFound, DeviceSummary, own_key
from beffroi.city.assets.models import Asset, Attachment, Device
from beffroi.city.assets.scopes import scope_filter
from beffroi.foundation.accounts.contracts import Scope
from beffroi.foundation.territories.api import proper_name
from beffroi.sdk.registry import asset_types

MAX_DEVICES = 500
_CURRENT = Prefetch(
    "attachments",
    queryset=Attachment.objects.filter(attached_until__isnull=True)
    .select_related("asset__area")
    .defer("asset__shape", "asset__properties", "asset__area__boundary", "asset__area__bbox"),
    to_attr="current_attachments",
)


def device_get(uuid: UUID) -> DeviceSummary:
    """Return one device with the asset it speaks for now.

    Raises:
        DeviceNotFound: there is none.
    """
    device = Device.objects.filter(uuid=uuid).prefetch_related(_CURRENT).first()
    if device is None:
        raise DeviceNotFound("There is no such device here.")
    return device_summary(device)


def device_by_identifier(identifier: str, *, source_id: int | None = None) -> DeviceSummary | None:
    """Return the device of this name: the source's own first, else the one of no source."""
    found = (
        Device.objects.filter(Q(source_id=source_id) | Q(source_id__isnull=True))
        .filter(identifier=identifier, removed_at__isnull=True)
        .order_by(F("source_id").asc(nulls_last=True))
        .prefetch_related(_CURRENT)
        .first()
    )
    return None if found is None else device_summary(found)


def devices_page(
    *,
    text: str = "",
    attached: bool | None = None,
    silent: bool = False,
    model_ref_id: int | None = None,
    after: str = "",
    limit: int = 50,
    scope: Scope | None = None,
) -> tuple[list[DeviceSummary], str]:
    """Return devices in the order of their identifiers, and the cursor of the next page.

    Args:
        text: beginning of the identifier, or part of the model.
        attached: only those that speak for an asset, or only those that do not.
        silent: only those whose asset is silent.
        model_ref_id: only those of a device model.
        after: cursor of a former page.
        limit: number of devices.
        scope: hides devices of assets outside it; None hides nothing.
    """
    found: QuerySet[Device] = Device.objects.filter(removed_at__isnull=True)
    current = Attachment.objects.filter(attached_until__isnull=True)
    if text:
        found = found.filter(named(text))
    if silent:
        found = found.filter(
            id__in=current.filter(asset__state=AssetState.SILENT).values("device_id")
        )
    if model_ref_id is not None:
        found = found.filter(model_ref_id=model_ref_id)
    if attached is not None:
        inside = Q(id__in=current.values("device_id"))
        found = found.filter(inside if attached else ~inside)
    if scope is not None:
        found = found.filter(within(scope))
    if after:
        identifier, _, last = after.replace("\x00", "").rpartition(" ")
        found = found.filter(identifier__gte=identifier).filter(
            Q(identifier__gt=identifier) | Q(id__gt=int(last) if last.isdecimal() else 0)
        )
    rows = list(
        found.order_by("identifier", "id").prefetch_related(_CURRENT)[: min(limit, MAX_DEVICES) + 1]
    )
    page = rows[:limit]
    more = f"{page[-1].identifier} {page[-1].id}" if len(rows) > limit else ""
    return [device_summary(row) for row in page], more


def named(text: str) -> Q:
    """Return what devices of these words fulfil: how the identifier begins, part of the model."""
    words = text.strip().replace("\x00", "")
    return Q(identifier__startswith=words.lower()) | Q(model__icontains=words)


def within(scope: Scope) -> Q:
    """Return what devices fulfil that speak for no asset, or for one within the scope."""
    if scope.everything:
        return Q()
    current = Attachment.objects.filter(attached_until__isnull=True)
    inside = current.filter(scope_filter(scope, prefix="asset__"))
    return ~Q(id__in=current.values("device_id")) | Q(id__in=inside.values("device_id"))


def devices_per_model() -> dict[int, int]:
    """Return how many devices each device model has, by the model's number."""
    rows = Device.objects.filter(removed_at__isnull=True, model_ref__isnull=False)
    return dict(rows.values_list("model_ref_id").annotate(n=Count("id")))


def devices_of_model(model_ref_id: int) -> QuerySet[Device]:
    """Return the devices of a device model."""
    return Device.objects.filter(model_ref_id=model_ref_id, removed_at__isnull=True)


def asset_types_of_model(model_ref_id: int) -> list[str]:
    """Return the types of the assets that devices of a model speak for now."""
    rows = Attachment.objects.filter(
        device__model_ref_id=model_ref_id, attached_until__isnull=True
    ).values_list("asset__type_key", flat=True)
    return sorted(set(rows.order_by().distinct()))


def devices_unmodelled(*, text: str, scope: Scope) -> int:
    """Return how many devices of these words have no device model yet."""
    return Device.objects.filter(
        named(text), within(scope), removed_at__isnull=True, model_ref__isnull=True
    ).count()


def devices_of(asset_ids: Iterable[int]) -> dict[int, list[DeviceSummary]]:
    """Return the devices that speak now for each asset."""
    found: dict[int, list[DeviceSummary]] = {}
    rows = Attachment.objects.filter(
        asset_id__in=list(asset_ids), attached_until__isnull=True
    ).select_related("device")
    for row in rows:
        found.setdefault(row.asset_id, []).append(device_summary(row.device))
    return found


def device_summary(device: Device) -> DeviceSummary:
    """Return the contract of a row, with its asset when the attachment was prefetched."""
    current: list[Attachment] = getattr(device, "current_attachments", [])
    attachment = current[0] if current else None
    asset = None if attachment is None else attachment.asset
    return DeviceSummary(
        id=device.id,
        uuid=device.uuid,
        identifier=device.identifier,
        source_id=device.source_id,
        model=device.model,
        codec_key=device.codec_key,
        mapping=device.mapping,
        last_seen_at=device.last_seen_at,
        battery_v=device.battery_v,
        battery_pct=device.battery_pct,
        radio=device.radio,
        asset_id=None if asset is None else asset.id,
        asset_uuid=None if asset is None else asset.uuid,
        asset_title="" if asset is None else _title(asset),
        attached_from=None if attachment is None else attachment.attached_from,
        model_ref_id=device.model_ref_id,
    )


def _title(asset: Asset) -> str:
    """Return what an asset is called: by its own words, or else by its type and its area."""
    own = asset.name or own_key(asset.external_key)
    if own:
        return own
    declared = asset_types().get(asset.type_key)
    label = asset.type_key if declared is None else gettext(declared.label)
    return label if asset.area is None else f"{label}\u00a0· {proper_name(asset.area.name)}"
