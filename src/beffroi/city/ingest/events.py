"""What this room tells the outside, through the outbox, in the transaction of the effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import msgspec
from django.utils.translation import gettext_lazy as _

from beffroi.city.assets.api import WHOLE, asset_get
from beffroi.city.ingest.announcing import Changes
from beffroi.city.ingest.decoding import AttachedAsset
from beffroi.city.ingest.models import Source
from beffroi.city.ingest.postgres import Connection
from beffroi.foundation.messaging.api import (
    WANTED_SELECT,
    Topic,
    outbox_append,
    outbox_columns,
    outbox_wanted,
    topics_declare,
)

OBSERVATIONS = "observations"
CHANGES_AT_ONCE = 500
"""Assets of one event: an event of observations stays far below what one POST may carry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTold:
    """A source as the outside knows it."""

    id: UUID
    name: str
    connector: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceEnabled:
    """The door of a source was opened again."""

    topic: ClassVar[str] = "source.enabled"
    source: SourceTold


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDisabled:
    """The door of a source was closed."""

    topic: ClassVar[str] = "source.disabled"
    source: SourceTold


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceClaimed:
    """Somebody said for which asset a device speaks."""

    topic: ClassVar[str] = "device.claimed"
    device: Mapping[str, Any]
    asset: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceReplaced:
    """A device took the place of another."""

    topic: ClassVar[str] = "device.replaced"
    former: Mapping[str, Any]
    device: Mapping[str, Any]
    asset: Mapping[str, Any]


_NARROWS = frozenset({"domains", "areas", "types"})
TOPICS = (
    Topic(
        key=OBSERVATIONS,
        label=_("New measurements"),
        help=_(
            "The latest values that changed, several assets at a time, within seconds of their "
            "arrival."
        ),
        narrows=_NARROWS | {"measures"},
    ),
    Topic(
        key=DeviceClaimed.topic,
        label=_("Device claimed"),
        help=_("Somebody said for which asset a device speaks."),
        narrows=_NARROWS,
    ),
    Topic(
        key=DeviceReplaced.topic,
        label=_("Device replaced"),
        help=_("A device took the place of another on an asset."),
        narrows=_NARROWS,
    ),
    Topic(
        key=SourceDisabled.topic,
        label=_("Source stopped"),
        help=_("What the source sends is refused from now on."),
    ),
    Topic(
        key=SourceEnabled.topic,
        label=_("Source opened again"),
        help=_("What the source sends is accepted again."),
    ),
)


def declare() -> None:
    """Name this room's events."""
    topics_declare(TOPICS)


def source_switched(source: Source) -> None:
    """Tell that the door of a source was opened or closed."""
    told = SourceTold(id=source.uuid, name=source.name, connector=source.connector_key)
    outbox_append(SourceEnabled(source=told) if source.enabled else SourceDisabled(source=told))


def device_claimed(uuid: UUID, *, identifier: str, asset: UUID) -> None:
    """Tell for which asset a device speaks."""
    if outbox_wanted(DeviceClaimed.topic):
        device = {"id": uuid, "identifier": identifier}
        outbox_append(DeviceClaimed(device=device, asset=_asset(asset)))


def device_replaced(
    uuid: UUID, *, identifier: str, former: UUID, former_identifier: str, asset: UUID | None
) -> None:
    """Tell that a device took the place of another."""
    if asset is not None and outbox_wanted(DeviceReplaced.topic):
        outbox_append(
            DeviceReplaced(
                former={"id": former, "identifier": former_identifier},
                device={"id": uuid, "identifier": identifier},
                asset=_asset(asset),
            )
        )


def observation_events(
    territory_id: int,
    changes: Changes,
    assets: Mapping[int, AttachedAsset],
    *,
    at: datetime,
) -> dict[str, Any]:
    """Return the parameters of ``OUTBOX_INSERT`` for latest values that changed.

    Only worth calling when :class:`ObservationInterest` says that somebody wants it.
    """
    texts = [
        (OBSERVATIONS, msgspec.json.encode({"changes": part}).decode())
        for part in _parts(changes, assets)
    ]
    return outbox_columns(territory_id, texts, at=at)


class ObservationInterest:
    """Whether anybody in a territory wants observations, remembered by one ingest process.

    The process listens to ``WEBHOOKS_CHANNEL`` and calls :meth:`forget`; while it does not hear
    (:meth:`remember` with False) nothing is remembered, and each flush asks.
    """

    def __init__(self) -> None:
        self._known: dict[int, bool] = {}
        self._hears = False
        self._forgotten = 0

    def remember(self, hears: bool) -> None:  # noqa: FBT001 - it is the whole of the call
        """Note that notifications are heard from now on, or are not."""
        self._hears = hears
        self._known.clear()
        self._forgotten += 1

    def forget(self, territory_id: int) -> None:
        """Note that a webhook of a territory changed."""
        self._known.pop(territory_id, None)
        self._forgotten += 1

    async def wanted(self, connection: Connection, territory_id: int) -> bool:
        """Tell whether somebody wants observations; the transaction acts for the territory."""
        known = self._known.get(territory_id)
        if known is not None:
            return known
        before = self._forgotten
        found = await connection.execute(
            WANTED_SELECT, {"territory_id": territory_id, "topic": OBSERVATIONS}
        )
        row = await found.fetchone()
        wanted = bool(row and row[0])
        # An answer older than a notification that came meanwhile is not kept.
        if self._hears and before == self._forgotten:
            self._known[territory_id] = wanted
        return wanted


def _parts(changes: Changes, assets: Mapping[int, AttachedAsset]) -> Iterator[list[Any]]:
    part: list[Any] = []
    for asset_id, values in changes.items():
        asset = assets[asset_id]
        part.append([asset.uuid, asset.domain_key, asset.area_id, asset.type_key, values])
        if len(part) == CHANGES_AT_ONCE:
            yield part
            part = []
    if part:
        yield part


def _asset(uuid: UUID) -> dict[str, Any]:
    found = asset_get(uuid, scope=WHOLE).summary
    return {
        "id": found.uuid,
        "domain": found.domain_key,
        "type": found.type_key,
        "area": found.area_id,
        "name": found.name,
        "external_key": found.external_key,
    }
