"""What an urban service declares: types, measures, codecs, rules, indicators, a demo fleet."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Any

from beffroi.kernel.units import Unit

_KEY = re.compile(r"[a-z][a-z0-9_]{0,62}")


def translatable(text: str) -> str:
    """Mark an English text that the edge translates with gettext; returned unchanged.

    A domain imports it as ``_`` and keeps the French in its own ``locale`` folder.
    """
    return text


class Pillar(StrEnum):
    """The seven fields on which a town acts."""

    ADMINISTRATION = "administration"
    RESOURCES = "resources"
    ECONOMY = "economy"
    WELL_BEING = "well_being"
    TRANSPORT = "transport"
    SAFETY = "safety"
    HEALTH = "health"


class Kind(StrEnum):
    """What a value is; all are stored as numbers (a choice as its index in ``choices``)."""

    NUMBER = "number"
    BOOLEAN = "boolean"
    CHOICE = "choice"


class Statistic(StrEnum):
    """How values of a measure are brought together over a period."""

    MEAN = "mean"
    SUM = "sum"
    MIN = "min"
    MAX = "max"
    LAST = "last"
    INCREASE = "increase"
    """Growth of a counter over the period; a fall is taken as a reset and not counted."""
    MEAN_ENERGY_DB = "mean_energy_db"
    """Decibels averaged as energy: 10·log10(mean(10^(v/10)))."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A quantity that a type of asset can report.

    Attributes:
        key: complete name with the unit, as ``fill_level_pct``; the same key in two domains
            means the same quantity.
        valid: lowest and highest value physically possible; outside is flagged, not dropped.
        source: where the definition or the range comes from.
        choices: labels of a :attr:`Kind.CHOICE`, the value being the index; for a
            :attr:`Kind.BOOLEAN`, the words of 0 and 1 where "no" and "yes" do not say it.
        aggregate: what an hour or a day of it is summed up by.
        decimals: digits shown after the decimal mark.
    """

    key: str
    label: str
    unit: Unit
    source: str
    valid: tuple[float, float] | None = None
    kind: Kind = Kind.NUMBER
    choices: tuple[str, ...] = ()
    aggregate: Statistic = Statistic.MEAN
    decimals: int = 1
    ngsi_name: str = ""

    def __post_init__(self) -> None:
        _check_key(self.key)
        if not self.source.strip():
            raise ValueError(f"measure {self.key} states no source")
        if self.valid is not None and self.valid[0] >= self.valid[1]:
            raise ValueError(f"measure {self.key} has an empty valid range {self.valid}")
        if not _fits(self.choices, kind=self.kind):
            raise ValueError(
                f"measure {self.key}: Kind.CHOICE has choices, Kind.BOOLEAN two or none, "
                "Kind.NUMBER none"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """A fact about an asset that does not change from hour to hour: height, capacity, year.

    ``synonyms`` are column names, in any case and with or without accents, that files use.
    """

    key: str
    label: str
    kind: type[str | int | float | bool | date] = str
    unit: Unit = Unit.NONE
    choices: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()
    required: bool = False

    def __post_init__(self) -> None:
        _check_key(self.key)


class Shape(StrEnum):
    """The geometry that a type of asset has."""

    POINT = "point"
    LINE = "line"
    AREA = "area"


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetType:
    """A kind of thing in the city.

    Attributes:
        headline: key of the measure that a map or list shows first.
        parent: key of the type that usually contains or feeds it (the cabinet of a lamp).
        silent_after: without any message for so long, its device is called silent.
        name_synonyms, key_synonyms: column names that files use for its name and identifier.
        icon: name of a symbol of the interface.
    """

    key: str
    label: str
    label_plural: str
    ngsi_type: str
    measures: tuple[Measure, ...] = ()
    properties: tuple[Property, ...] = ()
    parent: str = ""
    shape: Shape = Shape.POINT
    headline: str = ""
    silent_after: timedelta = timedelta(hours=24)
    name_synonyms: tuple[str, ...] = ()
    key_synonyms: tuple[str, ...] = ()
    icon: str = "asset"

    def __post_init__(self) -> None:
        _check_key(self.key)
        keys = [measure.key for measure in self.measures]
        if len(keys) != len(set(keys)):
            raise ValueError(f"type {self.key} declares a measure twice")
        if self.headline and self.headline not in keys:
            raise ValueError(f"type {self.key}: headline {self.headline} is not a measure of it")

    def measure(self, key: str) -> Measure:
        """Return the declared measure.

        Raises:
            KeyError: the type does not declare it.
        """
        for measure in self.measures:
            if measure.key == key:
                return measure
        raise KeyError(key)


@dataclass(frozen=True, slots=True)
class Reading:
    """A value that a device reports, in the unit that the measure declares.

    ``observed_at`` is None when the value belongs to the instant of the message itself;
    historical values carry their own.
    """

    measure: str
    value: float
    observed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What a codec receives: the octets of one uplink and what the network says of it."""

    payload: bytes
    f_port: int
    observed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """A decoder of device payloads; ``decode`` is pure.

    Attributes:
        key: unique in the installation, as ``elsys`` or ``watteco``.
        models: names of device models it is known to decode.
        decode: frame to readings; raises ``DecodeError`` on octets that are not of its form.
        recognises: tells whether a frame may be of this family; used to guess, never to decide.
    """

    key: str
    label: str
    vendor: str
    models: tuple[str, ...]
    decode: Callable[[Frame], Sequence[Reading]]
    recognises: Callable[[Frame], bool]
    source: str

    def __post_init__(self) -> None:
        _check_key(self.key)


class Priority(IntEnum):
    """Priority of an alarm, by consequence and time to respond (ISA-18.2)."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


State = Mapping[str, float]
"""Latest value of each measure that a rule reads, by measure key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRule:
    """A condition worth a person's attention: one state in, yes or no out.

    ``playbook`` is ``README.md#anchor`` in the domain's folder.
    """

    key: str
    label: str
    asset_type: str
    reads: tuple[str, ...]
    when: Callable[[State], bool]
    priority: Priority
    on_delay: timedelta
    off_delay: timedelta
    playbook: str

    def __post_init__(self) -> None:
        _check_key(self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetCount:
    """How many assets of a type exist (with a property equal to a value, if given)."""

    asset_type: str
    where: tuple[str, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertySum:
    """Sum of a numeric property over the assets of a type."""

    asset_type: str
    property: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureTotal:
    """A measure over the assets of a type.

    Each asset's values of the last ``window`` are brought together by ``over_time``, then the
    assets by ``over_assets`` (SUM, MEAN, MIN or MAX). ``window`` None takes the latest values.
    """

    asset_type: str
    measure: str
    over_assets: Statistic
    over_time: Statistic = Statistic.LAST
    window: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureShare:
    """Share of the assets whose latest value lies in ``[low, high]``, from 0 to 1."""

    asset_type: str
    measure: str
    low: float = float("-inf")
    high: float = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class TerritoryFact:
    """A fact of the territory itself: ``population`` or ``area_km2``."""

    fact: str


IndicatorInput = AssetCount | PropertySum | MeasureTotal | MeasureShare | TerritoryFact


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """A figure with its definition; ``compute`` is pure and takes ``inputs`` by name.

    ``compute`` raises ``ValueError`` when the inputs do not define it.
    """

    key: str
    label: str
    definition: str
    unit: Unit
    source: str
    inputs: Mapping[str, IndicatorInput]
    compute: Callable[..., float]
    decimals: int = 1
    better: int = 0
    """-1: lower is better; 1: higher is better; 0: neither."""

    def __post_init__(self) -> None:
        _check_key(self.key)
        if not (self.definition.strip() and self.source.strip()):
            raise ValueError(f"indicator {self.key} needs a definition and a source")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """How the assets of a type are ordered by what matters: the latest value of a measure."""

    asset_type: str
    measure: str
    descending: bool
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterRow:
    """One dated value of a regulatory or conventional table, with the text it comes from."""

    valid_from: date
    valid_to: date | None
    value: Any
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterTable:
    """Numbers that a law or a convention sets and changes: never constants in code."""

    key: str
    label: str
    unit: Unit
    rows: tuple[ParameterRow, ...]

    def at(self, day: date) -> Any:
        """Return the value in force on a day.

        Raises:
            LookupError: no row covers the day.
        """
        for row in self.rows:
            if row.valid_from <= day and (row.valid_to is None or day <= row.valid_to):
                return row.value
        raise LookupError(f"{self.key} has no value on {day}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoAsset:
    """What a simulated fleet knows of an asset: never more than a real device would."""

    key: str
    lon: float
    lat: float
    properties: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """A simulated fleet: what each asset would report at an instant.

    ``report`` is deterministic: the same asset and instant give the same values. It returns
    an empty mapping for an asset that is silent at that instant.
    """

    asset_type: str
    every: timedelta
    report: Callable[[DemoAsset, datetime], Mapping[str, float]]
    history: timedelta = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """An urban service as a whole."""

    key: str
    label: str
    description: str
    pillar: Pillar
    asset_types: tuple[AssetType, ...]
    codecs: tuple[Codec, ...] = ()
    rules: tuple[AlarmRule, ...] = ()
    indicators: tuple[Indicator, ...] = ()
    rankings: tuple[Ranking, ...] = ()
    parameters: tuple[ParameterTable, ...] = ()
    fleets: tuple[Fleet, ...] = ()
    icon: str = "asset"
    order: int = 100

    def __post_init__(self) -> None:
        _check_key(self.key)


def _fits(choices: tuple[str, ...], *, kind: Kind) -> bool:
    if kind is Kind.BOOLEAN:
        return len(choices) in {0, 2}
    return (kind is Kind.CHOICE) == bool(choices)


def _check_key(key: str) -> None:
    if not _KEY.fullmatch(key):
        raise ValueError(f"{key!r} is not a key of lower-case letters, digits and underscores")
