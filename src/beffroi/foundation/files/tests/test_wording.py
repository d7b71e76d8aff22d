import re
import string
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from beffroi.foundation.files.reading import Finding, Problem, open_table
from beffroi.foundation.files.reading.contracts import FileRefused
from beffroi.foundation.files.reading.wording import (
    FINDINGS,
    PROBLEMS,
    REFUSALS,
    WORDS,
    Wording,
)

HERE = Path(__file__).parents[1]
SOURCE = "\n".join(path.read_text() for path in (HERE / "reading").glob("*.py"))
SENTENCES = {
    text
    for catalogue in (REFUSALS, PROBLEMS, FINDINGS)
    for wording in catalogue.values()
    for text in (wording.message, wording.way_out)
    if text
} | WORDS


def french() -> dict[str, str]:
    with (HERE / "locale/fr/LC_MESSAGES/django.po").open("rb") as stream:
        return {str(one.id): str(one.string) for one in read_po(stream) if one.id}


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def untranslated(sentences: Iterable[str], catalogue: Mapping[str, str]) -> set[str]:
    return {text for text in sentences if not catalogue.get(text)}


def test_every_sentence_is_in_french_and_nothing_else() -> None:
    catalogue = french()
    assert untranslated(SENTENCES, catalogue) == set()
    assert set(catalogue) == SENTENCES


def test_a_sentence_without_french_would_be_noticed() -> None:
    assert untranslated({"A new sentence."}, french()) == {"A new sentence."}


def test_fields_are_the_same_in_both_languages() -> None:
    assert {en: fields(fr) for en, fr in french().items()} == {en: fields(en) for en in french()}


def test_french_typography() -> None:
    wrong = [
        text
        for text in french().values()
        if "'" in text or '"' in text or re.search(r"(?<![\u202f\u00a0])[;!?»]|« ", text)
    ]
    assert wrong == []


@pytest.mark.parametrize("catalogue", [REFUSALS, PROBLEMS, FINDINGS])
def test_every_sentence_is_used(catalogue: Mapping[str, Wording]) -> None:
    unused = {code for code in catalogue if f'"{code}"' not in SOURCE.replace(f'"{code}": W', "")}
    assert unused == set()


def test_every_refusal_says_what_to_do() -> None:
    assert [code for code, wording in REFUSALS.items() if not wording.way_out] == []
    assert [code for code, wording in PROBLEMS.items() if not wording.way_out] == []


def test_sentences_are_said_in_the_language_of_the_person() -> None:
    translate = french().__getitem__
    problem = Problem(
        row=3, column="n", value="12 bis", code="value_not_of_kind", params={"kind": "a number"}
    )
    assert problem.say(translate).startswith(
        "Ligne 3, «\u00a0n\u00a0»\u202f: «\u00a012 bis\u00a0» n’est pas un nombre."
    )
    finding = Finding(
        about="crs", value="", code="crs_guessed", params={"right": 99, "area": "Réunion"}
    )
    assert "La Réunion" in finding.say(translate)
    with pytest.raises(FileRefused) as caught:
        open_table(b"%PDF-1.7", name="plan.csv")
    assert "document PDF" in caught.value.say(translate)
