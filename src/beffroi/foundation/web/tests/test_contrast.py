from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.foundation.web.contracts import ContrastTooLow
from beffroi.foundation.web.contrast import (
    TEXT_RATIO,
    contrast,
    luminance,
    nearest_passing,
    parse_colour,
    readable_or_refuse,
    text_on,
)
from beffroi.foundation.web.town_colours import town_stylesheet
from beffroi.kernel.errors import InvalidInput

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
    proposal = nearest_passing(colour, background=background)
    assert contrast(proposal, background) >= TEXT_RATIO
    if contrast(colour, background) >= TEXT_RATIO:
        assert proposal == colour


@given(colours)
def test_a_colour_is_kept_or_refused_with_a_proposal_that_is_kept(colour: str) -> None:
    if contrast(colour, "#ffffff") >= TEXT_RATIO:
        assert readable_or_refuse(colour, field="primary") == colour
        return
    with pytest.raises(ContrastTooLow) as caught:
        readable_or_refuse(colour, field="primary")
    assert caught.value.ratio < TEXT_RATIO
    proposal = caught.value.proposal
    assert readable_or_refuse(proposal, field="primary") == proposal
    assert proposal in str(caught.value)


@given(colours)
def test_what_is_written_on_a_fill_can_be_read(colour: str) -> None:
    readable = nearest_passing(colour)
    assert contrast(text_on(readable), readable) >= TEXT_RATIO


@pytest.mark.parametrize("text", ["", "red", "#12345", "#12345g", "1f4e79", "#1f4e7900", "url(x)"])
def test_what_is_no_colour_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_colour(text)


def test_a_short_colour_is_written_in_full() -> None:
    assert parse_colour(" #AbC ") == "#aabbcc"


def test_yellow_is_refused_to_a_town_and_the_error_says_what_would_do() -> None:
    with pytest.raises(ContrastTooLow) as caught:
        town_stylesheet(primary="#f2b705", secondary="#96501a")
    assert caught.value.field == "primary"
    assert "1.81" in str(caught.value)


@given(colours, colours)
def test_a_town_style_sheet_writes_readable_text_in_both_themes(one: str, other: str) -> None:
    css = town_stylesheet(primary=nearest_passing(one), secondary=nearest_passing(other))
    light, dark = css.split("@media", maxsplit=1)
    for name in ("primary", "secondary"):
        for block, surface in ((light, "#f5f4f0"), (dark, "#1f2630")):
            text = block.split(f"--town-{name}-text: ")[1][:7]
            fill = block.split(f"--town-{name}: ")[1][:7]
            on_fill = block.split(f"--town-on-{name}: ")[1][:7]
            assert contrast(text, surface) >= TEXT_RATIO
            assert contrast(on_fill, fill) >= TEXT_RATIO
