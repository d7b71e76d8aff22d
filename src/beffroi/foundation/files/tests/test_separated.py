import pytest

from beffroi.foundation.files.reading import (
    Choices,
    ColumnKind,
    FileRefused,
    Limits,
    Table,
    open_table,
)
from beffroi.foundation.files.tests.builders import SAMPLES, found, point_of


def table_of(text: str, *, limits: Limits | None = None) -> Table:
    return open_table(text.encode(), name="essai.csv", limits=limits)


@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separators_and_line_ends(separator: str, end: str) -> None:
    rows = [["nom", "ville", "note"], ["Léa", "Sète", "bon, et même plus"], ["Zoé", "Lunel", "ok"]]
    text = end.join(separator.join(f'"{cell}"' for cell in row) for row in rows)
    table = table_of(text)
    assert [column.label for column in table.columns] == rows[0]
    assert [list(row.values.values()) for row in table.rows()] == rows[1:]
    assert found(table, "line_end").value == {"\n": "LF", "\r\n": "CRLF", "\r": "CR"}[end]


def test_decimal_commas_do_not_win_over_semicolons() -> None:
    table = table_of("x;1,5;2,5\ny;3,5;4,5\nz;5,5;6,5\n")
    assert found(table, "separator").value == ";"
    assert len(table.columns) == 3


def test_dbase_types_leave_the_header() -> None:
    table = open_table(SAMPLES / "fontaines_ornementales.csv")
    assert [column.label for column in table.columns[:4]] == ["ID", "NOM", "LOCALIS", "QUARTIER"]
    assert table.columns[0].kind is ColumnKind.TEXT
    assert "header_types" in {note.code for note in table.findings.notes}


def test_title_lines_and_a_line_of_descriptions() -> None:
    text = (
        "Revenus fiscaux (2008);;;\nDonnées par commune;;;\n;;;\n"
        "dc;nom;NbMen;RFMQ1\n"
        "Code commune;Nom de la zone;Ménages fiscaux;Premier quartile\n"
        "34057;Castelnau-le-Lez;6060;19710,5\n34077;Clapiers;1807;25289\n"
    )
    table = table_of(text)
    assert table.findings.titles == ("Revenus fiscaux (2008)", "Données par commune")
    assert [column.label for column in table.columns] == ["dc", "nom", "NbMen", "RFMQ1"]
    assert table.columns[2].description == "Ménages fiscaux"
    assert [row.number for row in table.rows()] == [6, 7]


def test_no_header_gives_letters_and_keeps_the_title() -> None:
    table = open_table(SAMPLES / "evapotranspiration.csv")
    assert found(table, "header").code == "header_none"
    assert table.findings.titles == ("Valeur ETP (en mm) observée par semaine",)
    assert [column.key for column in table.columns] == ["A", "B"]
    assert table.preview(1)[0].values["B"] == 4.24


def test_years_may_be_names() -> None:
    table = table_of("Prénom,2012,2013\nEmma,40,39\nLouis,45,41\n")
    assert [column.label for column in table.columns] == ["Prénom", "2012", "2013"]


def test_empty_and_double_names_get_one_of_their_own() -> None:
    table = table_of("nom;ville;;nom\na;b;c;d\ne;f;g;h\n")
    assert [column.key for column in table.columns] == ["nom", "ville", "C", "nom (2)"]


def test_empty_columns_and_rows_at_the_end_are_left_out() -> None:
    table = table_of("nom;ville;;\na;b;;\n;;;\nc;d;;\n;;;\n\n")
    assert [column.key for column in table.columns] == ["nom", "ville"]
    assert table.row_count == 2
    assert [row.number for row in table.rows()] == [2, 4]
    assert {"rows_dropped"} <= {note.code for note in table.findings.notes}


def test_rows_too_long_or_too_short_are_told_and_kept() -> None:
    table = table_of("a;b;c\n1;2;3\n4;5;6;perdu\n7;8\n9;10;11\n12;13;14\n")
    codes = {row.number: [problem.code for problem in row.problems] for row in table.rows()}
    assert codes == {2: [], 3: ["too_many_cells"], 4: ["too_few_cells"], 5: [], 6: []}


def test_cells_of_several_lines_count_as_one_row() -> None:
    table = table_of('nom;adresse\nZoo;"50 avenue\nAgropolis"\nMairie;Place\n')
    assert [row.values["adresse"] for row in table.rows()] == ["50 avenue\nAgropolis", "Place"]


def test_a_quote_that_is_never_closed_does_not_swallow_the_file() -> None:
    lines = "".join(f"{number};ville {number}\n" for number in range(50))
    table = table_of(f'nom;ville\n"Rue;Sète\n{lines}')
    assert table.row_count == 51
    assert found(table, "quote").code == "quote_unclosed"


def test_the_line_that_names_the_separator_is_obeyed() -> None:
    table = table_of("sep=|\na|b\n1|x;y\n")
    assert [column.key for column in table.columns] == ["a", "b"]


def test_one_column_is_a_table_too() -> None:
    table = table_of("commune\nSète\nLunel\n")
    assert [row.values["commune"] for row in table.rows()] == ["Sète", "Lunel"]
    assert found(table, "separator").code == "separator_none"


def test_utf16_is_read() -> None:
    content = "nom;montant\nSète;12,5\nBéziers;13\n".encode("utf-16")
    table = open_table(content, name="deliberations.csv")
    assert [row.values["nom"] for row in table.rows()] == ["Sète", "Béziers"]


def test_decisions_of_the_person_are_followed() -> None:
    choices = Choices(separator=",", header_row=0, encoding="cp1252", decimal=".")
    table = open_table("a;b,c\n1;2,3\n".encode("cp1252"), name="x.csv", choices=choices)
    assert [list(row.values.values()) for row in table.rows()] == [["a;b", "c"], ["1;2", "3"]]
    assert found(table, "separator").code == "chosen"
    with pytest.raises(FileRefused, match="cannot be read as"):
        open_table(b"a;b\n1;2\n", name="x.csv", choices=Choices(encoding="base64"))


def test_a_misfit_keeps_its_text_and_says_what_to_do() -> None:
    text = "n\n" + "".join(f"{number}\n" for number in range(50)) + "12 bis\n"
    row = list(table_of(text).rows())[-1]
    assert row.values["n"] == "12 bis"
    assert "“12 bis” is not a whole number" in row.problems[0].say()


def test_two_digit_years_and_decimal_commas_of_the_car_parks() -> None:
    table = open_table(SAMPLES / "parkings.csv")
    first = table.preview(1)[0]
    assert (point_of(first).x, point_of(first).y) == (3.8732008, 43.6110027)
    assert "dates_two_digits" in {note.code for note in table.findings.notes}


def test_a_kind_found_late_is_still_found() -> None:
    rows = "".join(f"{number};\n" for number in range(300)) + "300;Sète\n"
    table = table_of("n;ville\n" + rows, limits=Limits(profiled_rows=100))
    assert table.columns[1].kind is ColumnKind.TEXT
