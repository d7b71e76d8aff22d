"""Addresses of this room within a territory."""

from __future__ import annotations

from django.urls import path

from beffroi.city.assets.web import importing, tiles

app_name = "assets"

urlpatterns = [
    path("tuiles/equipements/<int:z>/<int:x>/<int:y>.mvt", tiles.asset_tile_view, name="tile"),
    path("equipements/importer/", importing.choose_file, name="import"),
    path("equipements/importer/<uuid:upload>/", importing.check_file, name="import_check"),
    path(
        "equipements/importer/resultats/<uuid:run>/",
        importing.show_report,
        name="import_report",
    ),
    path(
        "equipements/importer/resultats/<uuid:run>/refus.csv",
        importing.refusals_csv,
        name="import_refusals",
    ),
]
