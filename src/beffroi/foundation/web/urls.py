"""Addresses of this room."""

from __future__ import annotations

from django.urls import path

from beffroi.foundation.web import views

app_name = "web"

urlpatterns = [
    path("apparence/", views.choose_theme, name="theme"),
    path("langue/", views.choose_language, name="language"),
    path("composants/", views.component_gallery, name="gallery"),
    path("t/<slug:territory>/couleurs.css", views.town_colours, name="town_colours"),
]
