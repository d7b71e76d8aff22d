"""How the name of an area that a file writes in capitals is shown."""

from __future__ import annotations

import re

_SMALL = frozenset(
    "a au aux d de des du en et l la le les lès lez près sous sur".split()  # noqa: SIM905 - words
)
_WORD = re.compile(r"[^\W\d_]+")
_ROMAN = re.compile(r"[IVX]{2,}")


def proper_name(text: str) -> str:
    """Return a name written all in capitals as French writes it; any other is left as it is.

    Accents that the source has left out are not guessed: ``PRES D'ARENE`` is ``Pres d'Arene``.
    """
    if not text.isupper() or len(text) < 3:
        return text

    def cased(match: re.Match[str]) -> str:
        word = match.group()
        first = match.start() == 0
        lower = word.lower()
        if _ROMAN.fullmatch(word):
            return word
        if not first and (lower in _SMALL and not _is_initial(match)):
            return lower
        return lower.capitalize()

    return _WORD.sub(cased, text)


def _is_initial(match: re.Match[str]) -> bool:
    """Tell whether a single letter stands alone, as in ``ZONE A``, and is not an article."""
    word, after = match.group(), match.string[match.end() : match.end() + 1]
    return len(word) == 1 and after not in {"'", "’", " "}
