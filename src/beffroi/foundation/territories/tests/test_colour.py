"""The two words of the kernel that this room asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.kernel.colour import contrast, luminance, nearest_readable, parse_colour
from beffroi.kernel.personal_data import LegalBasis, PersonalData


def test_contrast_is_that_of_the_recommendation() -> None:
    # WCAG 2.1: black on white is 21; #767676 is the lightest grey that passes on white (4.54).
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#fff") == pytest.approx(4.54, abs=0.005)
    assert contrast("#777777", "#fff") < 4.5
    assert luminance("#ffffff") == pytest.approx(1)


@given(st.integers(0, 0xFFFFFF))
def test_the_shade_proposed_can_be_read(number: int) -> None:
    colour = f"#{number:06x}"
    shade = nearest_readable(colour)
    assert contrast(shade, "#ffffff") >= 4.5
    if contrast(colour, "#ffffff") >= 4.5:
        assert shade == colour


@pytest.mark.parametrize("text", ["", "red", "#12", "#12345", "#gggggg", "#1234567", "url(x)"])
def test_what_is_no_colour_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a colour"):
        parse_colour(text)


def test_a_shade_that_does_not_exist_is_not_invented() -> None:
    with pytest.raises(ValueError, match="no shade"):
        nearest_readable("#808080", background="#808080", ratio=21)


def test_a_declaration_of_personal_data_is_complete() -> None:
    with pytest.raises(ValueError, match="retention"):
        PersonalData(
            fields=("email",), purpose="Sign in.", legal_basis=LegalBasis.PUBLIC_TASK, retention=" "
        )
