"""Finds domains and connectors through entry points, so that nobody imports one by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from beffroi.sdk.connectors import Connector
from beffroi.sdk.declarations import AssetType, Codec, Domain, Measure
from beffroi.sdk.device_measures import DEVICE_MEASURES

DOMAIN_GROUP = "beffroi.domains"
CONNECTOR_GROUP = "beffroi.connectors"

_Declared = TypeVar("_Declared", Domain, Connector)
_Item = TypeVar("_Item")


@cache
def domains() -> Mapping[str, Domain]:
    """Return the installed domains by key, in their declared order.

    Raises:
        ValueError: two packages declare the same domain, type, measure meaning or codec.
    """
    found = sorted(_load(DOMAIN_GROUP, Domain), key=lambda domain: (domain.order, domain.key))
    unique(found, what="domain", key=lambda domain: domain.key)
    unique(
        [item for domain in found for item in domain.asset_types],
        what="asset type",
        key=lambda item: item.key,
    )
    unique(
        [item for domain in found for item in domain.codecs],
        what="codec",
        key=lambda item: item.key,
    )
    return MappingProxyType({domain.key: domain for domain in found})


@cache
def connectors() -> Mapping[str, Connector]:
    """Return the installed connectors by key.

    Raises:
        ValueError: two packages declare the same connector.
    """
    found = sorted(_load(CONNECTOR_GROUP, Connector), key=lambda connector: connector.key)
    unique(found, what="connector", key=lambda connector: connector.key)
    return MappingProxyType({connector.key: connector for connector in found})


@cache
def codecs() -> Mapping[str, Codec]:
    """Return every codec of every domain by key."""
    return MappingProxyType(
        {codec.key: codec for domain in domains().values() for codec in domain.codecs}
    )


@cache
def asset_types() -> Mapping[str, AssetType]:
    """Return every asset type of every domain by key."""
    return MappingProxyType(
        {item.key: item for domain in domains().values() for item in domain.asset_types}
    )


@cache
def domain_of(asset_type: str) -> Domain:
    """Return the domain that declares an asset type.

    Raises:
        KeyError: no installed domain declares it.
    """
    for domain in domains().values():
        if any(item.key == asset_type for item in domain.asset_types):
            return domain
    raise KeyError(asset_type)


def measures_of(asset_type: str) -> Mapping[str, Measure]:
    """Return the measures of a type by key, those of its device included.

    Raises:
        KeyError: no installed domain declares the type.
    """
    declared = {measure.key: measure for measure in DEVICE_MEASURES}
    declared.update({measure.key: measure for measure in asset_types()[asset_type].measures})
    return declared


@cache
def measures() -> Mapping[str, Measure]:
    """Return every measure by key, whatever the type: its unit may differ, its label does not."""
    return MappingProxyType(
        {key: measure for item in asset_types() for key, measure in measures_of(item).items()}
    )


def translation_folders() -> list[Path]:
    """Return the ``locale`` folders that installed domains and connectors carry."""
    folders: list[Path] = []
    for group in (DOMAIN_GROUP, CONNECTOR_GROUP):
        for point in entry_points(group=group):
            spec = find_spec(point.module)
            if spec is not None and spec.origin is not None:
                folder = Path(spec.origin).parent / "locale"
                if folder.is_dir():
                    folders.append(folder)
    return sorted(set(folders))


def unique(items: list[_Item], *, what: str, key: Callable[[_Item], str]) -> None:
    """Check that no two items have the same key.

    Raises:
        ValueError: two have.
    """
    seen: set[str] = set()
    for item in items:
        if key(item) in seen:
            raise ValueError(f"the {what} {key(item)} is declared twice")
        seen.add(key(item))


def _load(group: str, kind: type[_Declared]) -> list[_Declared]:
    loaded: list[_Declared] = []
    for point in entry_points(group=group):
        declared = point.load()
        if not isinstance(declared, kind):
            raise TypeError(f"entry point {point.name} of {group} is not a {kind.__name__}")
        loaded.append(declared)
    return loaded
