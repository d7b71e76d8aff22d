from collections.abc import Sequence
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from beffroi.foundation.files.reading.columns import (
    ColumnProfile,
    Reading,
    Style,
    find_decimal,
    find_reading,
)
from beffroi.foundation.files.reading.contracts import ColumnKind
from beffroi.foundation.files.reading.values import read_moment, read_number

PARIS = ZoneInfo("Europe/Paris")


def reading_of(
    cells: Sequence[object], *, label: str = "valeur", declared: ColumnKind | None = None
) -> Reading:
    profile = ColumnProfile(label=label, declared=declared)
    for cell in cells:
        profile.see(cell)
    style, _ = find_decimal([profile])
    return find_reading(profile, style=style, zone=PARIS)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("-3,5", -3.5),
        ("51\u00a0232\u00a0627", 51_232_627),
        ("1\u202f234,56", 1234.56),
        ("1 234 567", 1_234_567),
        ("1.234.567,8", 1_234_567.8),
        ("1.234,56", 1234.56),
        ("31,60%", 31.6),
        ("270 €", 270),
        (",5", 0.5),
        ("1,2e-3", 0.0012),
        ("9173478,52426000000", 9_173_478.52426),
    ],
)
def test_french_numbers(text: str, value: float) -> None:
    assert read_number(text, decimal=",") == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1,234", 1234), ("1,234.5", 1234.5), ("3.5", 3.5), ("12,345,678", 12345678)],
)
def test_english_numbers(text: str, value: float) -> None:
    assert read_number(text, decimal=".") == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "-", ",", "12 bis", "1,2,3", "0x12", "1e9999", "12 34"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_number(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("24/10/1990", date(1990, 10, 24)),
        ("24/10/90", date(1990, 10, 24)),
        ("31/12/56", date(2056, 12, 31)),
        ("2007/04/18", date(2007, 4, 18)),
        ("27 09 1971", date(1971, 9, 27)),
        ('"18-10-2010"', date(2010, 10, 18)),
        ("20240229", date(2024, 2, 29)),
        ("14/09/2010 14:28", datetime(2010, 9, 14, 12, 28, tzinfo=UTC)),
        ("14/01/2010 14h28", datetime(2010, 1, 14, 13, 28, tzinfo=UTC)),
        ("2024-06-01T10:00:00Z", datetime(2024, 6, 1, 10, tzinfo=UTC)),
        ("2024-06-01T10:00:00.123456789+02:00", datetime(2024, 6, 1, 8, 0, 0, 123456, tzinfo=UTC)),
    ],
)
def test_dates(text: str, value: object) -> None:
    assert read_moment(text, zone=PARIS) == value


@pytest.mark.parametrize("text", ["31/02/2010", "2010-13-01", "12/2010", "hier", "99/99/99"])
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_moment(text)


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "2", ""], ColumnKind.INTEGER),
        (["1,5", "2", "#N/A"], ColumnKind.NUMBER),
        (["Oui", "NON", ""], ColumnKind.BOOLEAN),
        (["VRAI", "FAUX"], ColumnKind.BOOLEAN),
        (["O", "N", "O"], ColumnKind.BOOLEAN),
        (["N", "N"], ColumnKind.TEXT),
        (["0101", "0102"], ColumnKind.TEXT),
        (["12105", "2A004", "97105"] * 20, ColumnKind.TEXT),
        (["24/10/90", "26/09/94"], ColumnKind.DATE),
        (["24/10/1990 12:00", "26/09/1994"], ColumnKind.DATETIME),
        (["01234567890123456789"], ColumnKind.TEXT),
        (["19900101", "20000101"], ColumnKind.INTEGER),
        ([1.0, 2.0, None], ColumnKind.INTEGER),
        ([1.5, 2], ColumnKind.NUMBER),
        ([True, False], ColumnKind.BOOLEAN),
        ([date(2020, 1, 1), datetime(2020, 1, 2)], ColumnKind.DATE),  # noqa: DTZ001 - as read
        ([1, "a", "b"], ColumnKind.TEXT),
        (["", None], ColumnKind.EMPTY),
    ],
)
def test_kind_of_a_column(cells: list[object], kind: ColumnKind) -> None:
    assert reading_of(cells).kind is kind


def test_names_tell_codes_from_quantities() -> None:
    assert reading_of(["34070", "34000"], label="CODE POSTAL").kind is ColumnKind.TEXT
    assert reading_of(["34172", "34057"], label="Code INSEE").kind is ColumnKind.TEXT
    assert reading_of(["19900101"], label="DATE_POSE").kind is ColumnKind.DATE


def test_months_before_days_are_noticed_from_the_whole_column() -> None:
    reading = reading_of(["01/05/2020", "03/25/2020"], label="date")
    assert reading.read("01/05/2020") == date(2020, 1, 5)
    assert "dates_month_first" in {note.code for note in reading.notes}


def test_one_wrong_cell_among_many_is_a_problem_not_a_text_column() -> None:
    reading = reading_of([str(number) for number in range(40)] + ["12 bis"])
    assert reading.kind is ColumnKind.INTEGER
    assert reading.reason == "type_most_fit"
    with pytest.raises(ValueError, match="12 bis"):
        reading.read("12 bis")


def test_units_beside_numbers_are_kept() -> None:
    assert reading_of(["31,60%", "39,50%"]).unit == "%"


def test_decimal_mark_comes_from_what_cannot_be_read_twice() -> None:
    profile = ColumnProfile(label="x")
    for cell in ["1,234", "5,678", "1,5"]:
        profile.see(cell)
    assert find_decimal([profile])[0] == Style(decimal=",")
    other = ColumnProfile(label="x")
    for cell in ["1,234", "5.5"]:
        other.see(cell)
    assert find_decimal([other])[0] == Style(decimal=".")
    doubt = ColumnProfile(label="x")
    doubt.see("1,234")
    style, finding = find_decimal([doubt])
    assert style.decimal == ","
    assert finding is not None
    assert finding.code == "decimal_ambiguous"
