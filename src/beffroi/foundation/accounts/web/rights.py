"""How rights are said, and what each role allows in one line of a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from beffroi.foundation.accounts.contracts import Verb
from beffroi.sdk.registry import domains

Grants = frozenset[tuple[str, str | None, int | None]]

VERB_LABELS: dict[str, str | Promise] = {
    Verb.ASSETS_SEE: gettext_lazy("See assets"),
    Verb.ASSETS_EDIT: gettext_lazy("Change assets"),
    Verb.ASSETS_IMPORT: gettext_lazy("Import assets"),
    Verb.ASSETS_DELETE: gettext_lazy("Remove assets"),
    Verb.SERIES_EXPORT: gettext_lazy("Export measures"),
    Verb.SOURCES_SEE: gettext_lazy("See sources and devices"),
    Verb.SOURCES_MANAGE: gettext_lazy("Manage sources and devices"),
    Verb.PEOPLE_SEE: gettext_lazy("See people and roles"),
    Verb.PEOPLE_MANAGE: gettext_lazy("Manage people and roles"),
    Verb.AUDIT_SEE: gettext_lazy("See the audit log"),
    Verb.TERRITORY_MANAGE: gettext_lazy("Manage the town’s settings"),
    Verb.API_MANAGE: gettext_lazy("Manage API keys and webhooks"),
}


# See, change, import, remove…: one column for each, in the order in which they are asked.
_COLUMNS: tuple[tuple[str, str | Promise], ...] = (
    (Verb.ASSETS_SEE, gettext_lazy("See")),
    (Verb.ASSETS_EDIT, gettext_lazy("Change")),
    (Verb.ASSETS_IMPORT, gettext_lazy("Import")),
    (Verb.ASSETS_DELETE, gettext_lazy("Remove")),
    (Verb.SERIES_EXPORT, gettext_lazy("Export")),
    (Verb.SOURCES_SEE, gettext_lazy("Sources")),
    (Verb.PEOPLE_SEE, gettext_lazy("People")),
    (Verb.AUDIT_SEE, gettext_lazy("Audit log")),
    (Verb.TERRITORY_MANAGE, gettext_lazy("Settings")),
    (Verb.API_MANAGE, gettext_lazy("API")),
)
_MANAGES = {Verb.SOURCES_SEE: Verb.SOURCES_MANAGE, Verb.PEOPLE_SEE: Verb.PEOPLE_MANAGE}

RIGHT_HEADERS = tuple(label for _verb, label in _COLUMNS)


@dataclass(frozen=True, slots=True)
class Right:
    """What a role allows in one column.

    Attributes:
        word: to show; empty when nothing is allowed.
        where: urban services and areas, when it is not everywhere.
    """

    label: str | Promise
    word: str
    where: str = ""


def rights_row(grants: Grants, *, areas: Mapping[int, str]) -> tuple[Right, ...]:
    """Return what a role allows, column by column."""
    return tuple(_right(verb, label, grants, areas=areas) for verb, label in _COLUMNS)


def _right(verb: str, label: str | Promise, grants: Grants, *, areas: Mapping[int, str]) -> Right:
    held = sorted((g for g in grants if g[0] == verb), key=str)
    manages = _MANAGES.get(Verb(verb))
    if manages is not None and any(grant[0] == manages for grant in grants):
        return Right(label, _("manages"))
    if not held:
        return Right(label, "")
    if any(domain is None and area is None for _verb, domain, area in held):
        return Right(label, _("sees") if manages is not None else _("everywhere"))
    return Right(label, _("in part"), "; ".join(_place(d, a, areas) for _verb, d, a in held))


def _place(domain: str | None, area_id: int | None, areas: Mapping[int, str]) -> str:
    known = domains().get(domain or "")
    parts = [_(known.label) if known else domain or "", areas.get(area_id or 0, "")]
    return ", ".join(part for part in parts if part)
