"""Contrast of two colours, and the nearest shade of one that can be read on the other.

Formula: relative luminance and contrast ratio of WCAG 2.1; the least ratio for text is that of
success criterion 1.4.3 (AA), asked for by RGAA criterion 3.2.
"""

from __future__ import annotations

import colorsys
import re

TEXT_RATIO = 4.5
"""Least contrast of text, WCAG 1.4.3."""

SHAPE_RATIO = 3.0
"""Least contrast of the shapes of an interface, WCAG 1.4.11."""

WHITE = "#ffffff"

_HEX = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})")
_STEPS = 400


def parse_colour(text: str) -> str:
    """Return the colour as ``#rrggbb`` in lower case, from ``#rgb`` or ``#rrggbb``.

    Raises:
        ValueError: the text is not a hexadecimal colour.
    """
    plain = text.strip().lower()
    if not _HEX.fullmatch(plain):
        raise ValueError(f"{text!r} is not a colour written as # and hexadecimal digits")
    if len(plain) == len("#rgb"):
        return "#" + "".join(digit * 2 for digit in plain[1:])
    return plain


def luminance(colour: str) -> float:
    """Return the relative luminance, from 0 (black) to 1 (white)."""
    red, green, blue = (_linear(channel) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio, from 1 to 21; the order is indifferent."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def nearest_readable(colour: str, *, background: str = WHITE, ratio: float = TEXT_RATIO) -> str:
    """Return the shade of the same hue, nearest in lightness, that reaches the ratio.

    A colour that reaches it already is returned unchanged.

    Raises:
        ValueError: the text is not a colour, or no shade can reach the ratio.
    """
    plain = parse_colour(colour)
    if contrast(plain, background) >= ratio:
        return plain
    hue, lightness, saturation = colorsys.rgb_to_hls(*_channels(plain))
    for step in range(1, _STEPS + 1):
        for candidate in (lightness - step / _STEPS, lightness + step / _STEPS):
            if not 0 <= candidate <= 1:
                continue
            channels = colorsys.hls_to_rgb(hue, candidate, saturation)
            shade = "#" + "".join(f"{round(channel * 255):02x}" for channel in channels)
            if contrast(shade, background) >= ratio:
                return shade
    raise ValueError(f"no shade of {plain} reaches a contrast of {ratio} on {background}")


def text_on(colour: str, *, dark: str = "#14181f") -> str:
    """Return white or a near-black, whichever reads better on the colour."""
    return WHITE if contrast(WHITE, colour) >= contrast(dark, colour) else dark


def _channels(colour: str) -> tuple[float, float, float]:
    plain = parse_colour(colour)
    red, green, blue = (int(plain[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _linear(channel: float) -> float:
    # 0.04045 is the threshold of IEC 61966-2-1, which WCAG's erratum adopts.
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
