"""Every text of the interface has its French, and the documents say what exists."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import messages

from beffroi.site.cli.program import build_parser

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "guide"


def test_every_text_has_its_french() -> None:
    missing = [f"{text.path.name}:{text.line} {text.msgid!r}" for text in messages.untranslated()]
    assert missing == []


def test_a_text_without_french_is_caught() -> None:
    known = {
        key
        for po in messages.SOURCE.rglob("locale/fr/LC_MESSAGES/django.po")
        for key in messages.catalogue(po.parents[3])
    }
    assert ("", "A sentence that nobody has translated") not in known
    assert any(msgid for _, msgid in known)


def test_french_keeps_the_fields_of_the_english() -> None:
    field = re.compile(r"%\(\w+\)[sd]|\{\w+\}|%[sd]")
    wrong = [
        msgid
        for po in messages.SOURCE.rglob("locale/fr/LC_MESSAGES/django.po")
        for (_, msgid), french in messages.catalogue(po.parents[3]).items()
        if not set(field.findall(french)) <= set(field.findall(msgid)) | {"%(count)s", "%(count)d"}
    ]
    assert wrong == []


def test_every_setting_is_documented() -> None:
    source = "\n".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "src").rglob("*.py")
        if "tests" not in path.parts and path.name != "testing.py"
    )
    used = set(re.findall(r'"((?:BEFFROI|DATABASE)_[A-Z_]+)"', source))
    documented = set(re.findall(r"`((?:BEFFROI|DATABASE)_[A-Z_]+)`", read("settings.md")))
    settings_of_django = {"BEFFROI_APP_ROLE", "BEFFROI_DATABASE_OWNER_URL"}
    assert used - settings_of_django == documented


def test_every_command_is_documented() -> None:
    documented = set(re.findall(r"^## `beffroi ([a-z -]+)`", read("commands.md"), re.MULTILINE))
    assert set(commands(build_parser())) == documented


def commands(parser: argparse.ArgumentParser, prefix: str = "") -> list[str]:
    found: list[str] = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                deeper = commands(inner, f"{prefix}{name} ")
                found += deeper or [f"{prefix}{name}"]
    return found


def read(name: str) -> str:
    return (GUIDE / name).read_text(encoding="utf-8")


def test_nothing_names_the_place_it_was_made_in() -> None:
    forbidden = re.compile("|".join((r"/wor" + r"k/", r"\.\./sha" + r"red", r"/\.libr" + r"ary")))
    found = [
        str(path.relative_to(ROOT))
        for folder in ("src", "docs", "tests", "tools", "web/src")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".md", ".ts", ".css", ".html", ".toml", ".po"}
        and "node_modules" not in path.parts
        and forbidden.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []
