from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from beffroi.city.ingest.mqtt.api import (
    TLS_PORT,
    BrokerDescription,
    BrokerView,
    Protocol,
)

_PEM = {"rows": 4, "spellcheck": "false", "autocomplete": "off"}


class SubscriptionForm(forms.Form):
    """By which topic of which broker a source is received."""

    broker = forms.ChoiceField(label=_("Broker"))
    topic = forms.CharField(
        label=_("Topic"),
        max_length=250,
        help_text=_(
            "A level in braces is read: {device} names the device, {measure} what a bare number "
            "measures, {event} the kind of message. + stands for any level, # for all the rest."
        ),
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "off"}),
    )
    qos = forms.TypedChoiceField(
        label=_("Quality of service"),
        coerce=int,
        choices=[
            (1, _("1: every message is stored, and answered once it is")),
            (0, _("0: what comes while we are away is lost")),
        ],
        initial=1,
    )

    def __init__(
        self, *args: Any, brokers: Sequence[BrokerView], topics: Sequence[str], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        choices = [(str(one.uuid), f"{one.name} ({one.address})") for one in brokers]
        self.fields["broker"].choices = choices  # type: ignore[attr-defined]  # a choice field
        if topics:
            self.fields["topic"].initial = topics[0]


class BrokerForm(forms.Form):
    """How a broker is reached. What is secret is never shown again: empty, it stays."""

    name = forms.CharField(label=_("Name"), max_length=120)
    host = forms.CharField(
        label=_("Machine"), max_length=253, help_text=_("Without scheme, as mqtt.example.fr.")
    )
    port = forms.IntegerField(label=_("Port"), min_value=1, max_value=65_535, initial=TLS_PORT)
    tls = forms.BooleanField(
        label=_("Encrypted connection (TLS)"),
        required=False,
        initial=True,
        help_text=_("Without it, the password and every message can be read on the way."),
    )
    username = forms.CharField(label=_("User"), max_length=200, required=False)
    password = forms.CharField(
        label=_("Password"),
        max_length=500,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("Some services want an API key here. Left empty, the one we have stays."),
    )
    ca_certificate = forms.CharField(
        label=_("Certificate of its authority"),
        required=False,
        max_length=100_000,
        widget=forms.Textarea(attrs=_PEM),
        help_text=_("Only if the broker’s certificate is signed by an authority of its own."),
    )
    client_certificate = forms.CharField(
        label=_("Our certificate"),
        required=False,
        max_length=100_000,
        widget=forms.Textarea(attrs=_PEM),
        help_text=_("Only if the broker asks for one."),
    )
    client_key = forms.CharField(
        label=_("Key of our certificate"),
        required=False,
        max_length=100_000,
        widget=forms.Textarea(attrs=_PEM),
        help_text=_("Left empty, the one we have stays."),
    )
    protocol = forms.ChoiceField(
        label=_("Version of MQTT"), choices=[(one.value, one.value) for one in Protocol]
    )
    client_id = forms.CharField(
        label=_("Client identifier"),
        max_length=50,
        required=False,
        help_text=_("Left empty, one is made. A number is added for each subscriber process."),
    )
    shared_group = forms.CharField(
        label=_("Group of a shared subscription"),
        max_length=50,
        required=False,
        help_text=_("With one, several subscriber processes share the messages."),
    )
    keep_alive_s = forms.IntegerField(
        label=_("Sign of life (seconds)"), min_value=5, max_value=3_600, initial=30
    )

    def described(self) -> BrokerDescription:
        """Return what the agent described."""
        told = dict(self.cleaned_data)
        return BrokerDescription(
            **{
                **told,
                "protocol": Protocol(told["protocol"]),
                "password": told["password"] or None,
                "client_key": told["client_key"] or None,
            }
        )


class AccountForm(forms.Form):
    """Who is to publish on a broker of ours."""

    username = forms.CharField(
        label=_("Name of the device"),
        max_length=120,
        help_text=_("It may write to t/, its name, and nothing else."),
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "off"}),
    )
    for_network = forms.BooleanField(
        label=_("It is this source’s network server"),
        required=False,
        help_text=_("It may then write to the topics that this source is received by."),
    )


def initial_of(view: BrokerView) -> dict[str, Any]:
    """Return what a form shows of a broker: no secret."""
    return {
        name: getattr(view, name)
        for name in BrokerForm.base_fields
        if name not in {"password", "client_key"}
    }
