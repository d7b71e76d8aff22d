"""What changed, as notifications to the screens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from beffroi.city.ingest.decoding import AttachedAsset
from beffroi.city.ingest.plain_values import encoded
from beffroi.city.series.api import LatestRow, LatestValue
from beffroi.kernel.clock import epoch_ms

LIVE_CHANNEL = "beffroi_live"
NOTIFY_OCTETS = 7_500
"""PostgreSQL refuses payloads of 8,000 octets and more."""


Changes = Mapping[int, Mapping[str, Sequence[Any]]]
"""By asset and measure: value, epoch milliseconds, quality."""


def changes_of(rows: Iterable[LatestRow | LatestValue]) -> Changes:
    """Return latest values that changed, by asset."""
    changes: dict[int, dict[str, list[Any]]] = {}
    for row in rows:
        reading = [row.value, epoch_ms(row.observed_at), int(row.quality)]
        changes.setdefault(row.asset_id, {})[row.measure_key] = reading
    return changes


def live_payloads(
    territory_id: int, rows: Iterable[LatestRow | LatestValue], assets: Mapping[int, AttachedAsset]
) -> list[str]:
    """Write the latest values that changed as notifications."""
    return payloads_of(territory_id, changes_of(rows), assets)


def payloads_of(
    territory_id: int,
    changes: Changes,
    assets: Mapping[int, AttachedAsset],
) -> list[str]:
    """Write changes as notifications of bounded length, one list item per asset.

    An asset with so many measures that they do not fit in one notification has several items.
    """
    head = f'{{"t":{territory_id},"c":['
    room = NOTIFY_OCTETS - len(head) - 2
    payloads: list[str] = []
    part: list[str] = []
    size = 0
    for text in _items_of(changes, assets, room=room):
        octets = len(text.encode()) + 1
        if part and size + octets > room:
            payloads.append(f"{head}{','.join(part)}]}}")
            part, size = [], 0
        part.append(text)
        size += octets
    if part:
        payloads.append(f"{head}{','.join(part)}]}}")
    return payloads


def _items_of(changes: Changes, assets: Mapping[int, AttachedAsset], *, room: int) -> Iterator[str]:
    for asset_id, measures in changes.items():
        asset = assets[asset_id]
        waiting = [measures]
        while waiting:
            some = waiting.pop()
            text = encoded([asset.uuid, asset.domain_key, asset.area_id, some])
            if len(text.encode()) < room or len(some) == 1:
                yield text
                continue
            names = sorted(some)
            half = len(names) // 2
            waiting.append({name: some[name] for name in names[:half]})
            waiting.append({name: some[name] for name in names[half:]})
