from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from beffroi.city.assets.contracts import AssetSummary
from beffroi.city.basemap.contracts import Place
from beffroi.kernel.errors import NotFound


class DomainNotFound(NotFound):
    """No such urban service is installed, or not one of which this person sees anything."""

    code = "domain.not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainCount:
    """An urban service as a toggle, a card or a menu shows it, with what this person sees of it.

    Attributes:
        hue: number of its colour, the same on every page and for everybody.
    """

    key: str
    label: str
    description: str
    icon: str
    hue: int
    count: int = 0
    alarms: int = 0
    attention: int = 0
    silent: int = 0
    never_reported: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MapCredits:
    """Whom a map must be credited to: for the town it is drawn on, and for what stands on it."""

    town: tuple[str, ...]
    assets: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeLine:
    """How many assets of a type there are, by state."""

    key: str
    label: str
    icon: str
    domain_key: str
    total: int
    normal: int
    attention: int
    alarm: int
    silent: int
    never_reported: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownValue:
    """A latest value with all that a page needs to write it.

    Attributes:
        choices: words of the values of a choice or of a yes-or-no, else empty.
        quality: flag of the kernel; ``quality_words`` says it when it is not good.
        stale: older than its type allows: the device is silent.
    """

    asset_uuid: UUID
    measure_key: str
    label: str
    unit: str
    decimals: int
    choices: tuple[str, ...]
    value: float | None
    at: datetime | None
    quality: int
    quality_words: str = ""
    stale: bool = False
    stream_uuid: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRow:
    """An asset in a list with its headline value, if its type has one and it ever reported.

    Attributes:
        street: where it stands, or nothing; its district is the asset's own.
        measurable: whether anything is ever measured of its type.
    """

    asset: AssetSummary
    type_label: str
    icon: str
    value: ShownValue | None
    street: str
    measurable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPage:
    """One page of the list; ``before`` and ``after`` are opaque cursors, or empty."""

    rows: tuple[ListRow, ...]
    total: int
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginView:
    """Where what an asset shows comes from, said plainly."""

    label: str
    sentence: str
    tone: str
    credit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """One line of the table that says what a chart draws."""

    label: str
    value: float | None
    low: float | None
    high: float | None
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveTable:
    """A chart as a table, an hour, a day or a month to a line."""

    points: tuple[CurvePoint, ...]
    value_words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceLine:
    """A device that speaks, or spoke, for an asset."""

    identifier: str
    model: str
    codec: str
    since: datetime
    until: datetime | None
    last_seen_at: datetime | None
    facts: tuple[tuple[str, str], ...]
    uuid: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryLine:
    """One entry of an asset's history, as the timeline reads it."""

    at: datetime
    title: str
    text: str
    who: str
    tone: str = "neutral"
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetPageView:
    """Everything the page of an asset shows, its charts' curves excepted.

    Attributes:
        properties: those its type declares; ``other_properties`` are what the file had besides.
        measurable: whether anything is ever measured of its type.
    """

    asset: AssetSummary
    type_label: str
    icon: str
    domain_label: str
    headline: str
    origin: OriginView | None
    facts: tuple[tuple[str, object], ...]
    properties: tuple[tuple[str, str], ...]
    other_properties: tuple[tuple[str, str], ...]
    street: str
    measurable: bool
    shape: Mapping[str, Any] | None
    parent: AssetSummary | None
    parent_type: str
    children: tuple[ListRow, ...]
    children_total: int
    values: tuple[ShownValue, ...]
    devices: tuple[DeviceLine, ...]
    past_devices: tuple[DeviceLine, ...]
    history: tuple[HistoryLine, ...]
    removed_at: datetime | None
    absent_from: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What the side panel of the map says of an asset."""

    asset: AssetSummary
    type_label: str
    icon: str
    domain_label: str
    street: str
    origin: OriginView | None
    values: tuple[ShownValue, ...]
    more_values: int
    spark: tuple[float | None, ...]
    spark_label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicatorValue:
    """An indicator of the whole territory at an instant; kept in the cache as it is.

    Attributes:
        problem: the domain's own English sentence, when its formula refuses the inputs.
    """

    key: str
    value: float | None
    inputs: Mapping[str, float | None]
    contributing: int
    total: int
    at: datetime
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputLine:
    """One number that an indicator is worked out from."""

    label: str
    value: float | None
    unit: str
    decimals: int

    @property
    def number_format(self) -> str:
        """Return the argument of ``floatformat``."""
        return f"{self.decimals}g"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicatorView:
    """An indicator with its value, its definition and what it is worked out from."""

    key: str
    label: str
    definition: str
    value: str
    unit: str
    source: str
    better: int
    inputs: tuple[InputLine, ...]
    contributing: int
    total: int
    missing: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingView:
    """The assets of a type that matter most by one measure."""

    label: str
    measure_label: str
    rows: tuple[ListRow, ...]
    list_query: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterLine:
    """One dated value of a table of numbers that a text sets."""

    valid_from: date
    valid_to: date | None
    value: str
    text: str
    in_force: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterView:
    """A table of numbers that a law or a convention sets."""

    key: str
    label: str
    unit: str
    lines: tuple[ParameterLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Playbook:
    """What to do when something happens: a chapter of the urban service's README.

    Attributes:
        anchor: as in the links of the rules, ``lamp-out``.
        html: safe: everything the file says was escaped before tags were put around it.
        language: of the text, for who reads it aloud.
    """

    anchor: str
    title: str
    html: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLine:
    """An alarm rule as the page of a domain lists it."""

    label: str
    type_label: str
    priority: str
    tone: str
    after: str
    anchor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainPageView:
    """Everything the page of an urban service shows.

    Attributes:
        whole: the person sees all of it in the territory; indicators are shown only then.
    """

    domain: DomainCount
    types: tuple[TypeLine, ...]
    whole: bool
    indicators: tuple[IndicatorView, ...]
    rankings: tuple[RankingView, ...]
    rules: tuple[RuleLine, ...]
    playbooks: tuple[Playbook, ...]
    parameters: tuple[ParameterView, ...]
    credits: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search found: assets this person may see, then places of the town."""

    text: str
    assets: tuple[ListRow, ...]
    places: tuple[Place, ...]

    @property
    def count(self) -> int:
        """Return how many results there are."""
        return len(self.assets) + len(self.places)
