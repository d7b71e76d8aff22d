"""Playbooks of an urban service, from its README or their translation, as safe HTML.

Everything is escaped first; tags are put around what the few marks of these files mean:
headings, paragraphs, lists, ``code``, *emphasis*, **strength** and links to https pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from django.utils.html import escape

from beffroi.kernel.identifiers import slug_of
from beffroi.modules.control_room.contracts import Playbook
from beffroi.sdk.registry import DOMAIN_GROUP

SOURCE_LANGUAGE = "en"
_CHAPTER = "playbooks"
"""Anchor of the heading under which playbooks stand in a README."""

_HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*#*$")
_ANCHOR = re.compile(r"\s*\{#([a-z0-9-]+)\}$")
_ITEM = re.compile(r"^(\s*)(?:([-*+])|(\d{1,3})[.)])\s+(.*)$")
_LINK = re.compile(r"\[([^\]]+)\]\((https://[^\s)]+)\)")
_CODE = re.compile(r"`([^`]+)`")
_STRONG = re.compile(r"\*\*(\S(?:.*?\S)?)\*\*")
_EMPHASIS = re.compile(r"(?<!\*)\*(\S(?:.*?\S)?)\*(?!\*)")


def playbooks_of(domain_key: str, *, language: str) -> tuple[Playbook, ...]:
    """Return the playbooks of an urban service, each in the language if it has it, else in English.

    The English ones stand in ``README.md``, the French ones in ``playbooks.fr.md``, where a heading
    ends with the anchor of the English one: ``## Lampe éteinte {#lamp-out}``.
    """
    folder = _folder_of(domain_key)
    if folder is None:
        return ()
    found = {item.anchor: item for item in chapters(_text(folder / "README.md"))}
    # A language names a file: what is no language reads none.
    if re.fullmatch(r"[a-z]{2}", language):
        text = _text(folder / f"playbooks.{language}.md")
        found |= {item.anchor: item for item in translated_chapters(text, language=language)}
    return tuple(found.values())


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


@lru_cache(maxsize=64)
def _folder_of(domain_key: str) -> Path | None:
    for point in entry_points(group=DOMAIN_GROUP):
        if point.name == domain_key:
            spec = find_spec(point.module)
            return None if spec is None or spec.origin is None else Path(spec.origin).parent
    return None


def chapters(text: str) -> Iterator[Playbook]:
    """Give the chapters of a README below the heading of the playbooks."""
    inside = False
    for depth, heading, body in _sections(text, deepest=3):
        title, anchor = _titled(heading)
        if depth < 3:
            inside = anchor == _CHAPTER
        elif inside:
            yield Playbook(anchor=anchor, title=title, html=html_of(body), language=SOURCE_LANGUAGE)


def translated_chapters(text: str, *, language: str) -> Iterator[Playbook]:
    """Give the chapters of a file that holds nothing but playbooks."""
    for depth, heading, body in _sections(text, deepest=2):
        if depth == 2:
            title, anchor = _titled(heading)
            yield Playbook(anchor=anchor, title=title, html=html_of(body), language=language)


def _sections(text: str, *, deepest: int) -> Iterator[tuple[int, str, str]]:
    """Give the depth, the heading and the text of each section; deeper headings are text."""
    depth, title, lines = 0, "", list[str]()
    for line in text.splitlines():
        heading = _HEADING.match(line)
        if heading is None or len(heading[1]) > deepest:
            lines.append(line)
            continue
        if depth:
            yield depth, title, "\n".join(lines)
        depth, title, lines = len(heading[1]), heading[2], []
    if depth:
        yield depth, title, "\n".join(lines)


def _titled(heading: str) -> tuple[str, str]:
    """Return the words and the anchor of a heading: the one it names, or that of its words."""
    named = _ANCHOR.search(heading)
    if named is not None:
        return heading[: named.start()].strip(), named[1]
    return heading, slug_of(heading)


def html_of(text: str) -> str:
    """Return the text as HTML; whatever it holds, no tag of its own comes through."""
    parts: list[str] = []
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        parts.extend(_block(block.splitlines()))
    return "".join(parts)


def _block(lines: list[str]) -> Iterator[str]:
    paragraph: list[str] = []
    items: list[str] = []
    ordered = False
    for line in lines:
        item, heading = _ITEM.match(line), _HEADING.match(line)
        if item is not None and items and (item[3] is not None) != ordered:
            yield _list(items, ordered=ordered)
            items = []
        if item is not None:
            if paragraph:
                yield f"<p>{_inline(' '.join(paragraph))}</p>"
                paragraph = []
            ordered = item[3] is not None
            items.append(item[4])
        elif heading is not None:
            yield f"<p><strong>{_inline(_titled(heading[2])[0])}</strong></p>"
        elif items:
            items[-1] = f"{items[-1]} {line.strip()}"
        elif line.strip():
            paragraph.append(line.strip())
    if paragraph:
        yield f"<p>{_inline(' '.join(paragraph))}</p>"
    if items:
        yield _list(items, ordered=ordered)


def _list(items: list[str], *, ordered: bool) -> str:
    tag = "ol" if ordered else "ul"
    return f"<{tag}>{''.join(f'<li>{_inline(item)}</li>' for item in items)}</{tag}>"


def _inline(text: str) -> str:
    safe = str(escape(text))
    codes: list[str] = []

    def kept(match: re.Match[str]) -> str:
        # Marks within code mean nothing: it is set aside until the others are done.
        codes.append(match[1])
        return f"\x00{len(codes) - 1}\x00"

    safe = _CODE.sub(kept, safe.replace("\x00", ""))
    safe = _LINK.sub(r'<a href="\2" rel="noreferrer">\1</a>', safe)
    safe = _STRONG.sub(r"<strong>\1</strong>", safe)
    safe = _EMPHASIS.sub(r"<em>\1</em>", safe)
    return re.sub(r"\x00(\d+)\x00", lambda match: f"<code>{codes[int(match[1])]}</code>", safe)
