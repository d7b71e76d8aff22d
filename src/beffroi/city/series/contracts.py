from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from beffroi.kernel.errors import BeffroiError, InvalidInput, NotFound
from beffroi.kernel.quality import Quality
from beffroi.sdk.declarations import Indicator, Statistic

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.int16]

LARGEST_VALUE = 1e18
"""Bound of the table's own check: sums of any number of such values stay finite."""

IGNORED = (int(Quality.BAD), int(Quality.MISSING))
"""Flags of values that are kept and shown, but that no aggregate counts."""


class StreamNotFound(NotFound):
    """No such stream in the territory, or not one this person may see."""

    code = "series.stream_not_found"


class ObservationRefused(InvalidInput):
    """A value that cannot be stored: not a finite number, or an instant that cannot be."""

    code = "series.observation_refused"


class RangeRefused(InvalidInput):
    """A question about a period that cannot be answered as it is asked."""

    code = "series.range_refused"


class MaintenanceFailed(BeffroiError):
    """Some of what is stored cannot be packed or purged; everything else was."""

    code = "series.maintenance_failed"
    status = 500


class PackedDamaged(BeffroiError):
    """Packed observations that cannot be read back as they were written."""

    code = "series.packed_damaged"
    status = 500


class NotProven(BeffroiError):
    """What was written is not what is read back: the step that wrote it is undone."""

    code = "series.not_proven"
    status = 500


class Step(StrEnum):
    """The length of one point of a curve; ``RAW`` is every value at its own instant.

    Days, weeks (from Monday) and months are those of Europe/Paris, so a day may last 23 or 25
    hours. Shorter steps divide the hour or the day of Paris.
    """

    RAW = "raw"
    MINUTES_5 = "5min"
    MINUTES_15 = "15min"
    MINUTES_30 = "30min"
    HOUR = "hour"
    HOURS_3 = "3hours"
    HOURS_6 = "6hours"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamView:
    """One measure of one asset."""

    id: int
    uuid: UUID
    territory_id: int
    asset_id: int
    measure_key: str
    unit: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NewObservation:
    """A value of a stream at an instant; a quality of None is worked out from the range."""

    stream_id: int
    observed_at: datetime
    value: float
    quality: Quality | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LatestValue:
    """The most recent value of a stream, by the instant of observation."""

    stream_id: int
    asset_id: int
    measure_key: str
    value: float
    quality: Quality
    observed_at: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteResult:
    """What a write did: rows new to the table, and the latest values that changed."""

    offered: int
    stored: int
    changed: tuple[LatestValue, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesRange:
    """A curve: one item per bucket that holds a value (per value when the step is raw).

    Attributes:
        t_ms: start of each bucket, milliseconds since 1970 UTC.
        mean: the values of the bucket brought together by ``statistic``, which is the measure's
            own (the value itself when the step is raw); NaN where no value counts.
        min, max: extremes of the values that count; NaN where none does.
        n: how many values count.
        quality: worst flag of the bucket; values flagged BAD or MISSING do not count.
        available: the finest step, not finer than ``step``, at which the whole period can be
            shown. It is coarser than ``step`` where retention has taken values of the period and
            left hours or days: those are then missing from this curve.
    """

    step: Step
    statistic: Statistic
    t_ms: Integers
    mean: Floats
    min: Floats
    max: Floats
    n: Integers
    quality: Flags
    available: Step = Step.RAW

    def __len__(self) -> int:
        return len(self.t_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicatorResult:
    """An indicator of a territory at an instant.

    Attributes:
        value: None when the inputs do not define it; ``missing`` then says why, in English.
        inputs: the number each declared input was worth; None where nothing is known.
        contributing: assets whose values were used, over all inputs that read measures.
        total: assets of the types that those inputs read.
    """

    indicator: Indicator
    value: float | None
    inputs: Mapping[str, float | None]
    contributing: int
    total: int
    at: datetime
    missing: str = ""


class RetentionRefused(InvalidInput):
    """A rule of retention that cannot hold."""

    code = "series.retention_refused"


class Kept(StrEnum):
    """What retention speaks of."""

    RAW = "raw"
    HOURLY = "hourly"
    DAILY = "daily"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptDays:
    """How many days values, figures of hours and figures of days are kept; None is for good."""

    raw: int | None = None
    hourly: int | None = None
    daily: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What a rule of retention would remove."""

    values: int
    hours: int
    days: int
    streams: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalRecord:
    """What retention has removed, when, and by which rule."""

    at: datetime
    what: Kept
    measure_key: str
    keep_days: int
    reason: str
    first_day: date
    last_day: date
    streams: int
    items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """What packing did: rows that left the hot side, and why some streams could not."""

    rows: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceReport:
    """What one round of maintenance did.

    ``refused`` holds steps that met somebody else and are tried again; ``failed`` those that what
    is stored does not allow, which an administrator must hear of.
    """

    partitions_made: int = 0
    days_packed: int = 0
    rows_packed: int = 0
    late_rows: int = 0
    months_packed: int = 0
    segments_purged: int = 0
    refused: tuple[str, ...] = field(default=())
    failed: tuple[str, ...] = field(default=())

    def sentence(self) -> str:
        """Say in one line what was done, or nothing when nothing was."""
        parts = [
            f"{count} {words}"
            for count, words in (
                (self.partitions_made, "partitions made"),
                (self.days_packed, "days packed"),
                (self.rows_packed, "observations packed"),
                (self.late_rows, "late observations merged"),
                (self.months_packed, "observations packed by month"),
                (self.segments_purged, "stream-days purged"),
            )
            if count
        ]
        return ", ".join([*parts, *self.refused, *self.failed])
