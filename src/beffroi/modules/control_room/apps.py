from __future__ import annotations

from django.apps import AppConfig


class ControlRoomConfig(AppConfig):
    """The screens from which a town watches its connected things."""

    name = "beffroi.modules.control_room"
    label = "control_room"
