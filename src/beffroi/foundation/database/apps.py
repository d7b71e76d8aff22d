from __future__ import annotations

from django.apps import AppConfig


class DatabaseConfig(AppConfig):
    """The room of the database itself: who serves it, its roles, its row-level security."""

    name = "beffroi.foundation.database"
    label = "database"
