"""The roles that a territory begins with; they may be changed like any other."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from beffroi.foundation.accounts.contracts import VERBS, Verb

ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class RolePreset:
    """A role as it is first made."""

    key: str
    name: str | Promise
    description: str | Promise
    verbs: frozenset[str]


_SEE = frozenset({Verb.ASSETS_SEE.value, Verb.SERIES_EXPORT.value})

PRESETS = (
    RolePreset(
        ADMINISTRATOR,
        _("Administrator"),
        _("Everything: people, roles, sources, assets, the town’s settings."),
        VERBS,
    ),
    RolePreset(
        "operator",
        _("Operator"),
        _("Watches the city, corrects and imports assets, follows sources."),
        _SEE | {Verb.ASSETS_EDIT.value, Verb.ASSETS_IMPORT.value, Verb.SOURCES_SEE.value},
    ),
    RolePreset(
        "department_head",
        _("Department head"),
        _("Runs a service: its assets, its sources, its people."),
        _SEE
        | {
            Verb.ASSETS_EDIT.value,
            Verb.ASSETS_IMPORT.value,
            Verb.ASSETS_DELETE.value,
            Verb.SOURCES_SEE.value,
            Verb.PEOPLE_SEE.value,
        },
    ),
    RolePreset(
        "technician",
        _("Technician"),
        _("In the field: sees and corrects assets."),
        frozenset({Verb.ASSETS_SEE.value, Verb.ASSETS_EDIT.value, Verb.SOURCES_SEE.value}),
    ),
    RolePreset(
        "reader",
        _("Read only"),
        _("Sees the city and exports its data."),
        _SEE,
    ),
)
