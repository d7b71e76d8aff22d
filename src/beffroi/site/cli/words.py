"""What the command line says, in the administrator's language, before Django is loaded too.

French, unless the environment asks for English (``LANGUAGE``, ``LC_ALL``, ``LC_MESSAGES`` or
``LANG``, in the order of GNU gettext).
"""

from __future__ import annotations

import gettext as catalogues
import os
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2]
VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")


def language() -> str:
    """Return ``en`` or ``fr``."""
    asked = next((os.environ[name] for name in VARIABLES if os.environ.get(name)), "")
    return "en" if asked.lower().startswith("en") else "fr"


def settle_language() -> None:
    """Make argparse, and every child process, speak the same language as we do."""
    os.environ["LANGUAGE"] = language()
    catalogues.bindtextdomain("argparse", PACKAGE / "site" / "locale")
    catalogues.textdomain("argparse")


def gettext(text: str) -> str:
    """Return a text in the administrator's language."""
    return _catalogue(language()).gettext(text)


def ngettext(one: str, many: str, count: int) -> str:
    """Return the form of a text that a count asks for."""
    return _catalogue(language()).ngettext(one, many, count)


def counted(number: float) -> str:
    """Return a whole number with its thousands set apart, as the language does."""
    text = f"{number:,.0f}"
    return text if language() == "en" else text.replace(",", "\u202f")


def decimal(number: float, *, digits: int = 1) -> str:
    """Return a number with the decimal mark of the language."""
    text = f"{number:.{digits}f}"
    return text if language() == "en" else text.replace(".", ",")


def rows_told(*, kept: int, refused: int) -> str:
    """Return how many rows of a file were taken and how many were not."""
    return ", ".join(
        (
            ngettext("{count} imported", "{count} imported", kept).format(count=counted(kept)),
            ngettext("{count} refused", "{count} refused", refused).format(count=counted(refused)),
        )
    )


@cache
def _catalogue(wanted: str) -> catalogues.NullTranslations:
    """Return the texts of every room, the site's first; the source's own where none is built."""
    everything = catalogues.NullTranslations()
    if wanted == "en":
        return everything
    folders = [PACKAGE / "site" / "locale", *sorted(PACKAGE.glob("*/*/locale"))]
    for folder in folders:
        everything.add_fallback(
            catalogues.translation("django", folder, languages=[wanted], fallback=True)
        )
    return everything
