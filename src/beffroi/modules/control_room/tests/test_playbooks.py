from __future__ import annotations

import pytest

from beffroi.modules.control_room.playbooks import chapters, html_of, playbooks_of
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
    lamp, door = chapters(TEXT, language="en")
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


def test_every_rule_leads_to_a_playbook() -> None:
    for domain in domains().values():
        for language in ("en", "fr"):
            anchors = {item.anchor for item in playbooks_of(domain.key, language=language)}
            asked = {rule.playbook.rpartition("#")[2] for rule in domain.rules}
            assert asked <= anchors, (domain.key, language, asked - anchors)


def test_a_language_that_is_no_language_reads_no_file() -> None:
    assert playbooks_of("street_lighting", language="../")
    assert playbooks_of("no_such_service", language="fr") == ()
