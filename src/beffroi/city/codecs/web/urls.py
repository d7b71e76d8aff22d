"""Addresses of this room within a territory."""

from __future__ import annotations

from django.urls import path

from beffroi.city.codecs.web import library, scripts

app_name = "codecs"

urlpatterns = [
    path("codecs/", scripts.script_list, name="scripts"),
    path("codecs/nouveau/", scripts.script_new, name="script_new"),
    path("codecs/bibliotheque/", library.library_page, name="library"),
    path("codecs/bibliotheque/<uuid:library_model>/", library.library_model, name="library_model"),
    path("codecs/<uuid:script>/", scripts.script_page, name="script"),
    path("codecs/<uuid:script>/modifier/", scripts.script_edit, name="script_edit"),
    path("codecs/<uuid:script>/exemples/", scripts.example_keep, name="example_keep"),
    path("codecs/<uuid:script>/reprendre/", scripts.script_resume, name="script_resume"),
    path("codecs/<uuid:script>/supprimer/", scripts.script_delete, name="script_delete"),
]
