"""The least that lets this room be tested alone; the project's own settings do as well."""

from __future__ import annotations

SECRET_KEY = "for tests alone"
USE_TZ = True
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "beffroi.foundation.database.apps.DatabaseConfig",
]
DATABASES = {
    "default": {"ENGINE": "django.db.backends.postgresql", "NAME": "set by the test plug-in"}
}
