"""Addresses of webhooks within a territory."""

from __future__ import annotations

from django.urls import path

from beffroi.interfaces.api.webhooks import views

app_name = "webhooks"

_ONE = "webhooks/<uuid:webhook>/"

urlpatterns = [
    path("webhooks/", views.webhook_list, name="list"),
    path("webhooks/nouveau/", views.webhook_new, name="new"),
    path(_ONE, views.webhook_page, name="webhook"),
    path(f"{_ONE}modifier/", views.webhook_edit, name="edit"),
    path(f"{_ONE}secret/", views.webhook_secret, name="secret"),
    path(f"{_ONE}essayer/", views.webhook_try, name="try"),
    path(f"{_ONE}arreter/", views.webhook_stop, name="stop"),
    path(f"{_ONE}reprendre/", views.webhook_restart, name="restart"),
    path(f"{_ONE}supprimer/", views.webhook_delete, name="delete"),
    path(f"{_ONE}envois/<uuid:delivery>/", views.delivery_page, name="delivery"),
    path(f"{_ONE}envois/<uuid:delivery>/renvoyer/", views.delivery_again, name="again"),
]
