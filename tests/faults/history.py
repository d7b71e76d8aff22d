"""What each sender sent and was told, and what the database must hold after that."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO


class History:
    """Events of any number of senders, in the order they happened, as lines of JSON.

    A message is first ``sent``; then it is ``acknowledged``, ``refused`` (nothing of it may be
    kept for that answer), or ``unknown`` (the connection was lost: it may be kept or not).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._stream: TextIO = path.open("w", encoding="utf-8")
        self.acknowledged = 0
        self.refused = 0

    def note(self, event: str, *, sender: int, key: str) -> None:
        """Write one event."""
        with self._lock:
            self._stream.write(json.dumps({"event": event, "sender": sender, "key": key}) + "\n")
            self.acknowledged += event == "acknowledged"
            self.refused += event == "refused"

    def close(self) -> None:
        """End the file."""
        self._stream.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is wrong; all is right when every part but the last is empty.

    Attributes:
        lost: acknowledged, and not stored.
        doubled: stored more than once.
        invented: stored, and never sent.
        without_value: stored messages whose observation is not.
        values_alone: observations of no stored message.
        quarantined: stored, kept apart for its time: right, and told for what it is worth.
    """

    lost: frozenset[str]
    doubled: frozenset[str]
    invented: frozenset[str]
    without_value: frozenset[str]
    values_alone: frozenset[str]
    quarantined: frozenset[str]

    @property
    def right(self) -> bool:
        """Tell whether acknowledged means stored once, and nothing else is."""
        return not (
            self.lost or self.doubled or self.invented or self.without_value or self.values_alone
        )


def verdict(
    path: Path,
    *,
    stored: Iterable[str],
    quarantined: Iterable[str] = (),
    values: Iterable[str],
    keys: Mapping[str, str],
) -> Verdict:
    """Compare a history with what a database holds.

    Args:
        path: of the history.
        stored: the key of each message kept.
        quarantined: those of them whose time was not believed: they have no observation.
        values: of each observation kept, the name of the message that it came from.
        keys: what the senders called a message, to the key that the platform gives it.
    """
    events = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    sent = {keys[event["key"]] for event in events if event["event"] == "sent"}
    acknowledged = {keys[event["key"]] for event in events if event["event"] == "acknowledged"}
    counts, value_counts = Counter(stored), Counter(keys[name] for name in values)
    return Verdict(
        lost=frozenset(acknowledged - counts.keys()),
        doubled=frozenset(key for key, count in counts.items() if count > 1)
        | frozenset(key for key, count in value_counts.items() if count > 1),
        invented=frozenset(counts.keys() - sent),
        without_value=frozenset(counts.keys() - value_counts.keys() - set(quarantined)),
        values_alone=frozenset(value_counts.keys() - (counts.keys() - set(quarantined))),
        quarantined=frozenset(quarantined),
    )
