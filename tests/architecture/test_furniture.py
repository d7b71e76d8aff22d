"""Rooms have the same furniture; each rule is shown to bite on a planted fault."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import furniture
import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"
WEB = Path(__file__).resolve().parents[2] / "web"

RULES: dict[str, tuple[Callable[[Path], list[str]], str, str]] = {
    "no room looks inside another": (
        furniture.prying_imports,
        "city/assets/planted.py",
        "from beffroi.foundation.accounts.services import anything\n",
    ),
    "pages do not query": (
        furniture.queries_in_pages,
        "city/assets/web/planted.py",
        "from beffroi.city.assets.models import Asset\n",
    ),
    "files are named for a subject": (furniture.misnamed_files, "city/assets/utils.py", ""),
    "files stay short": (furniture.overlong_files, "city/assets/planted.py", "x = 1\n" * 501),
    "rooms have a README": (furniture.rooms_without_readme, "city/planted/__init__.py", ""),
    "a silenced checker has its reason": (
        furniture.silences_without_reason,
        "city/assets/planted.py",
        "import os  # noqa: F401\n",
    ),
    "an api lists what is public": (furniture.apis_without_all, "city/assets/api.py", "x = 1\n"),
}


@pytest.mark.parametrize("rule", sorted(RULES))
def test_rule_holds(rule: str) -> None:
    check, _, _ = RULES[rule]
    assert check(SOURCE) == []


@pytest.mark.parametrize("rule", sorted(RULES))
def test_planted_fault_is_caught(rule: str, tmp_path: Path) -> None:
    check, where, text = RULES[rule]
    for layer in furniture.LAYERS:
        (tmp_path / "beffroi" / layer).mkdir(parents=True)
    assert check(tmp_path) == []
    planted = tmp_path / "beffroi" / where
    planted.parent.mkdir(parents=True, exist_ok=True)
    planted.write_text(text)
    assert check(tmp_path) != []


def test_front_end_files_stay_short() -> None:
    assert furniture.overlong_files(WEB / "src", patterns=("*.ts", "*.css")) == []


def test_an_overlong_style_sheet_is_caught(tmp_path: Path) -> None:
    (tmp_path / "planted.css").write_text("a { color: inherit; }\n" * 501)
    assert furniture.overlong_files(tmp_path, patterns=("*.ts", "*.css")) != []
