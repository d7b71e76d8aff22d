"""What is installed to read messages with: connectors, codecs, asset types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property

from beffroi.sdk import registry
from beffroi.sdk.connectors import Connector
from beffroi.sdk.declarations import AssetType, Codec, Domain, Measure
from beffroi.sdk.device_measures import DEVICE_MEASURES

_DEVICE_MEASURES = {measure.key: measure for measure in DEVICE_MEASURES}


@dataclass(frozen=True)
class Catalogue:
    """Connectors by key, and domains by key with all that they declare."""

    connectors: Mapping[str, Connector]
    domains: Mapping[str, Domain]
    _measures: dict[str, Mapping[str, Measure]] = field(default_factory=dict, repr=False)

    @cached_property
    def codecs(self) -> Mapping[str, Codec]:
        """Return every codec by key."""
        return {codec.key: codec for domain in self.domains.values() for codec in domain.codecs}

    @cached_property
    def asset_types(self) -> Mapping[str, AssetType]:
        """Return every asset type by key."""
        return {item.key: item for domain in self.domains.values() for item in domain.asset_types}

    def measures_of(self, type_key: str) -> Mapping[str, Measure]:
        """Return the measures of a type, those of any device included.

        A type whose domain is no longer installed keeps those of its device.
        """
        known = self._measures.get(type_key)
        if known is None:
            declared = self.asset_types.get(type_key)
            own = {} if declared is None else {item.key: item for item in declared.measures}
            known = self._measures[type_key] = {**_DEVICE_MEASURES, **own}
        return known


@cache
def catalogue() -> Catalogue:
    """Return what the installed packages declare."""
    return Catalogue(registry.connectors(), registry.domains())
