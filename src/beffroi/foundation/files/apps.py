from __future__ import annotations

from django.apps import AppConfig


class FilesConfig(AppConfig):
    """Reads the files that a town has; it has no table, only texts to translate."""

    name = "beffroi.foundation.files"
    label = "files"
