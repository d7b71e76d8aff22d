"""The first page: a person's territory, or the choice between several."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from beffroi.foundation.accounts.access import signed_in
from beffroi.foundation.accounts.api import memberships_of

FIRST_PAGE = "/t/{slug}/ville/"
"""The map of the city: another room's page, whose address people know by heart."""


@signed_in
def home(request: HttpRequest) -> HttpResponse:
    """Go to the only territory, or offer the choice."""
    cards = memberships_of(request.user.pk)  # type: ignore[arg-type]  # signed in: it has one
    if len(cards) == 1:
        return HttpResponseRedirect(FIRST_PAGE.format(slug=cards[0].slug))
    towns = [(card.name, FIRST_PAGE.format(slug=card.slug)) for card in cards]
    return render(request, "accounts/home.html", {"towns": towns})
