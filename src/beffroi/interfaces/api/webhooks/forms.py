from __future__ import annotations

from itertools import product
from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from beffroi.foundation.accounts.contracts import Access
from beffroi.foundation.messaging.api import DeliveryState, Filters, topics_all
from beffroi.foundation.territories.api import areas_list
from beffroi.interfaces.api.webhooks.words import DELIVERY_STATES, topic_label
from beffroi.sdk.registry import asset_types, domain_of, domains, measures

FAILED = "echec"


class WebhookForm(forms.Form):
    """What a webhook is called, where it sends, what it wants."""

    name = forms.CharField(label=_("Name"), max_length=120)
    url = forms.CharField(
        label=_("Address of the receiver"),
        max_length=2_000,
        help_text=_("Begins with https://. Events are sent there by POST, signed, as JSON."),
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, access: Access, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._access = access
        self.fields["topics"] = forms.MultipleChoiceField(
            label=_("Events"), choices=_topics(), widget=forms.CheckboxSelectMultiple
        )
        self.fields["domains"] = _several(
            _("Only these services"),
            [(domain.key, gettext(domain.label)) for domain in domains().values()],
            widget=forms.CheckboxSelectMultiple,
            help_text=_(
                "These limits narrow events about assets and measurements; those about sources "
                "always pass. Choosing nothing means everything."
            ),
        )
        self.fields["areas"] = _several(
            _("Only in these areas"), [(str(card.id), card.name) for card in areas_list()]
        )
        self.fields["types"] = _several(_("Only these types of asset"), _types())
        self.fields["measures"] = _several(
            _("Only these measurements"),
            sorted(
                ((measure.key, gettext(measure.label)) for measure in measures().values()),
                key=lambda pair: pair[1],
            ),
        )
        if not areas_list():
            del self.fields["areas"]

    def clean(self) -> dict[str, Any]:
        """Check that nothing is sent out that the person may not see.

        Returns:
            The cleaned values.
        """
        found: dict[str, Any] = super().clean() or self.cleaned_data
        scope = self._access.scope("assets.see")
        areas: list[int | None] = [int(area) for area in found.get("areas") or ()]
        asked = product(found.get("domains") or [None], areas or [None])
        if not all(scope.covers(domain=domain, area_id=area) for domain, area in asked):
            self.add_error(
                "domains",
                gettext("Your role does not see all of that: choose among what it sees."),
            )
        return found

    def filters(self) -> Filters:
        """Return the limits chosen."""
        chosen = self.cleaned_data
        return Filters(
            domains=tuple(chosen["domains"]),
            areas=tuple(int(area) for area in chosen.get("areas", ())),
            types=tuple(chosen["types"]),
            measures=tuple(chosen["measures"]),
        )


class DeliveryFilterForm(forms.Form):
    """What the list of deliveries is narrowed to."""

    etat = forms.ChoiceField(label=_("State"), required=False)
    evenement = forms.ChoiceField(label=_("Event"), required=False)

    def __init__(self, *args: Any, topics: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        states: list[tuple[str, Any]] = [("", _("All")), (FAILED, _("whose last attempt failed"))]
        states += [(state.value, DELIVERY_STATES[state][0]) for state in DeliveryState]
        self.fields["etat"].choices = states  # type: ignore[attr-defined]  # a ChoiceField
        named = [("", _("All")), *((key, topic_label(key)) for key in topics)]
        self.fields["evenement"].choices = named  # type: ignore[attr-defined]  # same


def initial_of(card: Any) -> dict[str, Any]:
    """Return what the form of an existing webhook begins with."""
    return {
        "name": card.name,
        "url": card.url,
        "topics": list(card.topics),
        "domains": list(card.filters.domains),
        "areas": [str(area) for area in card.filters.areas],
        "types": list(card.filters.types),
        "measures": list(card.filters.measures),
    }


def _topics() -> list[tuple[str, str]]:
    return [
        (
            topic.key,
            format_html(
                '{} <span class="muted">– {} <code>{}</code></span>',
                topic.label,
                topic.help,
                topic.key,
            ),
        )
        for topic in topics_all()
    ]


def _types() -> list[Any]:
    groups: dict[str, list[tuple[str, str]]] = {}
    for item in asset_types().values():
        label = gettext(domain_of(item.key).label)
        groups.setdefault(label, []).append((item.key, gettext(item.label)))
    return [(label, sorted(items)) for label, items in sorted(groups.items())]


def _several(
    label: Any, choices: list[Any], *, widget: Any = forms.SelectMultiple, help_text: Any = ""
) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label, choices=choices, required=False, widget=widget, help_text=help_text
    )
