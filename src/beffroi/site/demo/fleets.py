"""What the simulated fleets report, as the plain JSON that their devices would send."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from beffroi.sdk.declarations import DemoAsset, Fleet
from beffroi.sdk.registry import domains

HISTORY = {
    "air_station": (timedelta(days=60), timedelta(hours=1)),
    "weather_station": (timedelta(days=365), timedelta(hours=1)),
    "waste_container": (timedelta(days=14), timedelta(hours=1)),
    "lighting_cabinet": (timedelta(days=2), timedelta(hours=1)),
    "indoor_sensor": (timedelta(days=14), timedelta(minutes=30)),
    "car_park": (timedelta(days=14), timedelta(minutes=30)),
    "traffic_counter": (timedelta(days=1), timedelta(hours=1)),
    "parking_meter": (timedelta(days=2), timedelta(hours=6)),
}
"""How far back each fleet has a past on the first run, and at what step."""

SAMPLED = {"light_point": (timedelta(days=3), timedelta(hours=1), 200)}
"""Fleets too large for a past of every asset: past, step, and one asset in how many has it."""


@dataclass(frozen=True, slots=True)
class FleetMember:
    """One simulated asset and the device that speaks for it."""

    device: str
    asset: DemoAsset


def fleets() -> dict[str, Fleet]:
    """Return the declared fleets by type of asset."""
    return {fleet.asset_type: fleet for domain in domains().values() for fleet in domain.fleets}


def device_of(asset_type: str, key: str) -> str:
    """Return the identifier of the device that speaks for a simulated asset."""
    digest = hashlib.blake2b(f"{asset_type}/{key}".encode(), digest_size=8).hexdigest()
    return f"sim-{digest}"


def report_line(fleet: Fleet, member: FleetMember, at: datetime) -> bytes | None:
    """Return what a member reports at an instant, or None when it is silent."""
    values = fleet.report(member.asset, at)
    if not values:
        return None
    return json.dumps(
        {"device": member.device, "time": at.isoformat(), "values": dict(values)}
    ).encode()


def slot_of(member: FleetMember, fleet: Fleet) -> timedelta:
    """Return when within its period a member reports: each has its own moment."""
    number = int.from_bytes(hashlib.blake2b(member.device.encode(), digest_size=4).digest(), "big")
    return fleet.every * (number % 1_000) / 1_000


def history_lines(
    asset_type: str, fleet: Fleet, members: Sequence[FleetMember], *, until: datetime
) -> Iterator[bytes]:
    """Give the past of a fleet, oldest first, then the last report of every member."""
    if asset_type in SAMPLED:
        past, step, one_in = SAMPLED[asset_type]
        chosen = members[::one_in]
    else:
        past, step = HISTORY.get(asset_type, (fleet.history, fleet.every))
        chosen = members
    start = until - past
    at = datetime.fromtimestamp(
        start.timestamp() // step.total_seconds() * step.total_seconds(), start.tzinfo
    )
    while at < until - step:
        for member in chosen:
            if line := report_line(fleet, member, at):
                yield line
        at += step
    for member in members:
        if line := report_line(fleet, member, last_moment(member, fleet, until)):
            yield line


def last_moment(member: FleetMember, fleet: Fleet, until: datetime) -> datetime:
    """Return the last instant at which a member was due to report."""
    period = fleet.every.total_seconds()
    offset = slot_of(member, fleet).total_seconds()
    number = (until.timestamp() - offset) // period
    return datetime.fromtimestamp(number * period + offset, until.tzinfo)


def due_between(
    fleet: Fleet, members: Sequence[FleetMember], *, since: datetime, until: datetime
) -> Iterator[tuple[FleetMember, datetime]]:
    """Give the members that are due after ``since`` and until ``until``, with their moment."""
    for member in members:
        moment = last_moment(member, fleet, until)
        if moment > since:
            yield member, moment
