"""How names are written so that a search finds them."""

from __future__ import annotations

import unicodedata


def plain(text: str) -> str:
    """Return the text in lower case, without accents, apostrophes and hyphens made spaces."""
    if not text.isascii():
        text = text.replace("œ", "oe").replace("Œ", "oe").replace("’", " ")
        text = unicodedata.normalize("NFKD", text)
        text = "".join(mark for mark in text if not unicodedata.combining(mark))
    return " ".join(text.lower().replace("'", " ").replace("-", " ").split())
