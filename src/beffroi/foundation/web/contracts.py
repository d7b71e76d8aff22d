"""Words that pages share: navigation entries and crumbs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

Label = str | Promise
"""A text, translated already or when it is shown."""

NONE_SHOWN: Final = "aucun"
"""What an address names when every box is unticked; naming nothing means all of them."""


class Section(StrEnum):
    """What people come to do; the navigation is cut along it, in this order."""

    WATCH = "watch"
    ACT = "act"
    EQUIP = "equip"
    CONNECT = "connect"
    RUN = "run"

    @property
    def label(self) -> Promise:
        """Return the name of the section, translated when shown."""
        return _SECTION_LABELS[self]


_SECTION_LABELS: Mapping[Section, Promise] = {
    Section.WATCH: pgettext_lazy("navigation", "Watch"),
    Section.ACT: pgettext_lazy("navigation", "Act"),
    Section.EQUIP: pgettext_lazy("navigation", "Equip"),
    Section.CONNECT: pgettext_lazy("navigation", "Connect"),
    Section.RUN: pgettext_lazy("navigation", "Administer"),
}


class AccessLike(Protocol):
    """What the navigation needs to know of the person: a part of the accounts' ``Access``."""

    @property
    def slug(self) -> str:
        """Slug of the territory of the page."""

    @property
    def verbs(self) -> frozenset[str]:
        """Verbs that the person holds somewhere in the territory."""


Children = Callable[[AccessLike], Sequence[tuple[Label, str, str]]]
"""From a person's access to ``(label, url, icon)`` of the entries below an entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NavigationItem:
    """An entry that an app offers to the navigation.

    Attributes:
        key: unique, ``room.subject``.
        url_name: reversed with the keyword ``territory``.
        verb: shown to who holds it; empty means any agent of the territory.
        order: place within its section; equal places sort by key.
    """

    key: str
    label: Label
    url_name: str
    verb: str
    section: Section
    icon: str = "asset"
    order: int = 100
    children: Children | None = None

    def __post_init__(self) -> None:
        # An unknown section is a programmer's slip: Section() says so when the app starts.
        object.__setattr__(self, "section", Section(self.section))


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as a template shows it."""

    label: Label
    url: str
    icon: str
    current: bool = False
    children: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """The entries of one section that a person may use."""

    key: str
    label: Label
    entries: tuple[Entry, ...] = field(default=())
