"""What a person reads on a page."""

from __future__ import annotations

import html
import re
from typing import Any

from django.test import Client

HTMX = {"HX-Request": "true"}


def text_of(response: Any) -> str:
    """Return the words of a page, tags and blanks brought down to single spaces."""
    assert response.status_code == 200, response.status_code
    content = re.sub(r"<(script|style)\b.*?</\1>", " ", response.content.decode(), flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", content))).strip()


def read(client: Client, url: str, **headers: str) -> str:
    """Open a page and return its words."""
    return text_of(client.get(url, headers=headers))
