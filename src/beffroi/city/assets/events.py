"""What this room tells the outside, through the outbox, in the transaction of the effect."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from beffroi.city.assets.models import Asset, ImportRun
from beffroi.foundation.messaging.api import Topic, outbox_append, topics_declare

_NARROWS = frozenset({"domains", "areas", "types"})
_INTERNAL = "_id"
"""Fields named so hold numbers of rows, which mean nothing outside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetTold:
    """An asset as the outside knows it.

    Attributes:
        area: number of the finest area; the outside gets its UUID in its place.
    """

    id: UUID
    domain: str
    type: str
    area: int | None
    name: str
    external_key: str
    lon: float
    lat: float
    properties: Mapping[str, Any]
    removed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetCreated:
    """An asset was added, by hand or by claiming a device."""

    topic: ClassVar[str] = "asset.created"
    asset: AssetTold


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetChanged:
    """Fields of an asset differ; ``changed`` names them, the asset is as it is now."""

    topic: ClassVar[str] = "asset.changed"
    asset: AssetTold
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetRemoved:
    """An asset was taken out of service."""

    topic: ClassVar[str] = "asset.removed"
    asset: AssetTold
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetRestored:
    """An asset was put back in service."""

    topic: ClassVar[str] = "asset.restored"
    asset: AssetTold
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFinished:
    """A file of assets was imported: one event, whatever the number of assets."""

    topic: ClassVar[str] = "import.finished"
    id: UUID
    file_name: str
    domain: str
    type: str
    counts: Mapping[str, int] = field(default_factory=dict)


TOPICS = (
    Topic(
        key=AssetCreated.topic,
        label=_("Asset added"),
        help=_("An asset was added by hand or with a device; not by an import."),
        narrows=_NARROWS,
    ),
    Topic(
        key=AssetChanged.topic,
        label=_("Asset changed"),
        help=_("Somebody changed an asset: its name, its place, its properties."),
        narrows=_NARROWS,
    ),
    Topic(
        key=AssetRemoved.topic,
        label=_("Asset taken out of service"),
        help=_("With the reason, where one was given."),
        narrows=_NARROWS,
    ),
    Topic(
        key=AssetRestored.topic,
        label=_("Asset put back in service"),
        help=_("With the reason, where one was given."),
        narrows=_NARROWS,
    ),
    Topic(
        key=ImportFinished.topic,
        label=_("Import finished"),
        help=_("One event per file, with the number of assets added, changed and refused."),
        narrows=frozenset({"domains", "types"}),
    ),
)


def declare() -> None:
    """Name this room's events."""
    topics_declare(TOPICS)


def asset_created(asset: Asset) -> None:
    """Tell that an asset was added."""
    outbox_append(AssetCreated(asset=_told(asset)))


def asset_changed(asset: Asset, *, fields: Iterable[str]) -> None:
    """Tell that fields of an asset changed."""
    named = {name.removesuffix(_INTERNAL) for name in fields}
    outbox_append(AssetChanged(asset=_told(asset), changed=tuple(sorted(named))))


def asset_removed(asset: Asset, *, reason: str) -> None:
    """Tell that an asset was taken out of service."""
    outbox_append(AssetRemoved(asset=_told(asset), reason=reason))


def asset_restored(asset: Asset, *, reason: str) -> None:
    """Tell that an asset was put back in service."""
    outbox_append(AssetRestored(asset=_told(asset), reason=reason))


def import_finished(run: ImportRun, *, domain: str) -> None:
    """Tell what an import did."""
    outbox_append(
        ImportFinished(
            id=run.uuid,
            file_name=run.file_name,
            domain=domain,
            type=run.type_key,
            counts={
                "created": run.created_count,
                "updated": run.updated_count,
                "unchanged": run.unchanged_count,
                "restored": run.restored_count,
                "refused": run.refused_count,
                "absent": run.absent_count,
            },
        )
    )


def _told(asset: Asset) -> AssetTold:
    return AssetTold(
        id=asset.uuid,
        domain=asset.domain_key,
        type=asset.type_key,
        area=asset.area_id,
        name=asset.name,
        external_key=asset.external_key,
        lon=asset.lon,
        lat=asset.lat,
        properties=asset.properties,
        removed=asset.removed_at is not None,
    )
