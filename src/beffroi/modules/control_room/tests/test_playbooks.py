from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.test import Client

from beffroi.modules.control_room.playbooks import (
    chapters,
    html_of,
    playbooks_of,
    translated_chapters,
)
from beffroi.modules.control_room.tests.conftest import Town
from beffroi.modules.control_room.tests.reading import read
from beffroi.sdk.registry import domains

TEXT = """\
# A service

Some words.

## Playbooks

### Lamp out

1. Look at the cabinet:
   it may be dark.
2. Write **what** you *see*, in `power_w`.

- one
- two

### Porte ouverte {#door-open}

Go [there](https://example.org/a?b=1&c=2).

## Sources

### Not a playbook

Text.
"""


def test_chapters_of_the_playbooks_alone() -> None:
    lamp, door = chapters(TEXT)
    assert (lamp.anchor, lamp.title) == ("lamp-out", "Lamp out")
    assert lamp.html == (
        "<ol><li>Look at the cabinet: it may be dark.</li>"
        "<li>Write <strong>what</strong> you <em>see</em>, in <code>power_w</code>.</li></ol>"
        "<ul><li>one</li><li>two</li></ul>"
    )
    assert (door.anchor, door.title) == ("door-open", "Porte ouverte")
    assert 'href="https://example.org/a?b=1&amp;c=2"' in door.html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        '[x](https://a.b/"onmouseover="alert(1))',
        "`<img src=x onerror=alert(1)>`",
        "1. <b>bold</b>",
        "\x000\x00<i>",
    ],
)
def test_nothing_of_the_text_becomes_a_tag_of_its_own(text: str) -> None:
    made = html_of(text)
    for tag in ("<script", "<img", "<b>", "<i>"):
        assert tag not in made
    assert '"onmouseover' not in made
    assert 'href="javascript' not in made


TRANSLATED = """\
# Fiches réflexes

Quelques mots.

## Lampe <b>éteinte</b> {#lamp-out}

1. Regardez l’armoire.

### Ensuite {#then}

<script>alert(1)</script>

## Porte ouverte {#"onclick="alert(1)}
"""


def test_a_translated_file_gives_its_chapters_without_their_anchors() -> None:
    lamp, door = translated_chapters(TRANSLATED, language="fr")
    assert (lamp.anchor, lamp.language) == ("lamp-out", "fr")
    # The page escapes a title as it does any other text.
    assert lamp.title == "Lampe <b>éteinte</b>"
    assert lamp.html == (
        "<ol><li>Regardez l’armoire.</li></ol><p><strong>Ensuite</strong></p>"
        "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"
    )
    assert re.fullmatch("[a-z0-9-]+", door.anchor)


def test_every_rule_leads_to_a_playbook_in_the_language_of_the_reader() -> None:
    for domain in domains().values():
        asked = {rule.playbook.rpartition("#")[2] for rule in domain.rules}
        for language in ("en", "fr"):
            found = {
                item.anchor
                for item in playbooks_of(domain.key, language=language)
                if item.language == language
            }
            assert asked <= found, (domain.key, language, asked - found)


def test_playbooks_keep_their_order_in_every_language() -> None:
    english = playbooks_of("street_lighting", language="en")
    french = playbooks_of("street_lighting", language="fr")
    assert [item.anchor for item in french] == [item.anchor for item in english]
    assert french[0].title == "Lampe éteinte"
    assert not any("{#" in item.title + item.html for item in french)


def test_what_is_not_translated_stays_in_english(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "lamps_of_a_test"
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "README.md").write_text(TEXT, encoding="utf-8")
    (package / "playbooks.fr.md").write_text(
        "# Fiches\n\n## Lampe éteinte {#lamp-out}\n\n1. Regardez.\n", encoding="utf-8"
    )
    about = tmp_path / "lamps_of_a_test-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Name: lamps-of-a-test\nVersion: 1\n", encoding="utf-8")
    (about / "entry_points.txt").write_text(
        "[beffroi.domains]\nlamps_of_a_test = lamps_of_a_test:DOMAIN\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    found = playbooks_of("lamps_of_a_test", language="fr")
    assert [(item.title, item.language) for item in found] == [
        ("Lampe éteinte", "fr"),
        ("Porte ouverte", "en"),
    ]
    german = playbooks_of("lamps_of_a_test", language="de")
    assert [(item.title, item.language) for item in german] == [
        ("Lamp out", "en"),
        ("Porte ouverte", "en"),
    ]


def test_a_language_that_is_no_language_reads_no_file() -> None:
    assert playbooks_of("street_lighting", language="../")
    assert playbooks_of("no_such_service", language="fr") == ()


def test_the_page_of_a_service_speaks_french_to_the_last_source(town: Town, agent: Client) -> None:
    words = read(agent, town.url("domaines/street_lighting/"))
    for expected in (
        "Lampe éteinte",
        "créez une seule demande d’intervention",
        "ISO 37120, éclairage public",
        "Cerema, diagnostic de l’éclairage public",
    ):
        assert expected in words, expected
    for english in ("{#", "Open the cabinet", "ISO 37120, street lighting"):
        assert english not in words, english
