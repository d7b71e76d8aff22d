"""Names of columns: cleaned, compared without accents, recognised as codes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_DBASE_TYPE = re.compile(r"^(?P<name>.*?),\s*(?P<type>[CNDLFIMB])(?:,\s*\d+){0,2}$")
_JOINED = {"œ": "oe", "æ": "ae", "ß": "ss", "Œ": "OE", "Æ": "AE"}

_CODE_WORDS = frozenset(
    {"siret", "siren", "insee", "cp", "cdpost", "tel", "telephone", "phone", "numtel", "fax"}
    | {"rivoli", "iris", "rne", "uai", "finess", "nic", "mobile", "portable", "codpost"}
    | {"codepostal", "codepost", "postcode", "zip", "cog", "codinsee", "codeinsee", "deveui"}
    | {"eui", "iban", "code", "codes", "cod"}
)


def without_dbase_type(name: str) -> tuple[str, str]:
    """Cut a dBase type from a header cell: ``NOM,C,50`` gives ``("NOM", "C")``."""
    match = _DBASE_TYPE.match(name.strip())
    if match is None or not match["name"].strip():
        return name.strip(), ""
    return match["name"].strip(), match["type"]


def without_accents(text: str) -> str:
    """Return the text with plain letters."""
    for joined, apart in _JOINED.items():
        text = text.replace(joined, apart)
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def plain_name(name: str) -> str:
    """Return a name as lower-case words joined by ``_``, without accents.

    ``Nom de la rue`` is ``nom_de_la_rue``, ``numéroRue`` is ``numero_rue``.
    """
    spaced = re.sub(r"(?<=[a-zà-ÿ])(?=[A-ZÀ-Þ])", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", without_accents(spaced).lower()).strip("_")


def is_code_name(name: str) -> bool:
    """Tell whether digits in a column of this name are a code, not a quantity."""
    return any(word in _CODE_WORDS for word in plain_name(name).split("_"))


def column_letters(place: int) -> str:
    """Return the name a spreadsheet gives to a column: 0 is ``A``, 26 is ``AA``."""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def unique_names(labels: Iterable[str]) -> list[str]:
    """Give each column its own name: spreadsheet letters if empty, ``name (2)`` if taken."""
    taken: set[str] = set()
    names: list[str] = []
    for place, label in enumerate(labels):
        base = " ".join(label.replace("\x00", "").split())[:200] or column_letters(place)
        name, rank = base, 1
        while name in taken:
            rank += 1
            name = f"{base} ({rank})"
        taken.add(name)
        names.append(name)
    return names
