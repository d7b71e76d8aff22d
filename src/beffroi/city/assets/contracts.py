from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

from beffroi.kernel.errors import Conflict, InvalidInput, NotFound
from beffroi.kernel.geometry import BoundingBox


class AssetState(IntEnum):
    """What an operator must know of an asset at a glance, in the order that tiles carry it."""

    NORMAL = 0
    ATTENTION = 1
    ALARM = 2
    SILENT = 3
    """Its device was not heard within the time its type allows, or never."""


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

    @property
    def title(self) -> str:
        """Return the name, or its external key when it has none."""
        return self.name or self.external_key


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeView:
    """One line of an asset's history; ``changes`` is field to (before, after)."""

    at: datetime
    kind: ChangeKind
    why: Why
    user_id: int | None
    changes: Mapping[str, tuple[Any, Any]]
    import_file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeCount:
    """How many assets of a type there are, and how many are not normal."""

    domain_key: str
    type_key: str
    total: int
    attention: int
    alarm: int
    silent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetFilter:
    """What a list of assets is narrowed to; empty fields do not narrow."""

    domain_key: str = ""
    type_key: str = ""
    area_id: int | None = None
    department_id: int | None = None
    state: AssetState | None = None
    text: str = ""
    parent_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetPage:
    """One page of a list; ``after`` and ``before`` are opaque cursors, or empty."""

    rows: tuple[AssetSummary, ...]
    after: str
    before: str
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRefusal:
    """One row, or one value of a row, that was not imported, and what to do about it.

    Attributes:
        row: number as the person's own program shows it.
        reason, way_out: English sentences with ``{row}``, ``{field}``, ``{value}`` and the
            fields of ``params``; they are the gettext msgids.
        whole: the row was left out; otherwise it was imported without this value.
    """

    row: int
    field: str
    value: str
    reason: str
    way_out: str
    params: Mapping[str, str] = dataclasses.field(default_factory=dict)
    whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingView:
    """Something a reader found out about a file: such as its encoding."""

    code: str
    text: str
    tone: str = "info"


TO_NAME, TO_KEY, TO_PARENT = "@name", "@key", "@parent"
TO_OWN_NAME, TO_NOTHING = "@keep", "@ignore"
TARGETS = (TO_NAME, TO_KEY, TO_PARENT, TO_OWN_NAME, TO_NOTHING)
"""Where a column may go besides a declared property; ``@keep`` is under its own plain name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnChoice:
    """A column of the file and where its values go.

    Attributes:
        column: key of the column in the reader's rows.
        label: name as the file writes it.
        target: key of a declared property, or one of :data:`TARGETS`.
    """

    column: str
    label: str
    target: str
    sample: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPreview:
    """What an import would do, before anything is written."""

    file_name: str
    type_key: str
    findings: tuple[FindingView, ...]
    columns: tuple[ColumnChoice, ...]
    first_rows: tuple[Mapping[str, str], ...]
    row_count: int | None
    checked: int
    accepted: int
    refused: int
    dropped: int
    refusals: tuple[RowRefusal, ...]
    extent: BoundingBox | None
    sample_points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """Choices of the person who imports.

    Attributes:
        origin: see :class:`Origin`.
        attribution: credit that the data must be given.
        keep_unknown: keep columns that the type does not declare, under their own plain names.
        department_id: service put in charge of the assets that are created.
        table: which table of a file that has several; the most useful by default.
        prefix: put before every external key, where several files number alike.
    """

    origin: str = ""
    attribution: str = ""
    keep_unknown: bool = True
    department_id: int | None = None
    table: str = ""
    prefix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did.

    ``refused`` counts rows left out and ``dropped`` values left out of rows that were imported;
    ``refusals`` are the first of both.
    """

    uuid: UUID | None
    file_name: str
    type_key: str
    findings: tuple[FindingView, ...]
    mapping: Mapping[str, str]
    counts: UpsertCounts
    refused: int
    dropped: int
    refusals: tuple[RowRefusal, ...]
    seconds: float
    dry_run: bool = False
    finished_at: datetime | None = None
