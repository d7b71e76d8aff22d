from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.utils.functional import Promise

Label = str | Promise


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: the account's number, and the name to show even after the account is gone."""

    user_id: int | None
    name: str


SYSTEM = Actor(user_id=None, name="beffroi")
"""The installation itself: command line, timers."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What it was done to, named as it was called then."""

    kind: str = ""
    uuid: UUID | None = None
    label: str = ""


NOTHING = Subject()


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One line of the log.

    Attributes:
        sequence: place in the territory's chain, from 1 without gap.
        ip: network the request came from, cut to /24 or /48; empty when there was none.
    """

    uuid: UUID
    sequence: int
    at: datetime
    actor_id: int | None
    actor_name: str
    verb: str
    subject_kind: str
    subject_uuid: UUID | None
    subject_label: str
    detail: Mapping[str, object]
    ip: str
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """What the viewer asks for; empty means no limit.

    Attributes:
        person: part of a name.
        since: first instant, included.
        until: first instant excluded.
        own_accounts: what people of the territory did to their own account (signing in, second
            factors), which belongs to the installation, in place of the territory's own log.
    """

    person: str = ""
    verb: str = ""
    since: datetime | None = None
    until: datetime | None = None
    own_accounts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """Entries from the most recent, and where the next page begins.

    Attributes:
        before: sequence to ask the next page with, or ``None`` on the last one.
    """

    entries: tuple[AuditEntry, ...]
    before: int | None


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The last link of a chain. Kept elsewhere, it proves that nothing was cut off the end."""

    sequence: int
    hash: str


class Break(StrEnum):
    """What is wrong with a row."""

    CHANGED = "changed"
    MISSING = "missing"
    UNLINKED = "unlinked"
    CUT = "cut"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainState:
    """What a verification found.

    Attributes:
        length: number of rows read.
        head: the last of them, or ``None`` when there is none.
        broken_at: sequence of the first row that does not hold, or ``None``.
        reason: what is wrong there.
    """

    length: int
    head: ChainHead | None
    broken_at: int | None = None
    reason: Break | None = None

    @property
    def is_intact(self) -> bool:
        """Tell whether every row holds."""
        return self.broken_at is None


@dataclass(slots=True)
class VerbLabels:
    """Names of the verbs, as each room declares them when it starts."""

    labels: dict[str, Label] = field(default_factory=dict)

    def declare(self, labels: Mapping[str, Label]) -> None:
        """Add names; the same verb may be declared again with the same name."""
        self.labels.update(labels)

    def label(self, verb: str) -> Label:
        """Return the name of a verb, or the verb itself when nobody declared it."""
        return self.labels.get(verb, verb)
