from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, cast

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from beffroi.city.assets.api import AssetDetail, AssetState
from beffroi.foundation.accounts.contracts import Scope
from beffroi.foundation.territories.api import AreaKind, areas_list
from beffroi.modules.control_room import api
from beffroi.sdk.declarations import Property

Choices = list[tuple[str, Any]]

AREA_KINDS: Mapping[AreaKind, Promise] = {
    AreaKind.MEMBER_COMMUNE: _("Municipalities"),
    AreaKind.SECTOR: _("Sectors"),
    AreaKind.DISTRICT: _("Districts"),
    AreaKind.SUB_DISTRICT: _("Sub-districts"),
}
STATE_CHOICES = (
    ("", _("All")),
    (AssetState.ALARM.name.lower(), _("Alarm")),
    (AssetState.ATTENTION.name.lower(), _("Attention")),
    (AssetState.SILENT.name.lower(), _("Silent")),
    (AssetState.NORMAL.name.lower(), _("Normal")),
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
        self._chosen = [key for key in chosen if key in seen]
        query = query.copy()
        # The map names several services at once: they become one choice of the list.
        query["domaines"] = ",".join(self._chosen)
        super().__init__(query)
        if not query.get("parent"):
            del self.fields["parent"]
        domains = [(key, gettext(item.label)) for key, item in seen.items()]
        if len(self._chosen) > 1:
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


class AssetForm(forms.Form):
    """The name, the place and the declared properties of an asset."""

    name = forms.CharField(label=_("Name"), required=False, max_length=200)
    department = forms.ChoiceField(label=_("Department in charge"), required=False)
    lon = forms.FloatField(
        label=_("Longitude"),
        min_value=-180,
        max_value=180,
        localize=True,
        help_text=_("Degrees, WGS 84: between −5 and 10 in mainland France."),
    )
    lat = forms.FloatField(
        label=_("Latitude"),
        min_value=-90,
        max_value=90,
        localize=True,
        help_text=_("Degrees, WGS 84: between 41 and 52 in mainland France."),
    )

    def __init__(self, posted: Any, *, detail: AssetDetail) -> None:
        asset = detail.summary
        super().__init__(
            posted,
            initial={
                "name": asset.name,
                "department": "" if asset.department_id is None else str(asset.department_id),
                "lon": asset.lon,
                "lat": asset.lat,
            },
        )
        departments = [(str(card.id), card.name) for card in api.department_choices()]
        if departments:
            field = cast("forms.ChoiceField", self.fields["department"])
            field.choices = [("", gettext("None")), *departments]
        else:
            del self.fields["department"]
        if detail.shape is not None:
            # A line or an area moves with its outline, which a file brings.
            del self.fields["lon"], self.fields["lat"]
        for item in api.editable_properties(asset.type_key):
            name = f"{api.FIELD_PREFIX}{item.key}"
            self.fields[name] = _property_field(item)
            self.initial[name] = _initial(detail.properties.get(item.key), item)


def _property_field(item: Property) -> forms.Field:
    label = gettext(item.label)
    if item.unit.symbol:
        label = f"{label} ({item.unit.symbol})"
    if item.kind is bool:
        choices = [("", gettext("Not known")), ("true", gettext("yes")), ("false", gettext("no"))]
        return forms.TypedChoiceField(
            label=label,
            required=False,
            choices=choices,
            coerce=lambda value: value == "true",
            empty_value=None,
        )
    if item.kind is int:
        return forms.IntegerField(label=label, required=False, localize=False)
    if item.kind is float:
        return forms.FloatField(label=label, required=False, localize=True)
    if item.kind is date:
        return forms.DateField(
            label=label,
            required=False,
            widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        )
    if item.choices:
        known = [(choice, gettext(choice)) for choice in item.choices]
        return forms.ChoiceField(
            label=label, required=False, choices=[("", gettext("Not known")), *known]
        )
    return forms.CharField(label=label, required=False, max_length=2_000)


def _initial(stored: Any, item: Property) -> Any:
    if item.kind is bool:
        return {True: "true", False: "false"}.get(stored, "")
    if item.kind is date and isinstance(stored, str):
        try:
            return date.fromisoformat(stored[:10])
        except ValueError:
            return None
    return stored
