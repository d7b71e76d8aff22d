"""Addresses of this room within a territory."""

from __future__ import annotations

from django.urls import path

from beffroi.city.ingest.web import (
    claiming,
    devices,
    model_pages,
    mqtt,
    quarantine,
    samples,
    sources,
)

app_name = "ingest"

urlpatterns = [
    path("sources/", sources.source_list, name="sources"),
    path("sources/nouvelle/", sources.source_new, name="source_new"),
    path("sources/<uuid:source>/", sources.source_page, name="source"),
    path("sources/<uuid:source>/modifier/", sources.source_edit, name="source_edit"),
    path("sources/<uuid:source>/essai/", samples.source_sample, name="source_sample"),
    path("sources/<uuid:source>/heures/", quarantine.source_times, name="source_times"),
    path("sources/<uuid:source>/secret/", sources.source_secret, name="source_secret"),
    path("sources/<uuid:source>/cle/", sources.source_shared_key, name="source_shared_key"),
    path("sources/<uuid:source>/arreter/", sources.source_stop, name="source_stop"),
    path("sources/<uuid:source>/reprendre/", sources.source_resume, name="source_resume"),
    path("sources/<uuid:source>/decoder/", sources.source_redecode, name="source_redecode"),
    *mqtt.urlpatterns,
    path("appareils/", devices.device_list, name="devices"),
    path("appareils/rattacher/", claiming.claim_page, name="claim"),
    path("appareils/modeles/", model_pages.model_list, name="models"),
    path("appareils/modeles/nouveau/", model_pages.model_new, name="model_new"),
    path("appareils/modeles/<uuid:model>/", model_pages.model_page, name="model"),
    path("appareils/modeles/<uuid:model>/modifier/", model_pages.model_edit, name="model_edit"),
    path(
        "appareils/modeles/<uuid:model>/valeurs/", model_pages.model_mapping, name="model_mapping"
    ),
    path("appareils/modeles/<uuid:model>/relire/", model_pages.model_reread, name="model_reread"),
    path(
        "appareils/modeles/<uuid:model>/appareils/", model_pages.model_devices, name="model_devices"
    ),
    path(
        "appareils/modeles/<uuid:model>/reprendre/", model_pages.model_resume, name="model_resume"
    ),
    path(
        "appareils/modeles/<uuid:model>/supprimer/", model_pages.model_delete, name="model_delete"
    ),
    path("appareils/<uuid:device>/", devices.device_page, name="device"),
    path("appareils/<uuid:device>/lecture/", devices.device_reading, name="device_reading"),
    path("appareils/<uuid:device>/remplacer/", devices.device_replacing, name="device_replace"),
]
