"""What a page lets a person follow and fill in: its links and its forms."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

SKIPPED = {"submit", "button", "file", "reset", "image"}


@dataclass
class Form:
    """One form: where it goes, what it would send as it is, and what else it offers."""

    method: str
    action: str
    values: dict[str, list[str]] = field(default_factory=dict)
    offered: dict[str, set[str]] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)


class Page(HTMLParser):
    """The links and forms of a page."""

    def __init__(self, url: str, text: str) -> None:
        super().__init__()
        self._url = url
        self._select = ""
        self.links: set[str] = set()
        self.forms: list[Form] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a link, a form or a field."""
        known = {name: value or "" for name, value in attrs}
        for name, value in known.items():
            if name in {"href", "src", "hx-get"} or (name.startswith("data-") and value[:1] == "/"):
                self.links.add(urljoin(self._url, value).partition("#")[0])
        if tag == "form":
            action = urljoin(self._url, known.get("action", "") or self._url)
            self.forms.append(Form(known.get("method", "get").lower(), action))
        elif self.forms and tag in {"input", "select", "textarea", "option", "button"}:
            self._field(self.forms[-1], tag, known)

    def _field(self, form: Form, tag: str, known: dict[str, str]) -> None:
        name, value, kind = known.get("name", ""), known.get("value", ""), known.get("type", "")
        if tag == "option":
            form.offered.setdefault(self._select, set()).add(value)
            if "selected" in known:
                form.values[self._select] = [value]
            return
        if not name or kind in SKIPPED:
            return
        if tag == "select":
            self._select = name
            form.values.setdefault(name, [""])
        elif kind in {"checkbox", "radio"}:
            form.offered.setdefault(name, set()).add(value)
            if "checked" in known:
                form.values.setdefault(name, []).append(value)
        elif tag != "button":
            form.values[name] = [value]
            if kind in {"", "text", "search"}:
                form.texts.append(name)
            else:
                form.offered.setdefault(name, set()).add(value)
