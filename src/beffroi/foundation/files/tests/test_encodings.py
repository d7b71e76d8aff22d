import pytest

from beffroi.foundation.files.reading.encodings import declared_codec, find_encoding
from beffroi.foundation.files.tests.builders import SAMPLES

FRENCH = (
    "Libellé;Adresse;Remarque\n"
    "École élémentaire Aliénor d’Aquitaine;Rue de la Forêt, n° 12;Accès gêné à l’été\n"
    "Théâtre Jean Vilar;Allée des Chênes;Fermé à Noël, façade rénovée\n"
    "Hôtel de Lunas;Place Pétrarque;Classé « monument historique »\n"
)


@pytest.mark.parametrize(
    "codec", ["utf-8", "utf-8-sig", "cp1252", "cp850", "mac_roman", "utf-16", "utf-16-le"]
)
def test_french_text_is_read_in_every_encoding_it_is_written_in(codec: str) -> None:
    text = FRENCH if codec != "cp850" else FRENCH.replace("’", "'")
    found = find_encoding(text.encode(codec))
    assert found.decode(text.encode(codec)) == text


@pytest.mark.parametrize("word", ["Béziers;Sète", "Voie fléchée", "été", "Mèze;Clapiers"])
@pytest.mark.parametrize("codec", ["cp1252", "cp850", "mac_roman"])
def test_one_accented_word_is_enough(word: str, codec: str) -> None:
    assert find_encoding(word.encode(codec)).decode(word.encode(codec)) == word


def test_windows_is_not_taken_for_central_european_where_both_read_the_same() -> None:
    assert find_encoding(b"Libell\xe9;Voie fl\xe9ch\xe9e").codec == "cp1252"


def test_no_break_spaces_among_figures_do_not_make_a_dos_file() -> None:
    content = (SAMPLES / "budget_primitif_2014.csv").read_bytes()
    assert find_encoding(content).codec == "cp1252"
    assert find_encoding("Montant;5\u00a0000\nMontant payé;12\u00a0000".encode("cp1252")).codec == (
        "cp1252"
    )


def test_dos_file_of_the_schools_is_recognised() -> None:
    found = find_encoding((SAMPLES / "effectifs_scolaires_2014.csv").read_bytes())
    assert found.codec == "cp850"
    assert found.finding.params["example"]


def test_oe_of_latin_9_is_not_lost() -> None:
    text = "Cœur de ville;Mosaïque;Œuvre de la Sœur Irénée"
    assert find_encoding(text.encode("iso8859-15")).decode(text.encode("iso8859-15")) == text
    assert find_encoding(text.encode("cp1252")).decode(text.encode("cp1252")) == text


def test_accents_damaged_by_an_earlier_conversion_are_repaired_and_said() -> None:
    damaged = "Espace chiens près d'Arènes;Régie;Catégorie".encode("cp1252").decode("cp850")
    found = find_encoding(damaged.encode("cp1252", "replace"))
    assert found.decode(damaged.encode("cp1252", "replace")).startswith("Espace chiens près d'Arè")
    assert {note.code for note in found.notes} >= {"encoding_repaired"}


def test_utf8_read_as_windows_and_saved_again_is_repaired() -> None:
    damaged = "Téléphones publics;Allée des Chênes".encode().decode("cp1252").encode()
    assert find_encoding(damaged).decode(damaged) == "Téléphones publics;Allée des Chênes"


def test_letters_already_lost_are_said() -> None:
    codes = {note.code for note in find_encoding(b"Minist?re de l'Int?rieur").notes}
    assert codes == set()  # no accent at all: nothing proves a loss
    found = find_encoding("CAT?GORIE;Régie;DATE_CR?AT".encode("cp1252"))
    assert "encoding_lost" in {note.code for note in found.notes}


def test_a_few_windows_bytes_in_utf8_do_not_spoil_the_rest() -> None:
    text = ("Allée des Chênes;" * 40).encode() + "Béziers".encode("cp1252")
    assert find_encoding(text).decode(text).endswith("Béziers")


@pytest.mark.parametrize(
    ("declaration", "codec"),
    [
        ("UTF-8", "utf-8"),
        ("1252", "cp1252"),
        ("ANSI 1252", "cp1252"),
        ("ISO 88591", "cp1252"),
        ("ISO-8859-1", "cp1252"),
        ("OEM 850", "cp850"),
        ("", None),
        ("system", None),
        ("rot13", None),
        ("nonsense", None),
    ],
)
def test_code_page_files_are_understood(declaration: str, codec: str) -> None:
    assert declared_codec(declaration) == codec
