from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.foundation.web.town_colours import town_stylesheet
from beffroi.kernel.colour import (
    TEXT_RATIO,
    contrast,
    luminance,
    nearest_readable,
    text_on,
)

colours = st.integers(0, 0xFFFFFF).map(lambda value: f"#{value:06x}")


def test_the_published_values_are_found() -> None:
    # WCAG 2.2: 21 for black on white; #767676 is the lightest grey that passes on white (4.54).
    assert contrast("#000", "#fff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
    assert luminance("#ff0000") == pytest.approx(0.2126)


@given(colours, colours)
def test_contrast_is_symmetric_and_between_1_and_21(one: str, other: str) -> None:
    ratio = contrast(one, other)
    assert ratio == contrast(other, one)
    assert 1 <= ratio <= 21 + 1e-9


@given(colours, st.sampled_from(["#ffffff", "#f5f4f0", "#1f2630", "#000000"]))
def test_the_shade_proposed_can_always_be_read(colour: str, background: str) -> None:
    proposal = nearest_readable(colour, background=background)
    assert contrast(proposal, background) >= TEXT_RATIO
    if contrast(colour, background) >= TEXT_RATIO:
        assert proposal == colour


@given(colours)
def test_what_is_written_on_a_fill_can_be_read(colour: str) -> None:
    readable = nearest_readable(colour)
    assert contrast(text_on(readable), readable) >= TEXT_RATIO


def test_a_pale_colour_of_a_town_is_taken_in_a_shade_that_can_be_read() -> None:
    css = town_stylesheet(primary="#f2b705", secondary="#96501a")
    assert "#f2b705" not in css
    assert contrast(css.split("--town-primary: ")[1][:7], "#ffffff") >= TEXT_RATIO


@given(colours, colours)
def test_a_town_style_sheet_writes_readable_text_in_both_themes(one: str, other: str) -> None:
    css = town_stylesheet(primary=nearest_readable(one), secondary=nearest_readable(other))
    light, dark = css.split("@media", maxsplit=1)
    for name in ("primary", "secondary"):
        for block, surface in ((light, "#f5f4f0"), (dark, "#1f2630")):
            text = block.split(f"--town-{name}-text: ")[1][:7]
            fill = block.split(f"--town-{name}: ")[1][:7]
            on_fill = block.split(f"--town-on-{name}: ")[1][:7]
            assert contrast(text, surface) >= TEXT_RATIO
            assert contrast(on_fill, fill) >= TEXT_RATIO
