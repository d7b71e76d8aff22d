"""Addresses of this room within a territory."""

from __future__ import annotations

from django.urls import path

from beffroi.city.basemap.web import views

app_name = "basemap"

urlpatterns = [
    path("tuiles/fond/<int:z>/<int:x>/<int:y>.mvt", views.basemap_tile_view, name="tile"),
]
