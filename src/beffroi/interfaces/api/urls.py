"""Addresses of the API, below ``/api/``."""

from __future__ import annotations

from django.urls import path

from beffroi.interfaces.api.publication import urlpatterns as published
from beffroi.interfaces.api.web.documentation import public_documentation

app_name = "api"

urlpatterns = [
    path("v1/docs", public_documentation, name="docs"),
    *published(),
]
