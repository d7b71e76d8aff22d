"""What of an event a webhook wants, and how it is written for the outside.

A room writes its events with what they can be narrowed by. Three keys of a payload are read here:
``asset`` (with ``domain``, ``type`` and ``area``, the number of one), ``domain`` and ``type`` of
the payload itself, and ``changes``, a list of ``[asset, domain, area, type, {measure: [value,
epoch in milliseconds, quality]}]``. What carries none of them cannot be narrowed and passes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from beffroi.foundation.messaging.contracts import Filters

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Narrowing:
    """The filters of one webhook, ready to be asked.

    Attributes:
        areas: numbers of the areas wanted and of those below them.
        area_names: from the number of an area to the UUID that the outside knows.
    """

    domains: frozenset[str]
    areas: frozenset[int]
    types: frozenset[str]
    measures: frozenset[str]
    area_names: Mapping[int, str]

    def wants(self, *, domain: str | None, area: int | None, type_key: str | None) -> bool:
        """Tell whether something of this domain, area and type is wanted."""
        return (
            (not self.domains or domain in self.domains)
            and (not self.areas or area in self.areas)
            and (not self.types or type_key in self.types)
        )

    def written(self, payload: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return what this webhook gets of an event, or ``None`` when it wants nothing of it."""
        if "changes" in payload:
            changes = [one for change in payload["changes"] if (one := self._change(change))]
            return {**payload, "changes": changes} if changes else None
        if isinstance(payload.get("asset"), dict):
            asset = payload["asset"]
            if not self.wants(
                domain=asset.get("domain"), area=asset.get("area"), type_key=asset.get("type")
            ):
                return None
            return {**payload, "asset": {**asset, "area": self._area(asset.get("area"))}}
        if "type" in payload and not self._of_type(payload):
            return None
        return dict(payload)

    def _of_type(self, payload: Mapping[str, Any]) -> bool:
        return (not self.domains or payload.get("domain") in self.domains) and (
            not self.types or payload.get("type") in self.types
        )

    def _change(self, change: list[Any]) -> dict[str, Any] | None:
        asset, domain, area, type_key, values = change
        if not self.wants(domain=domain, area=area, type_key=type_key):
            return None
        kept = {
            key: {"value": value, "observed_at": _instant(at_ms), "quality": quality}
            for key, (value, at_ms, quality) in values.items()
            if not self.measures or key in self.measures
        }
        if not kept:
            return None
        return {
            "asset": asset,
            "domain": domain,
            "type": type_key,
            "area": self._area(area),
            "values": kept,
        }

    def _area(self, number: int | None) -> str | None:
        return None if number is None else self.area_names.get(number)


def narrowing_of(
    filters: Filters, *, below: Mapping[int, frozenset[int]], area_names: Mapping[int, str]
) -> Narrowing:
    """Return the filters ready to be asked; ``below`` gives each area with those below it."""
    return Narrowing(
        domains=frozenset(filters.domains),
        areas=frozenset(inner for area in filters.areas for inner in below.get(area, {area})),
        types=frozenset(filters.types),
        measures=frozenset(filters.measures),
        area_names=area_names,
    )


def _instant(epoch_ms: int) -> str:
    text = (_EPOCH + timedelta(milliseconds=epoch_ms)).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
