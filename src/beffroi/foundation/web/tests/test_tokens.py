"""Every pair of colours that the style sheet writes with can be read, in light and in dark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from beffroi.foundation.web.town_colours import (
    DARK_SURFACE,
    DEFAULT_PRIMARY,
    DEFAULT_SECONDARY,
    LIGHT_PAGE,
)
from beffroi.kernel.colour import SHAPE_RATIO, TEXT_RATIO, contrast

SOURCES = Path(__file__).resolve().parents[5] / "web" / "src" / "styles" / "tokens.css"
_TOKEN = re.compile(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)")

TEXT_PAIRS = [
    *[("text", ground) for ground in ("page", "surface", "sunken", "raised", "hover", "selected")],
    *[("muted", ground) for ground in ("page", "surface", "sunken", "raised", "hover")],
    *[
        (f"town-{name}-text", ground)
        for name in ("primary", "secondary")
        for ground in ("page", "surface")
    ],
    ("town-on-primary", "town-primary"),
    ("town-on-secondary", "town-secondary"),
    *[(tone, "surface") for tone in ("ok", "info", "attention", "alarm", "silent")],
    *[(tone, f"{tone}-soft") for tone in ("ok", "info", "attention", "alarm", "silent")],
    *[("text", f"{tone}-soft") for tone in ("ok", "info", "attention", "alarm")],
]
SHAPE_PAIRS = [
    ("line-strong", "surface"),
    ("line-strong", "page"),
    ("focus", "surface"),
    ("focus", "page"),
    ("alarm-fill", "surface"),
    *[(f"domain-{place}", "surface") for place in range(1, 9)],
]


def tokens(css: str) -> dict[str, tuple[str, str]]:
    return {name: (light, dark) for name, light, dark in _TOKEN.findall(css)}


def too_low(css: str) -> list[str]:
    known = tokens(css)
    found = []
    for pairs, ratio in ((TEXT_PAIRS, TEXT_RATIO), (SHAPE_PAIRS, SHAPE_RATIO)):
        for ink, ground in pairs:
            for theme in (0, 1):
                value = contrast(known[ink][theme], known[ground][theme])
                if value < ratio:
                    found.append(f"{ink} on {ground}, {('light', 'dark')[theme]}: {value:.2f}")
    return found


@pytest.fixture
def css() -> str:
    if not SOURCES.exists():
        pytest.skip("the sources of the style sheet are not part of an installed package")
    return SOURCES.read_text()


def test_every_pair_of_tokens_can_be_read(css: str) -> None:
    assert too_low(css) == []


def test_a_pale_text_would_be_found(css: str) -> None:
    light = tokens(css)["muted"][0]
    assert too_low(css.replace(f"--muted: light-dark({light}", "--muted: light-dark(#b9bcc2"))


def test_the_server_and_the_style_sheet_agree_on_the_colours_of_a_town_without_any(
    css: str,
) -> None:
    known = tokens(css)
    assert known["town-primary"][0] == DEFAULT_PRIMARY
    assert known["town-secondary"][0] == DEFAULT_SECONDARY
    assert known["page"][0] == LIGHT_PAGE
    assert known["raised"][1] == DARK_SURFACE
