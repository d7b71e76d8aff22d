"""Contrast of two colours, and the nearest shade that can be read.

Formula: WCAG 2.2, definitions of "relative luminance" and "contrast ratio"; the least ratio
for text is that of success criterion 1.4.3 (AA), asked for by RGAA criterion 3.2.
"""

from __future__ import annotations

import colorsys
import re
from typing import Final

from beffroi.foundation.web.contracts import ContrastTooLow
from beffroi.kernel.errors import InvalidInput

TEXT_RATIO: Final = 4.5
"""Least contrast of text, WCAG 1.4.3."""

SHAPE_RATIO: Final = 3.0
"""Least contrast of the shapes of the interface, WCAG 1.4.11."""

WHITE: Final = "#ffffff"

_HEX = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})")
_STEPS: Final = 400
"""Lightness steps tried on each side: finer than the 256 levels of a channel."""


def parse_colour(text: str, *, field: str = "colour") -> str:
    """Return the colour as ``#rrggbb`` in lower case, from ``#rgb`` or ``#rrggbb``.

    Raises:
        InvalidInput: the text is not a hexadecimal colour.
    """
    plain = text.strip().lower()
    if not _HEX.fullmatch(plain):
        raise InvalidInput(
            "{value} is not a colour written as # and six hexadecimal digits.",
            field=field,
            value=text,
            code="not_a_colour",
            way_out="Write it as #1f4e79.",
        )
    if len(plain) == len("#rgb"):
        return "#" + "".join(digit * 2 for digit in plain[1:])
    return plain


def _channels(colour: str) -> tuple[float, float, float]:
    plain = parse_colour(colour)
    red, green, blue = (int(plain[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _hex(red: float, green: float, blue: float) -> str:
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in (red, green, blue))


def luminance(colour: str) -> float:
    """Return the relative luminance, from 0 (black) to 1 (white).

    Formula: 0.2126 R + 0.7152 G + 0.0722 B on linearised sRGB channels (WCAG 2.2).
    """

    def linear(channel: float) -> float:
        # 0.04045 is the threshold of IEC 61966-2-1, which WCAG's erratum adopts.
        return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(channel) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, from 1 to 21; the order is indifferent.

    Formula: (L1 + 0.05) / (L2 + 0.05), L1 the lighter luminance (WCAG 2.2).
    """
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def nearest_passing(colour: str, *, background: str = WHITE, ratio: float = TEXT_RATIO) -> str:
    """Return the shade of the same hue, nearest in lightness, that reaches the ratio.

    A colour that passes already is returned unchanged.

    Raises:
        ValueError: no shade can reach the ratio on this background.
    """
    plain = parse_colour(colour)
    if contrast(plain, background) >= ratio:
        return plain
    hue, lightness, saturation = colorsys.rgb_to_hls(*_channels(plain))
    for step in range(1, _STEPS + 1):
        for candidate in (lightness - step / _STEPS, lightness + step / _STEPS):
            if not 0 <= candidate <= 1:
                continue
            shade = _hex(*colorsys.hls_to_rgb(hue, candidate, saturation))
            if contrast(shade, background) >= ratio:
                return shade
    raise ValueError(f"no shade of {plain} reaches a contrast of {ratio} on {background}")


def readable_or_refuse(colour: str, *, field: str, background: str = WHITE) -> str:
    """Return the colour as ``#rrggbb`` when text can be read with it.

    Raises:
        InvalidInput: the text is not a colour.
        ContrastTooLow: the contrast is under 4.5; the error carries the nearest passing shade.
    """
    plain = parse_colour(colour, field=field)
    ratio = contrast(plain, background)
    if ratio < TEXT_RATIO:
        proposal = nearest_passing(plain, background=background)
        raise ContrastTooLow(field_name=field, colour=plain, ratio=ratio, proposal=proposal)
    return plain


def text_on(colour: str, *, dark: str = "#14181f") -> str:
    """Return white or a near-black, whichever reads better on the colour."""
    return WHITE if contrast(WHITE, colour) >= contrast(dark, colour) else dark
