from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

from beffroi.kernel.errors import Conflict, InvalidInput, NotFound


class AssetState(IntEnum):
    """What an operator must know of an asset at a glance, in the order that tiles carry it."""

    NORMAL = 0
    ATTENTION = 1
    ALARM = 2
    SILENT = 3
    """Its device, once heard, was not heard within the time its type allows."""
    NEVER_REPORTED = 4
    """Its type measures something, and nothing ever came: no device, or one never heard."""


class Origin(StrEnum):
    """Where what an asset shows comes from; empty when the town's own devices send it."""

    REAL = "real"
    REPLAYED = "replayed"
    SIMULATED = "simulated"
    UNSTATED = ""


class Why(StrEnum):
    """What made an asset change."""

    IMPORT = "import"
    EDIT = "edit"
    CLAIM = "claim"
    DEVICE = "device"
    SYSTEM = "system"


class ChangeKind(StrEnum):
    """What happened to an asset."""

    CREATED = "created"
    UPDATED = "updated"
    REMOVED = "removed"
    RESTORED = "restored"
    ATTACHED = "attached"
    DETACHED = "detached"


class AssetNotFound(NotFound):
    """No such asset in the territory, or not one this person may see."""

    code = "asset.not_found"


class DeviceNotFound(NotFound):
    """No such device in the territory."""

    code = "device.not_found"


class DeviceAlreadyAttached(Conflict):
    """The device speaks for another asset: detach it first."""

    code = "device.attached"


class AssetChangedMeanwhile(Conflict):
    """Somebody changed the asset after it was read."""

    code = "asset.changed_meanwhile"


class ParentRefused(InvalidInput):
    """The asset cannot be attached to that one."""

    code = "asset.parent_refused"


class AssetKeyTaken(Conflict):
    """Another asset of the type has this external key."""

    code = "asset.key_taken"


class ImportRefused(InvalidInput):
    """A file that cannot be imported at all."""

    code = "import.refused"

    def __init__(
        self,
        message: str,
        *,
        field: str,
        value: str,
        way_out: str,
        params: Mapping[str, object] | None = None,
    ) -> None:
        # Names of files and columns are shown as people know them, without Python's quotes.
        super().__init__(
            message,
            field=field,
            value=value,
            way_out=way_out,
            params={"value": value, **(params or {})},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAsset:
    """One asset as a file or a form gives it; ``external_key`` is unique within its type.

    Attributes:
        lon, lat: representative point, WGS 84 degrees.
        shape: GeoJSON geometry of a line or an area, or None for a point.
        parent_key: external key of its parent, which may arrive later.
        name: empty leaves the name that is stored.
        properties: replace those stored under the same keys; None removes one.
    """

    external_key: str
    lon: float
    lat: float
    name: str = ""
    shape: Mapping[str, Any] | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    parent_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpsertCounts:
    """What a bulk write did."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    restored: int = 0

    @property
    def total(self) -> int:
        """Return how many rows were given."""
        return self.created + self.updated + self.unchanged + self.restored


_DERIVED_KEY = re.compile(r"-?\d{1,3}\.\d{6},-?\d{1,2}\.\d{6}(#\d+)?$")


def own_key(external_key: str) -> str:
    """Return the key that its owner gave an asset; empty when it was derived from its place."""
    return "" if _DERIVED_KEY.search(external_key) else external_key


"""What an import writes where a row has no identifier: its longitude and latitude."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetSummary:
    """An asset as a list, a map panel or a search result shows it."""

    id: int
    uuid: UUID
    territory_id: int
    type_key: str
    domain_key: str
    name: str
    external_key: str
    lon: float
    lat: float
    state: AssetState
    origin: str
    area_id: int | None
    area_name: str
    department_id: int | None
    department_name: str
    updated_at: datetime
    described: str = ""
    """What a page calls an asset that has neither name nor identifier: its type and its street."""

    @property
    def title(self) -> str:
        """Return the name, or else what it is called, or else its external key."""
        return self.name or self.described or self.external_key

    @property
    def identifier(self) -> str:
        """Return the key that its owner gave it, or an empty text."""
        return own_key(self.external_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSummary:
    """A device, and the asset it speaks for now if any."""

    id: int
    uuid: UUID
    identifier: str
    source_id: int | None
    model: str
    codec_key: str
    mapping: Mapping[str, Any]
    last_seen_at: datetime | None
    battery_v: float | None
    battery_pct: float | None
    radio: Mapping[str, Any]
    asset_id: int | None = None
    asset_uuid: UUID | None = None
    asset_title: str = ""
    attached_from: datetime | None = None
    model_ref_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentView:
    """One period during which a device spoke for an asset; ``until`` None means still."""

    device: DeviceSummary
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetDetail:
    """Everything the page of one asset shows of it, its series excepted."""

    summary: AssetSummary
    shape: Mapping[str, Any] | None
    properties: Mapping[str, Any]
    attribution: str
    parent: AssetSummary | None
    children_count: int
    attachments: tuple[AttachmentView, ...]
    created_at: datetime
    removed_at: datetime | None
    absent_from: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeView:
    """One line of an asset's history; ``changes`` is field to (before, after), ``note`` why."""

    at: datetime
    kind: ChangeKind
    why: Why
    user_id: int | None
    changes: Mapping[str, tuple[Any, Any]]
    import_file: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeCount:
    """How many assets of a type there are, and how many are not normal."""

    domain_key: str
    type_key: str
    total: int
    attention: int
    alarm: int
    silent: int
    never_reported: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetFilter:
    """What a list of assets is narrowed to; empty fields do not narrow.

    Attributes:
        to_check: only those that a file should have named and did not.
        removed: only those that were taken out of service, instead of those that are in it.
    """

    domain_key: str = ""
    type_key: str = ""
    area_id: int | None = None
    department_id: int | None = None
    state: AssetState | None = None
    text: str = ""
    parent_id: int | None = None
    to_check: bool = False
    removed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetPage:
    """One page of a list; ``after`` and ``before`` are opaque cursors, or empty."""

    rows: tuple[AssetSummary, ...]
    after: str
    before: str
    total: int
