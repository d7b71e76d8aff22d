"""Plays the demo city: first its past, then its present, all through the ingest door."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from beffroi.kernel import clock
from beffroi.site.cli.words import counted, ngettext
from beffroi.site.demo import replay
from beffroi.site.demo.fleets import (
    FleetMember,
    due_between,
    fleets,
    history_lines,
    report_line,
)
from beffroi.site.demo.folder import DemoFolder
from beffroi.site.demo.replay import Line
from beffroi.site.sending import Door, Sender

TICK = timedelta(seconds=2)
LONGEST_ABSENCE = timedelta(hours=6)
"""After a longer pause the past that was missed is not played again, only the last reports are."""


class Player:
    """Sends the replayed series and the simulated fleets of one demo city."""

    def __init__(
        self,
        folder: DemoFolder,
        *,
        doors: dict[str, Door],
        members: dict[str, list[FleetMember]],
        garages: dict[str, tuple[str, int]],
        base_url: str,
    ) -> None:
        self._folder = folder
        self._doors = doors
        self._members = members
        self._garages = garages
        self._sender = Sender(base_url)
        self._fleets = fleets()
        self._shifts = self._kept_shifts()

    def past(self, progress: Callable[[int, int], None]) -> str:
        """Send everything up to now that an earlier run has not sent."""
        until = clock.now()
        total = 0
        for name, lines in self._pasts(until):
            if not self._folder.is_done(f"past-{name}", version="1"):
                sent = self._sender.send_all(
                    self._doors[self._door_of(name)],
                    lines,
                    progress=_counting(progress, total),
                )
                total += sent
                self._folder.done(f"past-{name}", version="1")
        if total:
            self._folder.keep(played_until=until.isoformat())
        return ngettext("{count} message", "{count} messages", total).format(count=counted(total))

    def play(self, stop: threading.Event) -> None:
        """Send what becomes due, until ``stop`` is set."""
        since = self._resumed_at(clock.now())
        coming = {name: Coming(lines, since=since) for name, lines in self._replays().items()}
        while not stop.wait(TICK.total_seconds()):
            until = clock.now()
            self._send_fleets(since=since, until=until)
            for name, lines in coming.items():
                self._sender.send_all(self._doors[name], lines.due(until))
            since = until
            self._folder.keep(played_until=until.isoformat())

    def _send_fleets(self, *, since: datetime, until: datetime) -> None:
        lines = [
            line
            for asset_type, fleet in self._fleets.items()
            for member, moment in due_between(
                fleet, self._members.get(asset_type, []), since=since, until=until
            )
            if (line := report_line(fleet, member, moment)) is not None
        ]
        if lines:
            self._sender.send_all(self._doors["fleets"], lines)

    def _pasts(self, until: datetime) -> Iterator[tuple[str, Iterator[bytes]]]:
        for name, lines in self._replays().items():
            yield name, (line.body for line in lines if line.due_at <= until)
        for asset_type, fleet in self._fleets.items():
            members = self._members.get(asset_type, [])
            yield asset_type, history_lines(asset_type, fleet, members, until=until)

    def _replays(self) -> dict[str, Iterator[Line]]:
        read = self._folder.content
        return {
            "helium": replay.helium_lines(read(replay.HELIUM_FILE), shift=self._shifts["helium"]),
            "chirpstack": replay.chirpstack_lines(
                read(replay.CHIRPSTACK_FILE), shift=self._shifts["chirpstack"]
            ),
            "aarhus": replay.aarhus_rows(
                read(replay.AARHUS_FILE), shift=self._shifts["aarhus"], capacities=self._garages
            ),
        }

    def _door_of(self, name: str) -> str:
        return name if name in self._doors else "fleets"

    def _resumed_at(self, now: datetime) -> datetime:
        kept = self._folder.state().get("played_until")
        if not kept:
            return now
        return max(datetime.fromisoformat(kept), now - LONGEST_ABSENCE)

    def _kept_shifts(self) -> dict[str, timedelta]:
        """Return how far each series is moved: fixed on the first run, so that keys stay theirs."""
        kept = self._folder.state().get("shift_days")
        if kept is None:
            now = clock.now()
            kept = {}
            for name, file, multiple in (
                ("helium", replay.HELIUM_FILE, 1),
                ("chirpstack", replay.CHIRPSTACK_FILE, 1),
                ("aarhus", replay.AARHUS_FILE, 7),
            ):
                last = replay.last_instant(file, self._folder.content(file))
                gap = now + replay.STILL_TO_COME - last
                kept[name] = replay.whole_days(gap, multiple=multiple).days
            self._folder.keep(shift_days=kept)
        return {name: timedelta(days=days) for name, days in kept.items()}


def _counting(progress: Callable[[int, int], None], base: int) -> Callable[[int], None]:
    def count(done: int) -> None:
        progress(base + done, 0)

    return count


class Coming:
    """Lines in the order of their times, taken when they are due."""

    def __init__(self, lines: Iterator[Line], *, since: datetime) -> None:
        self._lines = (line for line in lines if line.due_at > since)
        self._next = next(self._lines, None)

    def due(self, until: datetime) -> list[bytes]:
        """Take the bodies of the lines that are due."""
        taken: list[bytes] = []
        while self._next is not None and self._next.due_at <= until:
            taken.append(self._next.body)
            self._next = next(self._lines, None)
        return taken
