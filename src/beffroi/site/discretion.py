"""What no log may hold: the links that open an account once."""

from __future__ import annotations

import logging
import re

_LINK = re.compile(
    r"(/compte/(?:invitation|lien|adresse/confirmer|mot-de-passe/lien)/)[^/\s\"'<>]+"
)


def without_links(text: str) -> str:
    """Return the text with the secret part of such links left out."""
    return _LINK.sub(r"\1…", text)


class LinksHidden(logging.Filter):
    """Leave the secret part of links out of whatever is about to be written."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record in place; always let it through."""
        told = record.getMessage()
        hidden = without_links(told)
        if hidden != told:
            record.msg, record.args = hidden, ()
        if record.exc_info and not record.exc_text:
            record.exc_text = without_links(logging.Formatter().formatException(record.exc_info))
        return True
