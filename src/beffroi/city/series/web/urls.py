from __future__ import annotations

from django.urls import path

from beffroi.city.series.web import retention, views

urlpatterns = [
    path("series/conservation/", retention.retention_page, name="series_retention"),
    path("series/<uuid:stream>.json", views.stream_json, name="series_json"),
    path(
        "series/export.csv", views.selection_export, {"extension": "csv"}, name="series_export_csv"
    ),
    path(
        "series/export.parquet",
        views.selection_export,
        {"extension": "parquet"},
        name="series_export_parquet",
    ),
    path(
        "equipements/<uuid:asset>/export.csv",
        views.asset_export,
        {"extension": "csv"},
        name="series_asset_export_csv",
    ),
    path(
        "equipements/<uuid:asset>/export.parquet",
        views.asset_export,
        {"extension": "parquet"},
        name="series_asset_export_parquet",
    ),
]
