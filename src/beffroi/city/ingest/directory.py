"""What a process remembers of sources and devices, and forgets as soon as they change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any
from uuid import UUID

from beffroi.city.codecs.api import (
    NO_RULES,
    SCRIPTS_SQL,
    FieldMap,
    ScriptText,
    is_script,
    rules_of,
    scripts_of,
    scripts_parameters,
)
from beffroi.city.ingest.catalogue import catalogue
from beffroi.city.ingest.decoding import AttachedAsset, DeviceEntry, Value
from beffroi.city.ingest.postgres import Connection, Pool, within_territory
from beffroi.city.series.api import STREAMS_INSERT, STREAMS_SELECT
from beffroi.kernel.clock import now
from beffroi.kernel.identifiers import uuid7
from beffroi.sdk.connectors import Connector

DEVICE_CHANNEL = "beffroi_devices"
"""Payload: a territory's number. Something about its devices has changed."""

SOURCE_CHANNEL = "beffroi_sources"
"""Payload: a source's key. It was changed, rotated or disabled."""

MAX_DEVICES = 50_000
MAX_SOURCES = 5_000
SOURCE_AGE_S = 60.0
"""A source is asked again after this even if no notification came."""

_FOREVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceEntry:
    """What the ingest path must know of a source."""

    id: int
    territory_id: int
    uuid: UUID
    key: str
    connector: Connector
    authentication: str
    secret_hashes: tuple[tuple[bytes, datetime], ...]
    shared_key: str
    settings: dict[str, Any]
    default_codec: str


_SOURCE_SQL = """
SELECT id, territory_id, uuid, connector_key, authentication, secret_hash, former_secret_hash,
       former_secret_until, sealed_key, settings, default_codec
FROM ingest_source WHERE key = %s AND enabled
"""

# Everything a device was ever attached to, so that late messages find the asset of their time.
# A device's own codec goes before its model's.
DEVICES_SQL = """
SELECT d.identifier, d.source_id, d.id, coalesce(nullif(d.codec_key, ''), m.codec_key, ''),
       d.mapping, a.attached_from, a.attached_until, s.id, s.uuid::text, s.type_key, s.domain_key,
       s.area_id, m.mapping
FROM assets_device d
LEFT JOIN codecs_model m ON m.id = d.model_ref_id AND m.removed_at IS NULL
LEFT JOIN assets_attachment a ON a.device_id = d.id
LEFT JOIN assets_asset s ON s.id = a.asset_id AND s.removed_at IS NULL
WHERE d.territory_id = %(territory)s AND d.identifier = ANY(%(identifiers)s)
  AND d.removed_at IS NULL AND (d.source_id IS NULL OR d.source_id = %(source)s)
ORDER BY d.source_id NULLS FIRST, d.id, a.attached_from
"""


class SourceDirectory:
    """The sources that this process has served lately, by key."""

    def __init__(self, pool: Pool, *, unseal: Callable[[bytes, UUID], str]) -> None:
        self._pool = pool
        self._unseal = unseal
        self._known: dict[str, tuple[float, SourceEntry]] = {}
        self._generation = 0
        self.listening = False

    def forget(self, key: str | None = None) -> None:
        """Forget one source, or all of them."""
        self._generation += 1
        if key is None:
            self._known.clear()
        else:
            self._known.pop(key, None)

    def remembered(self, key: str) -> SourceEntry | None:
        """Return an enabled source that needs not be asked again, or None."""
        known = self._known.get(key)
        if known is not None and self.listening and monotonic() - known[0] < SOURCE_AGE_S:
            return known[1]
        return None

    async def find(self, key: str) -> SourceEntry | None:
        """Return the enabled source of a key whose connector is installed, or None."""
        known = self.remembered(key)
        if known is not None:
            return known
        generation = self._generation
        async with (
            self._pool.connection() as connection,
            within_territory(connection, None, source_key=key),
        ):
            cursor = await connection.execute(_SOURCE_SQL, (key,))
            row = await cursor.fetchone()
        entry = None if row is None else self._entry(key, row)
        # An unknown key is not remembered: guessing keys must not fill the memory.
        if entry is not None and generation == self._generation:
            _make_room(self._known, MAX_SOURCES)
            self._known[key] = (monotonic(), entry)
        return entry

    def _entry(self, key: str, row: Sequence[Any]) -> SourceEntry | None:
        connector = catalogue().connectors.get(row[3])
        if connector is None:
            return None
        hashes: list[tuple[bytes, datetime]] = []
        if row[5] is not None:
            hashes.append((bytes(row[5]), _FOREVER))
        if row[6] is not None and row[7] is not None and row[7] > now():
            hashes.append((bytes(row[6]), row[7]))
        return SourceEntry(
            id=row[0],
            territory_id=row[1],
            uuid=row[2],
            key=key,
            connector=connector,
            authentication=row[4],
            secret_hashes=tuple(hashes),
            shared_key="" if row[8] is None else self._unseal(bytes(row[8]), row[2]),
            settings=row[9],
            default_codec=row[10],
        )


_DeviceKey = tuple[int, int, str]


class DeviceDirectory:
    """The devices that this process has heard lately.

    A change notified by the database forgets the territory's devices; while the process does
    not hear notifications it remembers nothing.
    """

    def __init__(self, *, limit: int = MAX_DEVICES) -> None:
        self._limit = limit
        self._known: dict[_DeviceKey, DeviceEntry | None] = {}
        self._generations: dict[int, int] = {}
        self._epoch = 0
        self.listening = False

    def forget(self, territory_id: int | None = None) -> None:
        """Forget the devices of a territory, or all of them."""
        if territory_id is None:
            self._epoch += 1
            self._known.clear()
            return
        self._generations[territory_id] = self._generations.get(territory_id, 0) + 1
        for key in [key for key in self._known if key[0] == territory_id]:
            del self._known[key]

    def remembered(
        self, source: SourceEntry, identifiers: Iterable[str]
    ) -> dict[str, DeviceEntry | None] | None:
        """Return what is known of each device, or None when one of them must be looked up."""
        if not self.listening:
            return None
        try:
            return {
                identifier: self._known[source.territory_id, source.id, identifier]
                for identifier in identifiers
            }
        except KeyError:
            return None

    async def resolve(
        self, pool: Pool, source: SourceEntry, identifiers: Iterable[str]
    ) -> dict[str, DeviceEntry | None]:
        """Return what is known of each device of a delivery; None where nobody claimed it."""
        found: dict[str, DeviceEntry | None] = {}
        missing: list[str] = []
        for identifier in set(identifiers):
            key = (source.territory_id, source.id, identifier)
            if self.listening and key in self._known:
                found[identifier] = self._known[key]
            else:
                missing.append(identifier)
        if missing:
            generation = self._generation(source.territory_id)
            async with (
                pool.connection() as connection,
                within_territory(connection, source.territory_id),
            ):
                loaded = await load_devices(
                    connection,
                    territory_id=source.territory_id,
                    source_id=source.id,
                    identifiers=missing,
                )
            if self.listening and generation == self._generation(source.territory_id):
                for identifier in missing:
                    _make_room(self._known, self._limit)
                    key = (source.territory_id, source.id, identifier)
                    self._known[key] = loaded.get(identifier)
            found.update({identifier: loaded.get(identifier) for identifier in missing})
        return found

    async def ensure_streams(
        self, pool: Pool, territory_id: int, wanted: Iterable[tuple[DeviceEntry, Value]]
    ) -> None:
        """Make the streams that values need and that the devices do not know yet."""
        missing: dict[tuple[int, str], tuple[str, list[DeviceEntry]]] = {}
        for device, value in wanted:
            pair = (value.asset.asset_id, value.measure.key)
            if pair not in device.streams:
                missing.setdefault(pair, (value.measure.unit.symbol, []))[1].append(device)
        if not missing:
            return
        pairs = sorted(missing)
        parameters = {
            "territory_id": territory_id,
            "created_at": now(),
            "uuids": [uuid7() for _ in pairs],
            "asset_ids": [asset_id for asset_id, _ in pairs],
            "measure_keys": [measure for _, measure in pairs],
            "units": [missing[pair][0] for pair in pairs],
        }
        async with pool.connection() as connection, within_territory(connection, territory_id):
            cursor = await connection.execute(STREAMS_SELECT, parameters)
            rows = await cursor.fetchall()
            if len(rows) < len(pairs):
                await connection.execute(STREAMS_INSERT, parameters)
                rows = await (await connection.execute(STREAMS_SELECT, parameters)).fetchall()
        for stream_id, asset_id, measure, *_ in rows:
            for device in missing[asset_id, measure][1]:
                device.streams[asset_id, measure] = stream_id

    def _generation(self, territory_id: int) -> tuple[int, int]:
        return self._epoch, self._generations.get(territory_id, 0)


async def load_devices(
    connection: Connection, *, territory_id: int, source_id: int, identifiers: Sequence[str]
) -> dict[str, DeviceEntry]:
    """Read devices by identifier; the source's own device wins over one of no source."""
    cursor = await connection.execute(
        DEVICES_SQL,
        {"territory": territory_id, "source": source_id, "identifiers": list(identifiers)},
    )
    found = entries_of(await cursor.fetchall())
    wanted = scripts_wanted(found.values())
    if wanted:
        parameters = scripts_parameters(territory_id, wanted)
        cursor = await connection.execute(SCRIPTS_SQL, parameters)
        scripts = scripts_of(await cursor.fetchall(), parameters)
        give_scripts(found.values(), scripts=scripts)
    return found


def scripts_wanted(entries: Iterable[DeviceEntry]) -> set[str]:
    """Return the references of the scripts that devices are read with."""
    return {entry.codec_key for entry in entries if is_script(entry.codec_key)}


def give_scripts(entries: Iterable[DeviceEntry], *, scripts: Mapping[str, ScriptText]) -> None:
    """Give each device the script that it is read with."""
    for entry in entries:
        entry.script = scripts.get(entry.codec_key)


def entries_of(rows: Iterable[Sequence[Any]]) -> dict[str, DeviceEntry]:
    """Build entries from rows in the order of the statement: a later device wins."""
    grouped: dict[str, dict[int, list[Sequence[Any]]]] = {}
    for row in rows:
        grouped.setdefault(row[0], {}).setdefault(row[2], []).append(row)
    found: dict[str, DeviceEntry] = {}
    for identifier, by_device in grouped.items():
        device_id, device_rows = list(by_device.items())[-1]
        first = device_rows[0]
        attached = tuple(
            AttachedAsset(
                asset_id=row[7],
                uuid=row[8],
                type_key=row[9],
                domain_key=row[10],
                area_id=row[11],
                since=row[5],
                until=row[6],
            )
            for row in device_rows
            if row[7] is not None
        )
        mapping = {str(name): str(key) for name, key in (first[4] or {}).items()}
        found[identifier] = DeviceEntry(
            device_id, identifier, first[3], mapping, attached, rules=_rules(first[12])
        )
    return found


def _rules(stored: Mapping[str, Any] | None) -> FieldMap:
    return rules_of(stored) if stored else NO_RULES


def _make_room(known: dict[Any, Any], limit: int) -> None:
    """Drop the oldest tenth of a full memory."""
    if len(known) >= limit:
        for key in list(known)[: max(1, limit // 10)]:
            del known[key]
