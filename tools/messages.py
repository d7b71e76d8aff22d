"""Lists the texts of the interface that have no French, room by room; the tests use it too.

The texts are found in Python (``_``, ``gettext`` and their kin, ``translatable``, and the sentences
of errors) and in templates. No gettext program is needed.
"""

from __future__ import annotations

import ast
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.extract import extract
from babel.messages.pofile import read_po
from django.utils.translation.template import templatize

SOURCE = Path(__file__).resolve().parent.parent / "src" / "beffroi"
KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "npgettext": ((1, "c"), 2, 3),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "translatable": None,
}
ERROR_BASES = {"BeffroiError"}
WORDING_ARGUMENTS = ("way_out",)


@dataclass(frozen=True, slots=True)
class Text:
    """One text to translate, and where it stands."""

    msgid: str
    context: str
    path: Path
    line: int


def room_of(path: Path) -> Path:
    """Return the folder whose ``locale`` holds a file's texts: the nearest one that has it."""
    for folder in path.parents:
        if (folder / "locale").is_dir():
            return folder
        if folder == SOURCE:
            break
    return SOURCE / "site"


def texts() -> Iterator[Text]:
    """Give every text of the tree, tests and migrations left out."""
    errors = error_names()
    for path in sorted(SOURCE.rglob("*.py")):
        if not {"tests", "migrations"} & set(path.parts):
            source = path.read_text(encoding="utf-8")
            yield from _extracted(path, source)
            yield from _sentences_of_errors(path, source, errors)
    for suffix in ("*.html", "*.txt"):
        for path in sorted(SOURCE.rglob(f"templates/**/{suffix}")):
            plain = templatize(path.read_text(encoding="utf-8"))
            # Indentation means nothing in a template, and everything to a reader of Python.
            yield from _extracted(path, "\n".join(line.strip() for line in plain.splitlines()))


def error_names() -> set[str]:
    """Return the names of all classes that derive from ``BeffroiError``."""
    names = set(ERROR_BASES)
    parents: dict[str, set[str]] = {}
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                parents[node.name] = {base.id for base in node.bases if isinstance(base, ast.Name)}
    while True:
        found = {name for name, bases in parents.items() if bases & names} - names
        if not found:
            return names
        names |= found


def catalogue(room: Path) -> dict[tuple[str, str], str]:
    """Return the French of a room: (context, msgid) to msgstr, fuzzy entries left out."""
    path = room / "locale" / "fr" / "LC_MESSAGES" / "django.po"
    if not path.exists():
        return {}
    with path.open("rb") as stream:
        entries = read_po(stream, abort_invalid=True)
    found: dict[tuple[str, str], str] = {}
    for entry in entries:
        if not entry.id or "fuzzy" in entry.flags:
            continue
        msgid = entry.id[0] if isinstance(entry.id, tuple | list) else entry.id
        forms = entry.string if isinstance(entry.string, tuple | list) else (entry.string,)
        if all(forms):
            found[entry.context or "", msgid] = forms[0]
    return found


def untranslated() -> list[Text]:
    """Return the texts without French, in any room's catalogue."""
    known: set[tuple[str, str]] = set()
    for po in SOURCE.rglob("locale/fr/LC_MESSAGES/django.po"):
        known |= set(catalogue(po.parent.parent.parent.parent))
    missing: dict[tuple[str, str], Text] = {}
    for text in texts():
        if text.msgid.strip() and (text.context, text.msgid) not in known:
            missing.setdefault((text.context, text.msgid), text)
    return list(missing.values())


def _extracted(path: Path, source: str) -> Iterator[Text]:
    stream = io.BytesIO(source.encode())
    for line, msgid, _comments, context in extract("python", stream, keywords=KEYWORDS):
        first = msgid[0] if isinstance(msgid, tuple) else msgid
        if first:
            yield Text(first, context or "", path, line)


def _sentences_of_errors(path: Path, source: str, errors: set[str]) -> Iterator[Text]:
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in errors:
            continue
        candidates = [*node.args[:1], *(k.value for k in node.keywords if k.arg == "way_out")]
        for candidate in candidates:
            # A single word is a code, whose sentence stands in the room's own table of wordings.
            if (
                isinstance(candidate, ast.Constant)
                and isinstance(candidate.value, str)
                and " " in candidate.value
            ):
                yield Text(candidate.value, "", path, candidate.lineno)


def main() -> int:
    """Print what is missing; 1 when something is."""
    missing = untranslated()
    for text in missing:
        room = room_of(text.path).relative_to(SOURCE)
        where = f"{text.path.relative_to(SOURCE)}:{text.line}"
        sys.stdout.write(f"{room}\t{where}\t{text.msgid!r}\n")
    sys.stdout.write(f"{len(missing)} texts without French\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
