"""Icons: our own, on a grid of 24, one stroke, paths only so that the map can draw them too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString


def _disc(x: float, y: float, r: float) -> str:
    """Return a circle as path data: a Path2D and an SVG path both read it."""
    return f"M{x - r} {y}a{r} {r} 0 1 0 {2 * r} 0a{r} {r} 0 1 0 {-2 * r} 0z"


_MAP = ("M3 6.5 9 4l6 2.5L21 4v13.5L15 20l-6-2.5L3 20z", "M9 4v13.5", "M15 6.5V20")
_WARNING = ("M12 4 2.8 20h18.4z", "M12 10v4.5", "M12 17.2v.1")
_PLAY = (_disc(12, 12, 9), "m10 8.5 5.5 3.5-5.5 3.5z")

ICONS: Final[Mapping[str, tuple[str, ...]]] = {
    # Doing
    "add": ("M12 5v14", "M5 12h14"),
    "minus": ("M5 12h14",),
    "check": ("m5 12.5 4.5 4.5L19 7.5",),
    "close": ("m6 6 12 12", "M18 6 6 18"),
    "edit": ("M4 20h4L19 9l-4-4L4 16z", "m13 7 4 4"),
    "trash": ("M4 7h16", "M9 7V4h6v3", "m6 7 1 13h10l1-13", "M10 11v5", "M14 11v5"),
    "copy": ("M9 9h11v11H9z", "M5 15H4V4h11v1"),
    "download": ("M12 4v11", "m7 10.5 5 5 5-5", "M4 20h16"),
    "import": ("M12 16V5", "m7 9.5 5-5 5 5", "M4 20h16"),
    "filter": ("M4 6h16", "M7 12h10", "M10 18h4"),
    "search": (_disc(10.5, 10.5, 6.5), "m15.5 15.5 5 5"),
    "refresh": ("M20 12a8 8 0 1 1-2.5-5.8L20 8.5", "M20 4v4.5h-4.5"),
    "external": ("M14 4h6v6", "m20 4-9 9", "M18 14v6H4V6h6"),
    "expand": ("M4 9V4h5", "M20 9V4h-5", "M4 15v5h5", "M20 15v5h-5"),
    "locate": (_disc(12, 12, 6.5), "M12 2v4", "M12 18v4", "M2 12h4", "M18 12h4"),
    "link": (
        "M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1",
        "M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.7l1-1",
    ),
    "play": _PLAY,
    "pause": (_disc(12, 12, 9), "M10 9v6", "M14 9v6"),
    "more": (_disc(5, 12, 1), _disc(12, 12, 1), _disc(19, 12, 1)),
    # Moving
    "menu": ("M4 7h16", "M4 12h16", "M4 17h16"),
    "chevron-right": ("m9 5 7 7-7 7",),
    "chevron-left": ("m15 5-7 7 7 7",),
    "chevron-down": ("m5 9 7 7 7-7",),
    "arrow-right": ("M4 12h15", "m13 6 6 6-6 6"),
    "sort": ("m8 10 4-4 4 4", "m8 14 4 4 4-4"),
    "sort-up": ("m7 14 5-6 5 6",),
    "sort-down": ("m7 10 5 6 5-6",),
    # Telling
    "info": (_disc(12, 12, 9), "M12 11v5.5", "M12 7.7v.1"),
    "help": (
        _disc(12, 12, 9),
        "M9.5 9.5a2.5 2.5 0 1 1 3.7 2.2c-.8.450-1.2 1-1.2 1.8",
        "M12 16.5v.1",
    ),
    "warning": _WARNING,
    "alarm": ("M8.3 3h7.4L21 8.3v7.4L15.7 21H8.3L3 15.7V8.3z", "M12 7.5v5.5", "M12 16.3v.1"),
    "ok": (_disc(12, 12, 9), "m8 12.5 2.8 2.8L16.2 9.5"),
    "clock": (_disc(12, 12, 9), "M12 7v5.2l3.5 2"),
    "history": ("M4 12a8 8 0 1 0 2.5-5.8L4 8.5", "M4 4v4.5h4.5", "M12 8v4.2l3 1.8"),
    "calendar": ("M4 6h16v14H4z", "M4 10.5h16", "M8.5 3v4", "M15.5 3v4"),
    "bell": ("M6 16V11a6 6 0 1 1 12 0v5l1.5 2h-15z", "M10 20.5a2.2 2.2 0 0 0 4 0", "M12 3v2"),
    "live": (
        _disc(12, 12, 1.6),
        "M8 16a5.6 5.6 0 0 1 0-8",
        "M16 8a5.6 5.6 0 0 1 0 8",
        "M5 19a9.8 9.8 0 0 1 0-14",
        "M19 5a9.8 9.8 0 0 1 0 14",
    ),
    "offline": (
        "m4 4 16 16",
        "M8 16a5.6 5.6 0 0 1-1.3-5",
        "M16 8a5.6 5.6 0 0 1 1.3 5",
        "M5 19A9.8 9.8 0 0 1 3.3 8.5",
        "M19 5a9.8 9.8 0 0 1 1.7 10.5",
    ),
    "battery": ("M3 8h15v8H3z", "M21 10.5v3", "M6 11v2", "M9.5 11v2"),
    "signal": ("M5 20v-4", "M10 20v-8", "M15 20V8", "M20 20V4"),
    # Things of the house
    "map": _MAP,
    "city": ("M3 20h18", "M5 20V9l4-3 4 3v11", "M13 12h6v8", "M8 12v.1", "M8 16v.1", "M16 15.5v.1"),
    "list": ("M8.5 6H20", "M8.5 12H20", "M8.5 18H20", "M4.5 6v.1", "M4.5 12v.1", "M4.5 18v.1"),
    "table": ("M4 5h16v14H4z", "M4 10h16", "M10 10v9"),
    "chart": ("M4 4v16h16", "m7.5 15 3.5-4.5 3 2.5L19.5 7"),
    "dashboard": ("M4 4h7v9H4z", "M13 4h7v5h-7z", "M13 11h7v9h-7z", "M4 15h7v5H4z"),
    "layers": ("m12 4 9 5-9 5-9-5z", "m3 14 9 5 9-5"),
    "asset": ("m12 3 8 4.5v9L12 21l-8-4.5v-9z", "m4 7.5 8 4.5 8-4.5", "M12 12v9"),
    "box": ("m12 3 8 4.5v9L12 21l-8-4.5v-9z", "m4 7.5 8 4.5 8-4.5", "M12 12v9"),
    "device": ("M7 10h10v10H7z", "M12 10V6", _disc(12, 4.5, 1.5), "M10.5 14h3", "M10.5 17h3"),
    "source": ("M9 3v5", "M15 3v5", "M6 8h12v3a6 6 0 0 1-12 0z", "M12 17v4"),
    "inbox": ("M4 13 6.5 5h11L20 13v6H4z", "M4 13h5l1 2.5h4l1-2.5h5"),
    "people": (
        _disc(9, 8, 3.5),
        "M2.5 20a6.5 6.5 0 0 1 13 0",
        "M16 4.8a3.5 3.5 0 0 1 0 6.4",
        "M18 14.5a6.5 6.5 0 0 1 3.5 5.5",
    ),
    "user": (_disc(12, 8, 4), "M4.5 20.5a7.5 7.5 0 0 1 15 0"),
    "role": ("m12 3 8 3v5.5c0 4.5-3.2 8-8 9.5-4.8-1.5-8-5-8-9.5V6z", "m9 12 2.2 2.2L15.3 10"),
    "journal": (
        "M5 4h12a2 2 0 0 1 2 2v14H7a2 2 0 0 1-2-2z",
        "M5 18a2 2 0 0 1 2-2h12",
        "M9 8h6",
        "M9 11.5h4",
    ),
    "department": ("M3 20h18", "M4 9l8-5 8 5z", "M6 9v11", "M10 12v8", "M14 12v8", "M18 9v11"),
    "key": (_disc(8, 15, 4), "m11 12 8-8", "m15.5 7.5 3 3"),
    "lock": ("M5 11h14v9H5z", "M8 11V8a4 4 0 0 1 8 0v3"),
    "logout": ("M10 4H5v16h5", "M10 12h10", "m16 8 4 4-4 4"),
    "settings": (
        _disc(12, 12, 3),
        "M12 3v3",
        "M12 18v3",
        "M3 12h3",
        "M18 12h3",
        "m5.6 5.6 2.2 2.2",
        "m16.2 16.2 2.2 2.2",
        "m18.4 5.6-2.2 2.2",
        "m7.8 16.2-2.2 2.2",
    ),
    "sun": (
        _disc(12, 12, 4),
        "M12 2.5v2",
        "M12 19.5v2",
        "M2.5 12h2",
        "M19.5 12h2",
        "m5.3 5.3 1.4 1.4",
        "m17.3 17.3 1.4 1.4",
        "m18.7 5.3-1.4 1.4",
        "m6.7 17.3-1.4 1.4",
    ),
    "moon": ("M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z",),
    "contrast": (_disc(12, 12, 9), "M12 3v18", "M12 7a5 5 0 0 1 0 10"),
    "file": ("M6 3h8l4 4v14H6z", "M14 3v4h4", "M9 12h6", "M9 16h6"),
    "pin": ("M12 21s7-6.2 7-11.5A7 7 0 0 0 5 9.5C5 14.8 12 21 12 21z", _disc(12, 9.5, 2.5)),
    "globe": (_disc(12, 12, 9), "M3 12h18", "M12 3c5 5.5 5 12.5 0 18", "M12 3c-5 5.5-5 12.5 0 18"),
    "tag": ("M4 4h8l8.5 8.5-8 8L4 12z", "M8 8v.1"),
    "demo": _PLAY,
    # Urban services and things of the city
    "lamp": (
        "M9 21h6",
        "M12 21V10",
        "M12 10C12 6 9 4 5 4.5",
        "M5 4.5 3.5 8h4.5z",
        "M4 11.5v.1",
        "M7.5 11.5v.1",
    ),
    "cabinet": ("M6 3h12v18H6z", "M12 3v18", "M9.5 11.5v1.5", "M14.5 11.5v1.5"),
    "parking": ("M4 4h16v16H4z", "M9.5 17V7h3.5a3 3 0 0 1 0 6H9.5"),
    "wind": (
        "M3 9h11a2.7 2.7 0 1 0-2.6-3.5",
        "M3 13h15.5a2.7 2.7 0 1 1-2.6 3.5",
        "M3 17h7a2 2 0 1 1-1.9 2.6",
    ),
    "weather": (
        _disc(8.5, 8.5, 3),
        "M8.5 2.5v1",
        "M2.5 8.5h1",
        "m4.3 4.3.7.7",
        "m12.7 4.3-.7.7",
        "M8 20a3.5 3.5 0 0 1 .3-7A5 5 0 0 1 18 13.5a3.3 3.3 0 0 1-.5 6.5z",
    ),
    "thermometer": ("M10 14V5a2 2 0 1 1 4 0v9a4 4 0 1 1-4 0z", "M12 9v8"),
    "bin": ("M5 8h14l-1.2 12H6.2z", "M4 8l1-3h14l1 3", "M10 12v4.5", "M14 12v4.5"),
    "water": ("M12 3s6.5 7 6.5 11.5a6.5 6.5 0 0 1-13 0C5.5 10 12 3 12 3z", "M9 15a3 3 0 0 0 3 3"),
    "fountain": (
        "M4 17h16l-2 4H6z",
        "M12 17V7",
        "M12 7c-1-3-5-3-5.5 1.5",
        "M12 7c1-3 5-3 5.5 1.5",
        "M9 13v.1",
        "M15 13v.1",
    ),
    "tree": (
        "M12 21v-7",
        "M12 3a5 5 0 0 1 4.5 6.5A3.7 3.7 0 0 1 15.5 16h-7a3.7 3.7 0 0 1-1-6.5A5 5 0 0 1 12 3z",
    ),
    "traffic": ("M8 3h8v18H8z", _disc(12, 7.5, 1.6), _disc(12, 12, 1.6), _disc(12, 16.5, 1.6)),
    "car": (
        "M4 17v-4l2-6h12l2 6v4z",
        "M4 13h16",
        "M6 17v2",
        "M18 17v2",
        "M7.5 15v.1",
        "M16.5 15v.1",
    ),
    "bike": (
        _disc(6, 16, 3.5),
        _disc(18, 16, 3.5),
        "M6 16l4-7h5.5l2.5 7",
        "M10 9l4 7",
        "M9 6.5h2.5",
        "M15 9V6h2",
    ),
    "charging": (
        "M4 21V5a1 1 0 0 1 1-1h8a1 1 0 0 1 1 1v16",
        "M3 21h12",
        "m9.8 8-2.3 4h3.5l-2.3 4",
        "M14 11h2.5v6a1.7 1.7 0 0 0 3.5 0V9l-2.5-3",
    ),
    "meter": ("M4 16a8 8 0 1 1 16 0z", "m12 16 3.5-5", "M4 19.5h16"),
    "building": ("M5 21V4h9v17", "M14 9h5v12", "M3 21h18", "M8 8h3", "M8 12h3", "M8 16h3"),
    "road": ("M8 3 4 21", "m16 3 4 18", "M12 4v3", "M12 10.5v3", "M12 17v3"),
    "camera": ("M4 8h11v9H4z", "m15 11 5-2.5v8L15 14", "M7 17v3h5v-3"),
    "sound": ("M4 10v4h3.5L12 18V6L7.5 10z", "M15 9.5a3.5 3.5 0 0 1 0 5", "M17.7 7a7 7 0 0 1 0 10"),
    "bollard": ("M8 21V8a4 4 0 0 1 8 0v13", "M5 21h14", "M8 12h8"),
    "bolt": ("M13 3 5 13.5h6L10 21l8-10.5h-6z",),
    "leaf": ("M5 19C4 10 10 5 20 4c0 11-5 16-12 14", "M4 21c2-5 5-8 10-11"),
}

ALIASES: Final[Mapping[str, str]] = {
    "plus": "add", "upload": "import", "plug": "source", "antenna": "device", "shield": "role",
    "book": "journal", "alert": "warning", "attention": "warning", "light": "lamp",
    "lightbulb": "lamp", "street_lighting": "lamp", "light_point": "lamp",
    "lighting_cabinet": "cabinet", "car_park": "parking", "air": "wind", "air_quality": "wind",
    "air_station": "wind", "cloud": "weather", "weather_station": "weather", "waste": "bin",
    "waste_container": "bin", "container": "bin", "recycling": "bin", "drop": "water",
    "sensor": "device", "indoor": "building", "counter": "meter", "parking_meter": "meter",
    "traffic_counter": "traffic", "user-add": "user", "home": "city", "eye": "search",
    "domain": "layers", "audit": "journal", "silent": "offline", "save": "check",
    "gear": "settings",
}  # fmt: skip
"""Other words for the same drawing: the keys of asset types and common names."""


def paths_of(name: str) -> tuple[str, ...]:
    """Return the paths of an icon; an unknown name gives the asset's, never an error on a page."""
    return ICONS.get(ALIASES.get(name, name), ICONS["asset"])


def icon_svg(name: str, *, label: str = "", extra_class: str = "") -> SafeString:
    """Return the icon as inline SVG: decorative, or with a label that a screen reader says."""
    paths = format_html_join("", '<path d="{}"/>', ((path,) for path in paths_of(name)))
    spoken = (
        format_html('role="img" aria-label="{}"', label)
        if label
        else SafeString('aria-hidden="true"')
    )
    css = f"icon {extra_class}".strip()
    return format_html('<svg class="{}" viewBox="0 0 24 24" {}>{}</svg>', css, spoken, paths)
