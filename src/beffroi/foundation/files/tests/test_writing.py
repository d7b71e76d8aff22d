from __future__ import annotations

import pytest

from beffroi.foundation.files.writing import unarmed


@pytest.mark.parametrize("text", ["=1+1", "+33 4", "-2", "@SUM(A1)", "\t=1", "\r=1", "  =1"])
def test_what_a_spreadsheet_would_run_is_only_text(text: str) -> None:
    assert unarmed(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "rue de l’Aiguillerie", "a=b", "3-5", "é"])
def test_other_words_are_left_as_they_are(text: str) -> None:
    assert unarmed(text) == text


def test_a_nul_is_left_out() -> None:
    assert unarmed("a\x00b") == "ab"
