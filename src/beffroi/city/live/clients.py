"""What waits for one browser: bounded, because later readings take the place of earlier ones."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import msgspec

from beffroi.city.live.contracts import Changes, View, merge

MOST_WAITING = 5_000
"""Assets that may wait for one client, some two megabytes; one further behind starts again."""


class Client:
    """One open stream: events wait here until its connection takes them.

    A client that keeps up is handed octets it shares with all clients of the same view; for one
    that lags behind, changes are merged until it has room.
    """

    def __init__(self, view: View) -> None:
        self.view = view
        self.closed = ""
        self.ready = asyncio.Event()
        self._mark = 0
        self._shared: tuple[bytes, Changes] | None = None
        self._waiting: Changes = {}
        self._behind = False
        self._delayed: bool | None = None
        self._held = True

    def offer(self, mark: int, octets: bytes, changes: Changes) -> None:
        """Put changes in line; ``octets`` are their event."""
        self._mark = mark
        if self._shared is None and not self._waiting and not self._behind and not self._held:
            self._shared = (octets, changes)
        else:
            self._merge_waiting(changes)
        self._wake()

    def begin(self, mark: int, changes: Changes | None) -> None:
        """Start the stream with what was missed before it, or with a reset when that is unknown."""
        self._held = False
        self._mark = max(self._mark, mark)
        if changes is None:
            self._start_again()
        else:
            self._merge_waiting(changes)
        self._wake()

    def start_again(self) -> None:
        """Tell the page to load again: what it may see has changed."""
        self._start_again()
        self._wake()

    def tell_delayed(self, *, delayed: bool) -> None:
        """Say whether changes reach this process."""
        self._delayed = delayed
        self._wake()

    def close(self, reason: str) -> None:
        """End the stream once the reason is sent."""
        self.closed = self.closed or reason
        self.ready.set()

    def events(self) -> Iterator[bytes]:
        """Take what waits, as events to send."""
        self.ready.clear()
        if self._delayed is not None:
            state = "delayed" if self._delayed else "live"
            self._delayed = None
            yield f'event: state\ndata: {{"state":"{state}"}}\n\n'.encode()
        if self._behind:
            self._behind = False
            yield f"event: reset\nid: {self._mark}\ndata: {{}}\n\n".encode()
        if self._shared is not None:
            octets, self._shared = self._shared[0], None
            yield octets
        if self._waiting:
            waiting, self._waiting = self._waiting, {}
            yield change_event(self._mark, waiting)
        if self.closed:
            yield f'event: closed\ndata: {{"reason":"{self.closed}"}}\n\n'.encode()

    def _merge_waiting(self, changes: Changes) -> None:
        if self._shared is not None:
            merge(self._waiting, self._shared[1])
            self._shared = None
        merge(self._waiting, changes)
        if len(self._waiting) > MOST_WAITING:
            self._start_again()

    def _start_again(self) -> None:
        self._shared, self._waiting, self._behind = None, {}, True

    def _wake(self) -> None:
        if not self._held:
            self.ready.set()


def change_event(mark: int, changes: Changes) -> bytes:
    """Return the event of some changes; the mark is what a browser resumes from."""
    listed = [(uuid, readings) for uuid, (_domain, _area, readings) in changes.items()]
    return b"event: change\nid: %d\ndata: %s\n\n" % (mark, msgspec.json.encode(listed))
