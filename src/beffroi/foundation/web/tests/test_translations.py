"""Whatever the pages say has its French."""

from __future__ import annotations

import re
from pathlib import Path

ROOM = Path(__file__).resolve().parent.parent
_SAID = re.compile(r'{%\s*translate\s+"([^"]+)"|(?:\b_|\bgettext_lazy)\(\s*"([^"]+)"')
# Django translates the colon of a label; the name of the product is the same in every language.
ELSEWHERE = frozenset({":"})


def missing(catalogue: str, *, sources: list[str]) -> set[str]:
    known = set(re.findall(r'^msgid "(.+)"$', catalogue, re.MULTILINE))
    # Django doubles the percent sign of a template before it looks for the French.
    said = {
        first.replace("%", "%%") or second
        for source in sources
        for first, second in _SAID.findall(source)
    }
    return said - known - ELSEWHERE


def _catalogue() -> str:
    return (ROOM / "locale/fr/LC_MESSAGES/django.po").read_text()


def _sources() -> list[str]:
    files = [
        *ROOM.rglob("*.html"),
        *(file for file in ROOM.rglob("*.py") if "tests" not in file.parts),
    ]
    return [file.read_text() for file in files]


def test_every_word_has_its_french() -> None:
    assert missing(_catalogue(), sources=_sources()) == set()
    assert 'msgstr ""\n\n' not in _catalogue()


def test_a_forgotten_word_is_found() -> None:
    assert missing(_catalogue(), sources=['{% translate "Nobody translated this" %}'])
