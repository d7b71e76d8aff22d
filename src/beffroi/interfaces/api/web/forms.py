from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from beffroi.foundation.territories.api import areas_list
from beffroi.interfaces.api.contracts import (
    KEY_VERBS,
    MOST_REQUESTS,
    MOST_ROWS,
    REQUESTS_PER_MINUTE,
    ROWS_PER_MINUTE,
    NewKey,
)
from beffroi.interfaces.api.web.words import VERB_WORDS
from beffroi.kernel.clock import PARIS
from beffroi.sdk.registry import domains


class KeyForm(forms.Form):
    """What a new key may read, from where, how much and until when."""

    name = forms.CharField(
        label=_("Name"), max_length=120, help_text=_("Which program will use it, and whose it is.")
    )
    verbs = forms.MultipleChoiceField(
        label=_("Rights"),
        choices=[(verb, VERB_WORDS[verb]) for verb in KEY_VERBS],
        widget=forms.CheckboxSelectMultiple,
        initial=["assets.see"],
    )
    domains = forms.MultipleChoiceField(
        label=_("Urban services"),
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=_("Limits assets and measures. None ticked: all of them."),
    )
    areas = forms.MultipleChoiceField(
        label=_("Areas"),
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=_("Limits assets and measures. None ticked: the whole territory."),
    )
    expires_on = forms.DateField(
        label=_("Last day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("Empty: the key works until it is revoked."),
    )
    origins = forms.CharField(
        label=_("Web pages that may use it"),
        required=False,
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_(
            "One origin a line, as https://carte.exemple.fr. Only for a key that is in a page "
            "which everybody reads; leave it empty for a program on a server."
        ),
    )
    requests_per_minute = forms.IntegerField(
        label=_("Requests a minute"),
        min_value=1,
        max_value=MOST_REQUESTS,
        initial=REQUESTS_PER_MINUTE,
    )
    rows_per_minute = forms.IntegerField(
        label=_("Rows a minute"), min_value=1, max_value=MOST_ROWS, initial=ROWS_PER_MINUTE
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        services = self.fields["domains"]
        places = self.fields["areas"]
        if isinstance(services, forms.MultipleChoiceField):
            services.choices = [
                (domain.key, gettext(domain.label)) for domain in domains().values()
            ]
        if isinstance(places, forms.MultipleChoiceField):
            places.choices = [(str(card.uuid), card.name) for card in areas_list()]
            if not places.choices:
                del self.fields["areas"]

    def wanted(self) -> NewKey:
        """Return the key that is asked for; it ends with its last day in Paris."""
        asked = self.cleaned_data
        last: date | None = asked["expires_on"]
        return NewKey(
            name=asked["name"],
            verbs=tuple(asked["verbs"]),
            domains=tuple(asked["domains"]),
            areas=tuple(UUID(text) for text in asked.get("areas", ())),
            origins=tuple(line.strip() for line in asked["origins"].splitlines() if line.strip()),
            requests_per_minute=asked["requests_per_minute"],
            rows_per_minute=asked["rows_per_minute"],
            expires_at=None
            if last is None
            else datetime.combine(last + timedelta(days=1), time(), tzinfo=PARIS),
        )

    def clean_expires_on(self) -> date | None:
        """Refuse a day beyond what the database holds."""
        last: date | None = self.cleaned_data["expires_on"]
        if last is not None and last.year > 2199:
            raise forms.ValidationError(_("This day is too far."))
        return last
