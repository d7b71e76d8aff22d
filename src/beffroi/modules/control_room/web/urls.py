"""Addresses of this room within a territory."""

from __future__ import annotations

from django.urls import path

from beffroi.modules.control_room.web import assets, city, domains, editing, listing

app_name = "control_room"

urlpatterns = [
    path("ville/", city.city, name="city"),
    path("ville/liste/", listing.asset_list, name="list"),
    path("ville/recherche/", city.search, name="search"),
    path("equipements/<uuid:asset>/", assets.asset_view, name="asset"),
    path("equipements/<uuid:asset>/apercu/", assets.preview, name="preview"),
    path("equipements/<uuid:asset>/courbe/<slug:measure>/", assets.curve, name="curve"),
    path("equipements/<uuid:asset>/modifier/", editing.asset_edit, name="asset_edit"),
    path("equipements/<uuid:asset>/modifier/parents/", editing.asset_parents, name="asset_parents"),
    path("equipements/<uuid:asset>/retirer/", editing.asset_take_out, name="asset_remove"),
    path("equipements/<uuid:asset>/remettre/", editing.asset_put_back, name="asset_restore"),
    path("equipements/<uuid:asset>/verifie/", editing.asset_checked, name="asset_checked"),
    path("domaines/", domains.domain_list, name="domains"),
    path("domaines/<slug:domain>/", domains.domain_view, name="domain"),
]
