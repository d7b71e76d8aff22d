"""Pages of this room within a territory."""

from __future__ import annotations

from django.urls import path

from beffroi.interfaces.api.web import documentation, keys

app_name = "api_pages"

urlpatterns = [
    path("api/", documentation.territory_documentation, name="documentation"),
    path("cles-api/", keys.key_list, name="keys"),
    path("cles-api/nouvelle/", keys.key_new, name="key_new"),
    path("cles-api/<uuid:api_key>/revoquer/", keys.key_end, name="key_revoke"),
]
