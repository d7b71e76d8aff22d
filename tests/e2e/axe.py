"""Run axe-core on a page: the rules of accessibility that a program can check."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = Path(__file__).resolve().parents[2] / "web/node_modules/axe-core/axe.min.js"

_RUN = """async (tags) => {
  const found = await window.axe.run(document, { runOnly: { type: "tag", values: tags } });
  return found.violations.map((rule) => ({
    rule: rule.id, impact: rule.impact, help: rule.help,
    nodes: rule.nodes.map((node) => node.target.join(" ")),
  }));
}"""

TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


def violations(page: Page, *, tags: tuple[str, ...] = TAGS) -> list[dict[str, Any]]:
    """Return what axe finds on the page: rule, impact, help, nodes.

    The file is evaluated, not added as a script element, which the page's policy would refuse.
    """
    page.evaluate(_program())
    found: list[dict[str, Any]] = page.evaluate(_RUN, list(tags))
    return found


@cache
def _program() -> str:
    return AXE.read_text()


def told(found: list[dict[str, Any]]) -> str:
    """Write violations so that a failed test says where to look."""
    return "\n".join(
        f"{one['impact']}: {one['rule']} ({one['help']}): {', '.join(one['nodes'][:4])}"
        for one in found
    )
