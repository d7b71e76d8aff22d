"""What the documents point to is there, and every decision is in the index."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("", "docs", "docs/adr", "docs/guide", "demo")
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")


def dead_links(root: Path) -> list[str]:
    return [
        f"{page.relative_to(root)} → {target}"
        for folder in FOLDERS
        for page in sorted((root / folder).glob("*.md"))
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]


def unlisted_decisions(folder: Path) -> list[str]:
    index = (folder / "README.md").read_text(encoding="utf-8")
    return [
        page.name
        for page in sorted(folder.glob("0*.md"))
        if f"- [{page.read_text(encoding='utf-8').splitlines()[0].removeprefix('# ')}]({page.name})"
        not in index
    ]


def test_no_link_is_dead() -> None:
    assert dead_links(ROOT) == []


def test_a_dead_link_is_caught(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("[a](b.md) [c](https://example.org/) [d](README.md#e)")
    assert dead_links(tmp_path) == ["README.md → b.md"]


def test_every_decision_is_in_the_index() -> None:
    assert unlisted_decisions(ROOT / "docs" / "adr") == []


def test_a_decision_without_its_line_is_caught(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# Decisions\n")
    (tmp_path / "0009-planted.md").write_text("# 0009. Planted\n")
    assert unlisted_decisions(tmp_path) == ["0009-planted.md"]
