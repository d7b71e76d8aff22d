"""A town's two colours as a small style sheet, each made readable in light and in dark."""

from __future__ import annotations

from typing import Final

from beffroi.kernel.colour import nearest_readable, text_on

DEFAULT_PRIMARY: Final = "#2b4a73"
"""Slate of the roofs; what a town that chose nothing gets."""

DEFAULT_SECONDARY: Final = "#96501a"
"""Bronze of the bell."""

LIGHT_PAGE: Final = "#f5f4f0"
"""The page behind the cards, in light: text must be readable on it too."""

DARK_SURFACE: Final = "#1f2630"
"""The lightest surface on which the dark theme writes with a town's colour."""

_BLOCK = """{selector} {{
  --town-primary: {primary};
  --town-primary-text: {primary_text};
  --town-on-primary: {on_primary};
  --town-secondary: {secondary};
  --town-secondary-text: {secondary_text};
  --town-on-secondary: {on_secondary};
}}"""


def town_stylesheet(*, primary: str, secondary: str) -> str:
    """Return the CSS custom properties of a town's colours.

    The colour itself fills buttons and bands; ``-text`` is the same hue made readable as text on
    the theme's surfaces; ``--town-on-…`` is what is written on the fill.

    A colour stored before it was checked must not leave a page without style: it is taken in its
    nearest shade that can be read on white.

    Raises:
        ValueError: a text is not a hexadecimal colour.
    """
    main = nearest_readable(primary)
    second = nearest_readable(secondary)
    light = _block(":root", main=main, second=second, surface=LIGHT_PAGE)
    dark = {"main": main, "second": second, "surface": DARK_SURFACE}
    return "\n".join(
        (
            light,
            "@media (prefers-color-scheme: dark) {",
            _block(':root:not([data-theme="light"])', **dark),
            "}",
            _block(':root[data-theme="dark"]', **dark),
            "",
        )
    )


def _block(selector: str, *, main: str, second: str, surface: str) -> str:
    # In the dark a fill near the surface would vanish: it takes the readable shade too.
    main_text = nearest_readable(main, background=surface)
    second_text = nearest_readable(second, background=surface)
    dark = surface == DARK_SURFACE
    main_fill, second_fill = (main_text, second_text) if dark else (main, second)
    return _BLOCK.format(
        selector=selector,
        primary=main_fill,
        primary_text=main_text,
        on_primary=text_on(main_fill),
        secondary=second_fill,
        secondary_text=second_text,
        on_secondary=text_on(second_fill),
    )
