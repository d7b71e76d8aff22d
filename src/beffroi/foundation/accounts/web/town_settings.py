"""Name and colours of the town."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _

from beffroi.foundation.accounts.access import agent
from beffroi.foundation.accounts.adapters import client_address
from beffroi.foundation.accounts.api import town_settings_change
from beffroi.foundation.accounts.web.forms import TownForm
from beffroi.foundation.accounts.web.requests import access_of, territory_of_page
from beffroi.foundation.territories.api import UnreadableColour


@agent("territory.manage")
def town_settings(request: HttpRequest, territory: str) -> HttpResponse:
    """Show and change the settings; a colour too pale is refused and another proposed."""
    del territory
    card = territory_of_page(request)
    initial = {
        "name": card.name,
        "primary_color": card.primary_color,
        "secondary_color": card.secondary_color,
    }
    form = TownForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                town_settings_change(
                    access=access_of(request), ip=client_address(request), **form.cleaned_data
                )
        except UnreadableColour as error:
            form.add_error(error.field, error.told(_))
        else:
            messages.success(request, _("The settings are saved."))
            return HttpResponseRedirect(request.path)
    return render(request, "accounts/town_settings.html", {"form": form, "town": card})
