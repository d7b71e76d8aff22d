"""The urban services: what they count, how they do, what to do."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from beffroi.foundation.accounts.access import agent
from beffroi.modules.control_room import api
from beffroi.modules.control_room.contracts import DomainPageView
from beffroi.modules.control_room.web.requests import (
    access_of,
    found_or_404,
    live_url,
    scope_of,
    territory_of,
)


@agent("assets.see")
@require_safe
def domain_list(request: HttpRequest, territory: str) -> HttpResponse:
    """Show every urban service at a glance, for a head of service or an elected official."""
    context = {
        "domains": [
            (
                item,
                reverse("control_room:domain", kwargs={"territory": territory, "domain": item.key}),
            )
            for item in api.domain_counts(scope=scope_of(request))
        ],
        "crumbs": [(_("Urban services"), None)],
    }
    return render(request, "control_room/domains.html", context)


@agent("assets.see")
@require_safe
def domain_view(request: HttpRequest, territory: str, domain: str) -> HttpResponse:
    """Show how one urban service does, for the head of that service and their operators."""
    view: DomainPageView = found_or_404(
        lambda: api.domain_page(
            domain,
            territory_id=territory_of(request).id,
            scope=scope_of(request),
            language=(get_language() or "fr")[:2],
        )
    )
    list_url = reverse("control_room:list", kwargs={"territory": territory})
    city_url = reverse("control_room:city", kwargs={"territory": territory})
    context = {
        "view": view,
        "rows": max((len(ranking.rows) for ranking in view.rankings), default=0),
        "list_url": list_url,
        "domain_list_url": f"{list_url}?domaines={domain}",
        "city_url": f"{city_url}?domaines={domain}",
        "import_url": reverse("assets:import", kwargs={"territory": territory})
        if access_of(request).can("assets.import", domain=domain)
        else "",
        "live_url": live_url(territory),
        "crumbs": [
            (_("Urban services"), reverse("control_room:domains", kwargs={"territory": territory})),
            (view.domain.label, None),
        ],
    }
    return render(request, "control_room/domain.html", context)
