from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from beffroi.city.assets.api import AssetState
from beffroi.foundation.accounts.contracts import Scope
from beffroi.foundation.territories.api import AreaKind, areas_list
from beffroi.foundation.web.api import NONE_SHOWN
from beffroi.modules.control_room import api

Choices = list[tuple[str, Any]]

AREA_KINDS: Mapping[AreaKind, Promise] = {
    AreaKind.MEMBER_COMMUNE: _("Municipalities"),
    AreaKind.SECTOR: _("Sectors"),
    AreaKind.DISTRICT: _("Districts"),
    AreaKind.SUB_DISTRICT: _("Sub-districts"),
}
TO_CHECK, REMOVED = "a_verifier", "hors_service"
"""What the list calls a state beside those of the assets: of their place in the register."""
STATE_CHOICES = (
    ("", _("All")),
    (AssetState.ALARM.name.lower(), _("Alarm")),
    (AssetState.ATTENTION.name.lower(), _("Attention")),
    (AssetState.SILENT.name.lower(), _("Silent")),
    (AssetState.NEVER_REPORTED.name.lower(), _("Never reported")),
    (AssetState.NORMAL.name.lower(), _("Normal")),
    (TO_CHECK, _("To check: absent from a file")),
    (REMOVED, _("Out of service")),
)


class ListForm(forms.Form):
    """What a list of assets is narrowed to; the names are those of the address."""

    q = forms.CharField(
        label=_("Name, address or identifier"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )
    domaines = forms.ChoiceField(label=_("Urban service"), required=False)
    type = forms.ChoiceField(label=_("Type"), required=False)
    quartier = forms.ChoiceField(label=_("District"), required=False)
    etat = forms.ChoiceField(label=_("State"), required=False, choices=STATE_CHOICES)
    parent = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, query: Any, *, scope: Scope, chosen: Sequence[str]) -> None:
        seen = {item.key: item for item in api.seen_domains(scope)}
        self._chosen = [key for key in chosen if key in seen] or [
            key for key in chosen if key == NONE_SHOWN
        ]
        query = query.copy()
        # The map names several services at once: they become one choice of the list.
        query["domaines"] = ",".join(self._chosen)
        super().__init__(query)
        if not query.get("parent"):
            del self.fields["parent"]
        domains = [(key, gettext(item.label)) for key, item in seen.items()]
        if self._chosen == [NONE_SHOWN]:
            domains.insert(0, (NONE_SHOWN, gettext("None")))
        elif len(self._chosen) > 1:
            labels = ", ".join(gettext(seen[key].label) for key in self._chosen)
            domains.insert(0, (",".join(self._chosen), labels))
        types = [
            (
                gettext(item.label),
                [(one.key, gettext(one.label_plural)) for one in item.asset_types],
            )
            for item in seen.values()
        ]
        self._offer("domaines", [("", gettext("All")), *domains])
        self._offer("type", [("", gettext("All")), *types])
        self._offer("quartier", [("", gettext("All")), *_areas(scope)])

    def domain_keys(self) -> list[str]:
        """Return the urban services chosen; none means all."""
        return self._chosen

    def _offer(self, name: str, choices: Choices) -> None:
        cast("forms.ChoiceField", self.fields[name]).choices = choices


def _areas(scope: Scope) -> Choices:
    """Return the areas the person sees, by kind."""
    whole = scope.everything or any(area is None for _domain, area in scope.allowed)
    seen = {area for _domain, area in scope.allowed}
    groups: dict[AreaKind, Choices] = {}
    for card in areas_list():
        if whole or card.id in seen:
            groups.setdefault(card.kind, []).append((str(card.id), card.name))
    if len(groups) == 1:
        return next(iter(groups.values()))
    return [(str(AREA_KINDS[kind]), listed) for kind, listed in groups.items()]
