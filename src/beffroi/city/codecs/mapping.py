"""From what a decoder says, whatever its shape, to values under the names of measures; pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple

MAX_DEPTH = 8
MAX_FIELDS = 2_000
MAX_ITEMS = 500
MAX_PATH = 200
MAX_RULES = 300
MAX_CHOICES = 50

_INDEX = re.compile(r"\[\d+\]")
_NUMBER = re.compile(r"\s*([-+]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d{1,2})?)\s*([^\d\s].{0,15})?")
_EARLIEST_S = 946_684_800.0
_LATEST_S = 4_102_444_800.0
"""The years 2000 and 2100: a number outside them is no instant."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRule:
    """What one field becomes: ``value · factor + offset`` of a measure, or a listed word's number.

    Attributes:
        measure: key of the measure; empty leaves the field out.
        unit: in which the device says it, for people to read.
        choices: number of each word, in lower case; a boolean is the word true or false.
        time: name, beside the field, of the instant that the value is of; without it the value
            is of the instant of its message.
    """

    measure: str
    factor: float = 1.0
    offset: float = 0.0
    unit: str = ""
    choices: Mapping[str, float] = field(default_factory=dict)
    time: str = ""

    @property
    def is_plain(self) -> bool:
        """Tell whether the rule gives a name and changes no value."""
        return self.factor == 1.0 and not self.offset and not self.choices

    def converted(self, raw: Any) -> Any:
        """Return the value in the unit of the measure; what is no number is left as it is."""
        if self.choices:
            number = self.choices.get(_word(raw))
            if number is not None:
                return number
        if isinstance(raw, str):
            read = number_in(raw)
            if read is None:
                return None if self.choices else raw
            raw = read
        if isinstance(raw, bool) or not isinstance(raw, int | float):
            return raw
        if self.factor == 1.0 and not self.offset:
            return raw
        try:
            return raw * self.factor + self.offset
        except OverflowError:
            return None


class Field(NamedTuple):
    """One value under its path, with its own instant if it has one.

    ``dated`` is false when its rule declares an instant and none can be read: the value is then
    of no known time and must not become a measurement.
    """

    path: str
    value: Any
    observed_at: datetime | None
    rule: FieldRule | None
    dated: bool = True


class FieldMap:
    """The rules of a device model, by path; ``[*]`` in a path stands for every item of a list."""

    __slots__ = ("_exact", "_repeated", "rules")

    def __init__(self, rules: Mapping[str, FieldRule]) -> None:
        self.rules = dict(rules)
        self._exact = {path: rule for path, rule in rules.items() if "[*]" not in path}
        self._repeated = {path: rule for path, rule in rules.items() if "[*]" in path}

    def __bool__(self) -> bool:
        """Tell whether there is any rule."""
        return bool(self.rules)

    def of(self, path: str) -> FieldRule | None:
        """Return the rule of a path: its own, or that of every item of its list."""
        rule = self._exact.get(path)
        if rule is None and self._repeated:
            rule = self._repeated.get(_INDEX.sub("[*]", path))
        return rule

    def read(self, values: Mapping[str, Any]) -> list[Field]:
        """Return every value of a message with its rule and its instant, in order."""
        found = list(islice(flattened(values), MAX_FIELDS))
        if not self.rules:
            return [Field(path, value, None, None) for path, value in found]
        by_path: dict[str, Any] | None = None
        read: list[Field] = []
        for path, value in found:
            rule = self.of(path)
            if rule is None or not rule.time:
                read.append(Field(path, value, None, rule))
                continue
            if by_path is None:
                by_path = dict(found)
            instant = instant_of(_beside(path, rule.time, by_path))
            read.append(Field(path, value, instant, rule, dated=instant is not None))
        return read


NO_RULES = FieldMap({})


def flattened(values: Any, *, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield each value under its path: ``{"a": [{"b": 1}]}`` gives ``("a[0].b", 1)``."""
    if depth > MAX_DEPTH:
        return
    if isinstance(values, Mapping):
        parts = (
            (f"{prefix}.{key}" if prefix else str(key), item)
            for key, item in list(values.items())[:MAX_FIELDS]
        )
    else:
        parts = ((f"{prefix}[{rank}]", item) for rank, item in enumerate(values[:MAX_ITEMS]))
    for path, item in parts:
        if isinstance(item, Mapping | list | tuple):
            yield from flattened(item, prefix=path, depth=depth + 1)
        elif item is not None and len(path) <= MAX_PATH:
            yield path, item


def rules_of(stored: Mapping[str, Any]) -> FieldMap:
    """Read rules as they are stored; what this version cannot read is left out."""
    rules: dict[str, FieldRule] = {}
    for path, given in list(stored.items())[:MAX_RULES]:
        rule = _rule(given)
        if rule is not None:
            rules[str(path)] = rule
    return FieldMap(rules) if rules else NO_RULES


def rules_json(rules: Mapping[str, FieldRule]) -> dict[str, Any]:
    """Write rules as they are stored: what says nothing is left out."""
    return {
        path: {
            name: value
            for name, value in (
                ("measure", rule.measure),
                ("factor", rule.factor if rule.factor != 1.0 else None),
                ("offset", rule.offset or None),
                ("unit", rule.unit or None),
                ("choices", dict(rule.choices) or None),
                ("time", rule.time or None),
            )
            if value is not None
        }
        for path, rule in rules.items()
    }


def number_in(text: str) -> float | None:
    """Return the number that a text begins with, comma or point, a unit may follow; else None."""
    found = _NUMBER.fullmatch(text[:60])
    if found is None:
        return None
    number = float(found[1].replace(",", "."))
    return number if math.isfinite(number) else None


def instant_of(value: Any) -> datetime | None:
    """Return the instant that a device wrote: ISO 8601, or a count of s, ms or µs since 1970.

    Without a zone it is taken as UTC, as network servers do. None when it is no instant between
    2000 and 2100.
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        text = value.strip()[:40]
        if not (text.isascii() and text.replace(".", "", 1).isdigit()):
            return _iso(text)
        value = float(text)
    if not isinstance(value, int | float) or not math.isfinite(value):
        return None
    seconds = float(value)
    for scale in (1.0, 1e3, 1e6):
        if _EARLIEST_S <= seconds / scale < _LATEST_S:
            return _EPOCH + timedelta(seconds=seconds / scale)
    return None


def _iso(text: str) -> datetime | None:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    instant = instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant
    try:
        seconds = instant.timestamp()
    except (OverflowError, ValueError):
        return None
    return instant.astimezone(UTC) if _EARLIEST_S <= seconds < _LATEST_S else None


def _beside(path: str, name: str, by_path: Mapping[str, Any]) -> Any:
    """Return what stands under a name in the same object as a path, or at the top."""
    parent = path.rpartition(".")[0]
    # The value may be deeper than its instant: {time, data: {temp}}; look outwards.
    while parent:
        found = by_path.get(f"{parent}.{name}")
        if found is not None:
            return found
        parent = parent.rpartition(".")[0]
    return by_path.get(name)


def _word(raw: Any) -> str:
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, float) and raw.is_integer() and abs(raw) < 2**53:
        raw = int(raw)
    return str(raw)[:60].strip().casefold()


def _rule(given: Any) -> FieldRule | None:
    if isinstance(given, str):
        return FieldRule(measure=given)
    if not isinstance(given, Mapping) or not isinstance(given.get("measure"), str):
        return None
    choices = given.get("choices")
    return FieldRule(
        measure=given["measure"],
        factor=_finite(given.get("factor"), default=1.0),
        offset=_finite(given.get("offset"), default=0.0),
        unit=str(given.get("unit") or "")[:30],
        choices={
            str(word).casefold(): _finite(number, default=0.0)
            for word, number in list(choices.items())[:MAX_CHOICES]
        }
        if isinstance(choices, Mapping)
        else {},
        time=str(given.get("time") or "")[:MAX_PATH],
    )


def _finite(value: Any, *, default: float) -> float:
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if good else default
