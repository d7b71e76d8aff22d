from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.formats import number_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from beffroi.city.codecs.api import models_list
from beffroi.city.ingest.clocks import (
    AHEAD,
    BEHIND,
    MOST_AHEAD_MINUTES,
    MOST_BEHIND_DAYS,
    installation_limits,
)
from beffroi.city.ingest.web.requests import codec_choices
from beffroi.sdk.connectors import Authentication, Connector
from beffroi.sdk.registry import asset_types, domain_of

SETTING = "setting_"
MAX_MAPPING = 200


class SourceForm(forms.Form):
    """What a source is called and how its messages are read; its connector's own settings too."""

    name = forms.CharField(label=_("Name"), max_length=120)

    def __init__(self, *args: Any, connector: Connector, is_new: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.connector = connector
        for setting in connector.settings:
            self.fields[SETTING + setting.key] = _setting_field(setting)
        self.fields |= _clock_fields()
        self.fields["default_codec"] = forms.ChoiceField(
            label=_("Codec of devices that name none"),
            choices=codec_choices(scripts=False),
            required=False,
        )
        if is_new and Authentication.SIGNATURE in connector.authentication:
            self.fields["shared_key"] = forms.CharField(
                label=_("Key shared with the network"),
                help_text=_(
                    "The network signs what it sends with this key. Leave it empty to have a "
                    "secret instead."
                ),
                required=Authentication.SECRET not in connector.authentication,
                min_length=8,
                max_length=500,
            )

    def settings(self) -> dict[str, Any]:
        """Return the connector's settings."""
        return {
            name.removeprefix(SETTING): value
            for name, value in self.cleaned_data.items()
            if name.startswith(SETTING)
        }


class SharedKeyForm(forms.Form):
    """The key that a network signs with."""

    shared_key = forms.CharField(label=_("New shared key"), min_length=8, max_length=500)


class DeviceFilterForm(forms.Form):
    """What the list of devices is narrowed to."""

    q = forms.CharField(label=_("Identifier or model"), required=False)
    etat = forms.CharField(widget=forms.HiddenInput, required=False)


class MappingField(forms.CharField):
    """One line per value, ``name = measure``."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        """Write a mapping as lines."""
        if isinstance(value, Mapping):
            return "\n".join(f"{name} = {key}" for name, key in value.items())
        return value

    def to_python(self, value: Any) -> Any:
        """Read lines as a mapping.

        Raises:
            ValidationError: a line has another form.
        """
        found: dict[str, str] = {}
        for line in str(value or "").splitlines():
            if not line.strip():
                continue
            name, sign, key = (part.strip() for part in line.partition("="))
            if not name or not sign or len(name) > MAX_MAPPING or len(key) > MAX_MAPPING:
                raise forms.ValidationError(
                    gettext("The line “%(line)s” is not of the form name = measure.")
                    % {"line": line[:60]}
                )
            found[name] = key
        if len(found) > MAX_MAPPING:
            raise forms.ValidationError(gettext("There are too many lines."))
        return found


def mapping_field() -> MappingField:
    """Return the field that maps the names a device uses to declared measures."""
    return MappingField(
        label=_("Names of values"),
        required=False,
        help_text=_(
            "One line per value whose name is not that of the measure: name = measure. "
            "Nothing after the sign leaves the value out."
        ),
    )


class ReadingForm(forms.Form):
    """How the messages of a device are read."""

    model = forms.CharField(label=_("What its network calls it"), max_length=120, required=False)
    model_ref = forms.ChoiceField(
        label=_("Device model"),
        required=False,
        help_text=_("It lends the device its codec and says what its values measure."),
    )
    codec_key = forms.ChoiceField(
        label=_("Codec of its own"),
        required=False,
        help_text=_("Only where the device is not read like its model."),
    )

    def __init__(self, *args: Any, proposed: Sequence[tuple[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = str(self.initial.get("codec_key") or "")
        codecs = codec_choices(chosen=chosen)
        codecs[0] = ("", gettext("That of its model, or none"))
        self.fields["codec_key"].choices = codecs  # type: ignore[attr-defined]  # a ChoiceField
        self.fields["model_ref"].choices = model_choices(proposed)  # type: ignore[attr-defined]  # same
        self.fields["mapping"] = mapping_field()


def model_choices(proposed: Sequence[tuple[str, str]] = ()) -> list[tuple[str, Any]]:
    """Return the device models to choose from: those of the town, and what the library proposes."""
    own = [(str(model.uuid), model.title) for model in models_list()]
    found: list[tuple[str, Any]] = [("", gettext("None"))]
    if not proposed:
        return [*found, *own]
    if own:
        found.append((gettext("Of the town"), own))
    return [*found, (gettext("Proposed by the library"), list(proposed))]


class ReplaceForm(forms.Form):
    """The device that takes the place of another."""

    identifier = forms.CharField(label=_("Identifier of the new device"), max_length=200)


class ClaimForm(ReadingForm):
    """What a device that nobody knows is: an asset that exists, or a new one."""

    NEW = "nouveau"

    def __init__(self, *args: Any, assets: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        new = (self.NEW, gettext("A new asset, described below"))
        fields: dict[str, forms.Field] = {
            "asset": forms.ChoiceField(
                label=_("It speaks for"), choices=[*assets, new], widget=forms.RadioSelect
            ),
            "type_key": forms.ChoiceField(
                label=_("Type of the new asset"), choices=_type_choices(), required=False
            ),
            "name": forms.CharField(
                label=_("Name of the new asset"), max_length=200, required=False
            ),
            "lon": forms.FloatField(
                label=_("Longitude"), min_value=-180, max_value=180, required=False
            ),
            "lat": forms.FloatField(
                label=_("Latitude"), min_value=-90, max_value=90, required=False
            ),
        }
        self.fields = {**fields, **self.fields}

    def clean(self) -> dict[str, Any]:
        """Check that a new asset has a type and a place.

        Returns:
            The cleaned values.
        """
        found: dict[str, Any] = super().clean() or self.cleaned_data
        if found.get("asset") == self.NEW:
            for name in ("type_key", "lon", "lat"):
                if found.get(name) in {None, ""}:
                    self.add_error(name, gettext("A new asset needs it."))
        return found


def _clock_fields() -> dict[str, forms.Field]:
    """Return the limits of a clock, which every source may declare."""
    default = installation_limits()
    told = gettext("Empty: as for the whole installation (%(value)s).")
    behind = gettext("none since the year 2000")
    if default.behind is not None:
        behind = number_format(default.behind.days)
    return {
        SETTING + AHEAD: forms.IntegerField(
            label=gettext("Minutes that a clock may be ahead"),
            help_text=told % {"value": number_format(int(default.ahead.total_seconds() // 60))},
            required=False,
            min_value=0,
            max_value=MOST_AHEAD_MINUTES,
        ),
        SETTING + BEHIND: forms.IntegerField(
            label=gettext("Days that a message may be behind"),
            help_text=told % {"value": behind},
            required=False,
            min_value=0,
            max_value=MOST_BEHIND_DAYS,
        ),
    }


def _setting_field(setting: Any) -> forms.Field:
    options: dict[str, Any] = {
        "label": gettext(setting.label),
        "help_text": gettext(setting.help) if setting.help else "",
        "required": False,
        "initial": setting.default,
    }
    if setting.kind == "choice":
        choices = [(value, gettext(label)) for value, label in setting.choices]
        return forms.ChoiceField(choices=choices, **options)
    if setting.kind in {"json", "mapping"}:
        if not isinstance(setting.default, str):
            options["initial"] = setting.default
        return forms.JSONField(
            widget=forms.Textarea, encoder=_ReadableJson, empty_value=setting.default, **options
        )
    return forms.CharField(max_length=2_000, empty_value=setting.default, **options)


class _ReadableJson(json.JSONEncoder):
    """Writes accents as they are."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "ensure_ascii": False, "indent": 2})


def _type_choices() -> list[tuple[str, Any]]:
    groups: dict[str, list[tuple[str, str]]] = {}
    for item in asset_types().values():
        label = gettext(domain_of(item.key).label)
        groups.setdefault(label, []).append((item.key, gettext(item.label)))
    return [("", "—"), *((label, sorted(items)) for label, items in sorted(groups.items()))]
