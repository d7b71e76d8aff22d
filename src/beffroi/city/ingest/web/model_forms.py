from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from beffroi.city.codecs.api import FieldRule
from beffroi.city.ingest.device_models import FieldSeen
from beffroi.city.ingest.web.requests import codec_choices
from beffroi.sdk.declarations import Measure

IGNORED = "-"
SURE_ENOUGH = 0.5
"""A guess that is less sure is told, and not chosen in the agent's place."""


class ModelForm(forms.Form):
    """What a device model is called, and its codec."""

    name = forms.CharField(label=_("Name of the model"), max_length=120)
    vendor = forms.CharField(label=_("Vendor"), max_length=120, required=False)
    codec_key = forms.ChoiceField(label=_("Codec"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = str(self.initial.get("codec_key") or "")
        self.fields["codec_key"].choices = codec_choices(chosen=chosen)  # type: ignore[attr-defined]  # a ChoiceField


class GiveForm(forms.Form):
    """Which devices are of a model."""

    q = forms.CharField(
        label=_("Beginning of the identifiers, or part of what the network calls the model"),
        max_length=200,
    )


class FieldForm(forms.Form):
    """What one field measures."""

    path = forms.CharField(widget=forms.HiddenInput, max_length=200)
    measure = forms.ChoiceField(label=_("Measure"), required=False)
    factor = forms.FloatField(label=_("Times"), required=False)
    offset = forms.FloatField(label=_("Plus"), required=False)
    choices = forms.CharField(label=_("Words"), required=False, max_length=1_000)
    time = forms.CharField(label=_("Time beside it"), required=False, max_length=200)

    def __init__(self, *args: Any, measures: Iterable[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["measure"].choices = [  # type: ignore[attr-defined]  # a ChoiceField
            ("", gettext("The field’s own name")),
            (IGNORED, gettext("Leave it out")),
            *measures,
        ]

    def clean_factor(self) -> float:
        """Return the factor; 1 when nothing is written."""
        return _finite(self.cleaned_data["factor"], default=1.0)

    def clean_offset(self) -> float:
        """Return the offset; 0 when nothing is written."""
        return _finite(self.cleaned_data["offset"], default=0.0)

    def clean_choices(self) -> dict[str, float]:
        """Read ``open = 1; closed = 0``.

        Raises:
            ValidationError: a part has another form.
        """
        found: dict[str, float] = {}
        for part in self.cleaned_data["choices"].split(";"):
            if not part.strip():
                continue
            word, sign, number = part.rpartition("=")
            try:
                value = float(number.strip().replace(",", "."))
            except ValueError:
                value = math.nan
            if not sign or not word.strip() or not math.isfinite(value):
                raise forms.ValidationError(
                    gettext("“%(part)s” is not of the form word = number.") % {"part": part[:40]}
                )
            found[word.strip().casefold()] = value
        return found

    def rule(self) -> FieldRule | None:
        """Return the rule, or None where there is nothing to say of the field."""
        asked = self.cleaned_data
        if not asked["measure"]:
            return None
        return FieldRule(
            measure="" if asked["measure"] == IGNORED else asked["measure"],
            factor=asked["factor"],
            offset=asked["offset"],
            choices=asked["choices"],
            time=asked["time"].strip(),
        )


class NewFieldForm(FieldForm):
    """A field that no message holds yet, or the items of a list."""

    path = forms.CharField(
        label=_("Field"),
        max_length=200,
        required=False,
        help_text=_("As channels[0].value; log[*].value stands for every item of a list."),
    )


def rule_initial(seen: FieldSeen) -> dict[str, Any]:
    """Return what a field's line shows first: its rule, or else what is guessed of it."""
    rule = seen.rule
    if rule is None and seen.guess is not None and seen.guess.confidence >= SURE_ENOUGH:
        rule = seen.guess.rule
    if rule is None:
        return {"path": seen.path}
    return {
        "path": seen.path,
        "measure": rule.measure or IGNORED,
        "factor": None if rule.factor == 1.0 else round(rule.factor, 9),
        "offset": round(rule.offset, 9) or None,
        "choices": "; ".join(f"{word} = {number:g}" for word, number in rule.choices.items()),
        "time": rule.time,
    }


def measure_choices(measures: Mapping[str, Measure]) -> list[tuple[str, str]]:
    """Return measures to choose from, by their names, with their units."""
    named = [
        (key, f"{gettext(item.label)} ({item.unit.symbol})" if item.unit.symbol else
         gettext(item.label))
        for key, item in measures.items()
    ]  # fmt: skip
    return sorted(named, key=lambda pair: pair[1].casefold())


def _finite(value: float | None, *, default: float) -> float:
    if value is None:
        return default
    if not math.isfinite(value):
        raise forms.ValidationError(gettext("This is no number."))
    return value
