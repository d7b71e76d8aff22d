"""Tables of the room: the installation's library, and what each town has of its own."""

from __future__ import annotations

from beffroi.city.codecs.library_models import LibraryCodec, LibraryModel
from beffroi.city.codecs.town_models import CodecTrouble, DeviceModel, Script, ScriptVersion

__all__ = [
    "CodecTrouble",
    "DeviceModel",
    "LibraryCodec",
    "LibraryModel",
    "Script",
    "ScriptVersion",
]
