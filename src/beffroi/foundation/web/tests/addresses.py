"""Only this room's addresses, so that its tests stand without the rooms above."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("", include("beffroi.foundation.web.urls"))]
