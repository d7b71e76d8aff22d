"""Factories for the tests of other rooms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import count
from typing import Any, Protocol

from beffroi.city.assets.models import Asset, Attachment, Device
from beffroi.city.assets.words import search_text
from beffroi.foundation.database.api import acting_for
from beffroi.kernel.clock import now

_numbers = count(1)
COMEDIE = (3.8796, 43.6085)
"""Place de la Comédie, Montpellier: longitude, latitude."""


class HasId(Protocol):
    """A territory, as far as a factory needs one."""

    id: int


def make_asset(
    territory: HasId,
    *,
    type_key: str = "light_point",
    domain_key: str = "street_lighting",
    lon: float = COMEDIE[0],
    lat: float = COMEDIE[1],
    name: str = "",
    external_key: str = "",
    properties: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Asset:
    """Write one asset directly, with no history, cell or area: for tests that only need a row."""
    key = external_key or f"test-{next(_numbers)}"
    facts = dict(properties or {})
    with acting_for(territory.id):
        return Asset.objects.create(
            territory_id=territory.id,
            type_key=type_key,
            domain_key=domain_key,
            lon=lon,
            lat=lat,
            name=name,
            external_key=key,
            properties=facts,
            search_text=search_text(name=name, external_key=key, properties=facts),
            **fields,
        )


def make_device(
    territory: HasId,
    *,
    identifier: str = "",
    asset: Asset | None = None,
    attached_from: datetime | None = None,
    **fields: Any,
) -> Device:
    """Write one device, attached to the asset when one is given."""
    name = identifier or f"{next(_numbers):016x}"
    with acting_for(territory.id):
        device = Device.objects.create(territory_id=territory.id, identifier=name, **fields)
        if asset is not None:
            Attachment.objects.create(
                territory_id=territory.id,
                device=device,
                asset=asset,
                attached_from=attached_from or now(),
            )
    return device
