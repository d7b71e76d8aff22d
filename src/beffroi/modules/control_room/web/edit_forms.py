"""The forms that change one asset."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, cast

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from beffroi.city.assets.api import AssetDetail, AssetSummary
from beffroi.foundation.accounts.contracts import Scope
from beffroi.modules.control_room import api
from beffroi.sdk.declarations import Property


class AssetForm(forms.Form):
    """The name, the place, the parent and the declared properties of an asset.

    ``read_at`` is when the asset last changed as the person read it.
    """

    read_at = forms.CharField(required=False, widget=forms.HiddenInput)
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

    parent = forms.CharField(
        label=_("Depends on"),
        help_text=_("Name or identifier of another asset, such as the cabinet of a lamp."),
        required=False,
        max_length=200,
    )

    def __init__(self, posted: Any, *, detail: AssetDetail, scope: Scope, parents_url: str) -> None:
        asset = detail.summary
        self._detail, self._scope = detail, scope
        super().__init__(
            posted,
            initial={
                "read_at": asset.updated_at.isoformat(),
                "parent": "" if detail.parent is None else api.parent_text(detail.parent),
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
        self.fields["parent"].widget.attrs |= {
            "list": "parents",
            "autocomplete": "off",
            "hx-get": parents_url,
            "hx-trigger": "input changed delay:300ms",
            "hx-target": "#parents",
        }
        if detail.shape is not None:
            # A line or an area moves with its outline, which a file brings.
            del self.fields["lon"], self.fields["lat"]
        for item in api.editable_properties(asset.type_key):
            name = f"{api.FIELD_PREFIX}{item.key}"
            self.fields[name] = _property_field(item)
            self.initial[name] = _initial(detail.properties.get(item.key), item)

    def clean_read_at(self) -> datetime | None:
        """Return when the asset that the person read had last changed."""
        try:
            return datetime.fromisoformat(self.cleaned_data["read_at"])
        except ValueError:
            return None

    def clean_parent(self) -> AssetSummary | None:
        """Return the asset that the words name; refuse words that name none, or several."""
        words = self.cleaned_data["parent"]
        known = self._detail.parent
        if not words or (known is not None and words == api.parent_text(known)):
            return known if words else None
        found = api.parents_named(words, of=self._detail, scope=self._scope)
        if len(found) == 1:
            return found[0]
        if not found:
            raise forms.ValidationError(_("No asset is called so. Look for fewer words."))
        shown = " ; ".join(api.parent_text(one) for one in found)
        raise forms.ValidationError(
            _("Several assets match: write one of them whole. %(shown)s") % {"shown": shown}
        )


class ReasonForm(forms.Form):
    """Why an asset is taken out of service."""

    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("For example: mast taken down, entered twice, sold. It stays in its history."),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


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
