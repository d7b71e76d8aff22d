from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

Reading = tuple[float, int, int]
"""Value, epoch in milliseconds, quality flag."""

Change = tuple[str, int | None, dict[str, Reading]]
"""Domain and area of an asset, and its new readings by measure."""

Changes = dict[str, Change]
"""By UUID of the asset."""


class SeenScope(Protocol):
    """A scope of ``accounts``."""

    @property
    def everything(self) -> bool:
        """Tell whether nothing is kept from the person."""

    @property
    def allowed(self) -> frozenset[tuple[str | None, int | None]]:
        """Return pairs of a domain and an area, None meaning any."""


@dataclass(frozen=True, slots=True)
class View:
    """What one client receives: clients of equal views share the same octets.

    Attributes:
        everything: no limit by domain or area.
        allowed: pairs that each open something.
        assets: UUIDs that the page shows, or None for all.
    """

    everything: bool
    allowed: frozenset[tuple[str | None, int | None]] = field(default_factory=frozenset)
    assets: frozenset[str] | None = None

    @classmethod
    def of(cls, scope: SeenScope, *, assets: frozenset[str] | None) -> View:
        """Return the view of a scope."""
        allowed = frozenset() if scope.everything else frozenset(scope.allowed)
        return cls(scope.everything, allowed, assets)

    def sees(self, uuid: str, domain: str, area_id: int | None) -> bool:
        """Tell whether an asset is within."""
        if self.assets is not None and uuid not in self.assets:
            return False
        return self.everything or any(
            (wanted_domain is None or wanted_domain == domain)
            and (wanted_area is None or wanted_area == area_id)
            for wanted_domain, wanted_area in self.allowed
        )

    def of_changes(self, changes: Changes) -> Changes:
        """Return the part of the changes that is within."""
        if self.everything and self.assets is None:
            return changes
        found: Iterable[tuple[str, Change]] = changes.items()
        if self.assets is not None and len(self.assets) < len(changes):
            found = ((uuid, changes[uuid]) for uuid in self.assets if uuid in changes)
        return {uuid: change for uuid, change in found if self.sees(uuid, change[0], change[1])}


def merge(into: Changes, changes: Changes) -> None:
    """Add changes to others; of two readings of one measure the later observed stays."""
    for uuid, (domain, area_id, readings) in changes.items():
        kept = into.get(uuid)
        if kept is None:
            into[uuid] = (domain, area_id, dict(readings))
            continue
        merged = kept[2]
        for measure, reading in readings.items():
            former = merged.get(measure)
            if former is None or reading[1] >= former[1]:
                merged[measure] = reading
        into[uuid] = (domain, area_id, merged)
