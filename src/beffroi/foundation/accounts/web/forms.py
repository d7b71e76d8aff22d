from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.timezone import make_aware
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from beffroi.foundation.accounts.api import User
from beffroi.foundation.audit.api import AuditFilter
from beffroi.kernel.clock import PARIS

LANGUAGES = [("fr", "Français"), ("en", "English")]


class ProfileForm(forms.Form):
    """One's own name and language."""

    full_name = forms.CharField(
        label=_("First name and family name"),
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    language = forms.ChoiceField(label=_("Language"), choices=LANGUAGES)


class AddressForm(forms.Form):
    """The address to sign in with from now on."""

    email = forms.EmailField(
        label=_("New e-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )


class InvitationForm(forms.Form):
    """Name and password of a new account."""

    full_name = forms.CharField(
        label=_("First name and family name"),
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=_("The same password again"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._email = email
        self.fields["password"].help_text = _(
            "At least twelve characters, unlike your name and your address. Four words that do"
            " not go together are easy to keep in mind and hard to guess."
        )

    def clean(self) -> dict[str, Any]:
        """Check the password against the rules and against its second writing."""
        cleaned = super().clean() or {}
        password = cleaned.get("password")
        if password:
            person = User(email=self._email, full_name=cleaned.get("full_name", ""))
            try:
                validate_password(password, person)
            except ValidationError as error:
                self.add_error("password", error)
            if password != cleaned.get("again"):
                self.add_error("again", _("The two passwords are not the same."))
        return cleaned


class PlaceForm(forms.Form):
    """Roles and department of a person."""

    roles = forms.MultipleChoiceField(
        label=_("Roles"), widget=forms.CheckboxSelectMultiple, required=False
    )
    department = forms.ChoiceField(label=_("Department"), required=False)

    def __init__(
        self,
        *args: Any,
        roles: Sequence[tuple[str, str]],
        departments: Sequence[tuple[str, str]],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        role_field, department_field = self.fields["roles"], self.fields["department"]
        if isinstance(role_field, forms.MultipleChoiceField):
            role_field.choices = list(roles)
        if isinstance(department_field, forms.ChoiceField):
            department_field.choices = [("", gettext("None")), *departments]


class InviteForm(PlaceForm):
    """Whom to invite, and to which place."""

    email = forms.EmailField(
        label=_("E-mail address"), widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    field_order = ("email", "roles", "department")


class PeopleFilterForm(forms.Form):
    """What the list of people is cut to."""

    q = forms.CharField(
        label=_("Search"), required=False, widget=forms.TextInput(attrs={"type": "search"})
    )
    role = forms.ChoiceField(label=_("Role"), required=False)
    service = forms.ChoiceField(label=_("Department"), required=False)
    etat = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[("", _("Open accesses")), ("inactive", _("Closed accesses")), ("all", _("All"))],
    )

    def __init__(
        self,
        *args: Any,
        roles: Sequence[tuple[str, str]],
        departments: Sequence[tuple[str, str]],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        for name, choices in (("role", roles), ("service", departments)):
            field = self.fields[name]
            if isinstance(field, forms.ChoiceField):
                field.choices = [("", gettext("All")), *choices]


class NamedForm(forms.Form):
    """A role or a department."""

    name = forms.CharField(label=_("Name"), max_length=80)
    description = forms.CharField(
        label=_("Description"),
        max_length=300,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class TownForm(forms.Form):
    """Name and colours of a town."""

    name = forms.CharField(label=_("Name"), max_length=200)
    primary_color = forms.CharField(
        label=_("Main colour"), max_length=9, help_text=_("Six hexadecimal digits, as #1f4e79.")
    )
    secondary_color = forms.CharField(label=_("Second colour"), max_length=9)


class JournalForm(forms.Form):
    """What the audit log is cut to."""

    personne = forms.CharField(label=_("Person"), required=False)
    action = forms.ChoiceField(label=_("Action"), required=False)
    du = forms.DateField(
        label=_("From the day"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    au = forms.DateField(
        label=_("To the day"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    def __init__(
        self,
        *args: Any,
        verbs: Sequence[tuple[str, str]],
        own_accounts: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._own_accounts = own_accounts
        field = self.fields["action"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [("", gettext("All actions")), *verbs]

    def wanted(self) -> AuditFilter:
        """Return what is asked; an unreadable field asks for nothing."""
        self.is_valid()
        cleaned = self.cleaned_data
        since, until = cleaned.get("du"), cleaned.get("au")
        return AuditFilter(
            person=cleaned.get("personne", ""),
            verb=cleaned.get("action", ""),
            since=since and make_aware(datetime.combine(since, time.min), PARIS),
            # The last day is included: the limit is the midnight that ends it.
            until=until
            and make_aware(datetime.combine(until + timedelta(days=1), time.min), PARIS),
            own_accounts=self._own_accounts,
        )
