import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime

import pyarrow.parquet as pq
import pytest
import shapely

from beffroi.foundation.files.reading import open_table
from beffroi.foundation.files.writing import (
    FRENCH,
    STANDARD,
    Cell,
    CsvStyle,
    write_csv,
    write_parquet,
)

MOMENT = datetime(2024, 7, 1, 10, 0, tzinfo=UTC)


def text_of(
    rows: Iterable[Sequence[Cell]], *, style: CsvStyle = STANDARD, header: Sequence[str] = ("a",)
) -> str:
    return b"".join(write_csv(rows, header=header, style=style)).decode()


@pytest.mark.parametrize("text", ["=1+1", "+33 4", "-2", "@SUM(A1)", "\t=1", "\r=1", "  =cmd|x"])
def test_a_text_that_a_spreadsheet_would_run_is_disarmed(text: str) -> None:
    assert f"'{text}" in text_of([[text]])
    assert text_of([["x"]], header=["=x"]).startswith("'=x")


def test_numbers_stay_numbers() -> None:
    assert text_of([[-3.5], [-2], [1e-7]]) == "a\r\n-3.5\r\n-2\r\n1e-07\r\n"
    assert text_of([[float("nan"), 1], [None, 2]], header="ab") == "a,b\r\n,1\r\n,2\r\n"


def test_french_style_opens_in_a_french_spreadsheet() -> None:
    text = text_of([["Sète", 12.5, True, date(2024, 7, 1), MOMENT]], style=FRENCH, header="abcde")
    assert text == "\ufeffa;b;c;d;e\r\nSète;12,5;oui;01/07/2024;01/07/2024 12:00:00\r\n"


def test_what_is_written_can_be_read_here() -> None:
    rows: list[Sequence[Cell]] = [["Sète; port", 12.5, MOMENT, shapely.Point(3.87, 43.61)]]
    for style in (STANDARD, FRENCH):
        content = b"".join(write_csv(rows, header=["nom", "mesure", "le", "geom"], style=style))
        row = open_table(content, name="x.csv").preview(1)[0]
        assert row.values["mesure"] == 12.5
        assert row.values["le"] == MOMENT
        assert row.geometry == shapely.Point(3.87, 43.61)


def test_csv_comes_in_blocks_without_being_held() -> None:
    taken: list[int] = []

    def rows() -> Iterator[Sequence[Cell]]:
        for number in range(50_000):
            taken.append(number)
            yield [number, "Sète"]

    blocks = write_csv(rows(), header=["n", "ville"])
    first = next(blocks)
    assert len(first) < 100_000
    assert len(taken) < 20_000


def test_parquet_is_read_back_with_its_types_and_licence() -> None:
    batches: list[Mapping[str, Sequence[Cell]]] = [
        {
            "nom": ["Sète", None],
            "n": [1, 2],
            "le": [MOMENT, None],
            "geom": [shapely.Point(1, 2), None],
        },
        {"nom": ["Mèze"], "n": [3], "le": [MOMENT], "geom": [None]},
    ]
    schema = {"nom": "text", "n": "integer", "le": "datetime", "geom": "geometry"}
    blocks = list(write_parquet(batches, schema=schema, metadata={"licence": "Licence Ouverte"}))
    assert len(blocks) >= 2
    table = pq.read_table(io.BytesIO(b"".join(blocks)))
    assert table.column("nom").to_pylist() == ["Sète", None, "Mèze"]
    assert table.column("le").to_pylist()[0] == MOMENT
    assert shapely.from_wkb(table.column("geom").to_pylist()[0]) == shapely.Point(1, 2)
    assert table.schema.metadata[b"licence"] == b"Licence Ouverte"
