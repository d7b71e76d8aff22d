"""Addresses of this room within a territory."""

from __future__ import annotations

from django.urls import path

from beffroi.city.ingest.web import claiming, devices, sources

app_name = "ingest"

urlpatterns = [
    path("sources/", sources.source_list, name="sources"),
    path("sources/nouvelle/", sources.source_new, name="source_new"),
    path("sources/<uuid:source>/", sources.source_page, name="source"),
    path("sources/<uuid:source>/modifier/", sources.source_edit, name="source_edit"),
    path("sources/<uuid:source>/secret/", sources.source_secret, name="source_secret"),
    path("sources/<uuid:source>/cle/", sources.source_shared_key, name="source_shared_key"),
    path("sources/<uuid:source>/arreter/", sources.source_stop, name="source_stop"),
    path("sources/<uuid:source>/reprendre/", sources.source_resume, name="source_resume"),
    path("sources/<uuid:source>/decoder/", sources.source_redecode, name="source_redecode"),
    path("appareils/", devices.device_list, name="devices"),
    path("appareils/rattacher/", claiming.claim_page, name="claim"),
    path("appareils/<uuid:device>/", devices.device_page, name="device"),
    path("appareils/<uuid:device>/lecture/", devices.device_reading, name="device_reading"),
    path("appareils/<uuid:device>/remplacer/", devices.device_replacing, name="device_replace"),
]
