"""Every address of the installation; a test fails on one without a declared rule."""

from __future__ import annotations

from django.urls import include, path

from beffroi.site import views

TERRITORY = "t/<slug:territory>/"

urlpatterns = [
    path("", include("beffroi.foundation.web.urls")),
    path("", include("beffroi.foundation.accounts.web.urls")),
    path(TERRITORY, include("beffroi.foundation.accounts.web.territory_urls")),
    path(TERRITORY, include("beffroi.city.basemap.web.urls")),
    path(TERRITORY, include("beffroi.city.codecs.web.urls")),
    path(TERRITORY, include("beffroi.city.assets.web.urls")),
    path(TERRITORY, include("beffroi.city.series.web.urls")),
    path(TERRITORY, include("beffroi.city.ingest.web.urls")),
    path(TERRITORY, include("beffroi.modules.control_room.web.urls")),
    path(TERRITORY, include("beffroi.interfaces.api.webhooks.urls")),
    path(TERRITORY, include("beffroi.interfaces.api.web.urls")),
    path("api/", include("beffroi.interfaces.api.urls")),
    path("sources-et-licences/", views.licences, name="licences"),
    path("sante/", views.health, name="health"),
]

handler400 = views.bad_request
handler403 = views.refused
handler404 = views.not_found
handler500 = views.broken
