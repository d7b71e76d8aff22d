"""Real series moved to the present: the same values, the same hours of the day, another date."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

CREDIT_GRENOBLE = (
    "Université Grenoble Alpes, CampusIoT (D. Donsez, O. Alphand, N. Albarel et autres), "
    "ODbL 1.0, https://doi.org/10.18709/perscido.2023.06.ds395"
)
CREDIT_AARHUS = "Ville d’Aarhus, CityPulse, CC BY 4.0"

HELIUM_FILE = "grenoble/TourPerret_ems-tourperret-A81758FFFE04B1C1.ndjson.gz"
CHIRPSTACK_FILE = "grenoble/SaintEynard_logs_d1d1e80000000032_campusiot-2.ndjson.gz"
AARHUS_FILE = "aarhus/parking_aarhus.csv.gz"

STILL_TO_COME = timedelta(days=28)
"""How much of each series is kept for the days after the first run."""


@dataclass(frozen=True, slots=True)
class Line:
    """One message of a replayed series, and when it is due."""

    due_at: datetime
    body: bytes


def whole_days(gap: timedelta, *, multiple: int = 1) -> timedelta:
    """Return the gap cut to whole multiples of days, so that nights stay nights."""
    days = gap // timedelta(days=1)
    return timedelta(days=days - days % multiple)


def helium_lines(content: bytes, *, shift: timedelta) -> Iterator[Line]:
    """Give the Tour Perret receptions, their times moved, in the order of their times."""
    moved = int(shift.total_seconds() * 1000)
    messages = [json.loads(line) for line in content.splitlines()]
    for message in sorted(messages, key=lambda one: one["reported_at"]):
        message["reported_at"] += moved
        for spot in message["hotspots"]:
            spot["reported_at"] += moved
        # What the publisher added is not of the network's message.
        plain = {key: value for key, value in message.items() if not key.startswith("_")}
        due_at = datetime.fromtimestamp(message["reported_at"] / 1000, UTC)
        yield Line(due_at, json.dumps(plain).encode())


def chirpstack_lines(content: bytes, *, shift: timedelta) -> Iterator[Line]:
    """Give the Saint-Eynard uplinks, their times moved, in the order of their times."""
    messages = [json.loads(line) for line in content.splitlines()]
    for message in sorted(messages, key=lambda one: one["_timestamp"]):
        due_at = datetime.fromtimestamp(message["_timestamp"] / 1000, UTC) + shift
        for heard in message["rxInfo"]:
            heard.pop("time", None)
        message["_timestamp"] = int(due_at.timestamp() * 1000)
        message["_date"] = due_at.isoformat()
        yield Line(due_at, json.dumps(message).encode())


def aarhus_rows(
    content: bytes, *, shift: timedelta, capacities: dict[str, tuple[str, int]]
) -> Iterator[Line]:
    """Give the occupation of Aarhus' car parks as CSV rows for the demo's car parks.

    ``capacities`` is garage to (device, capacity): the real rate of occupation is applied to the
    capacity of the car park that stands in for it.
    """
    zone = ZoneInfo("Europe/Copenhagen")
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    for row in sorted(rows, key=lambda one: one["updatetime"]):
        if row["garagecode"] not in capacities:
            continue
        device, capacity = capacities[row["garagecode"]]
        local = datetime.fromisoformat(row["updatetime"]).replace(tzinfo=zone)
        due_at = local.astimezone(UTC) + shift
        rate = min(1.0, int(row["vehiclecount"]) / int(row["totalspaces"]))
        occupied = round(rate * capacity)
        cells = (
            device,
            due_at.isoformat(),
            str(occupied),
            str(capacity - occupied),
            str(capacity),
            f"{100 * rate:.1f}",
        )
        yield Line(due_at, ";".join(cells).encode())


AARHUS_HEADER = b"device;time;occupied_places;free_places;capacity_places;occupancy_pct\n"


def last_instant(name: str, content: bytes) -> datetime:
    """Return the time of the last message of one of the three files."""
    if name == AARHUS_FILE:
        rows = csv.DictReader(io.StringIO(content.decode()))
        latest = max(row["updatetime"] for row in rows)
        return datetime.fromisoformat(latest).replace(tzinfo=UTC)
    key = "reported_at" if name == HELIUM_FILE else "_timestamp"
    latest_ms = max(json.loads(line)[key] for line in content.splitlines())
    return datetime.fromtimestamp(latest_ms / 1000, UTC)


def decompressed(content: bytes) -> bytes:
    """Return octets, decompressed if they are a gzip file."""
    return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
