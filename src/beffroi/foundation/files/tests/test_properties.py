"""What must hold for any file at all."""

import csv
import gzip
import io
import zipfile
from datetime import date
from typing import TypeAlias

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from beffroi.foundation.files.reading import FileRefused, Limits, Opened, open_table, open_tables
from beffroi.foundation.files.tests.builders import MONTPELLIER, SAMPLES, geopackage, zipped

LIMITS = Limits(unpacked_bytes=5_000_000, sqlite_steps=1_000_000)
MAGICS = [
    b"",
    b"PK\x03\x04",
    b"\x1f\x8b\x08",
    b"SQLite format 3\x00",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    b"\x00\x00\x27\x0a",
    b"\x03\x72\x01\x01",
    b"{",
    b"[",
    b"<kml>",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b'{"type":"FeatureCollection","features":[',
    b"nom;geom\na;POINT(",
    b"nom;lon;lat\n",
]


def reads_or_refuses(content: bytes) -> None:
    try:
        opened = open_tables(content, name="essai", limits=LIMITS, near=MONTPELLIER)
    except FileRefused as error:
        refusal: FileRefused | None = error
        opened = Opened(())
    else:
        refusal = None
    assert (refusal is None) is bool(opened.tables)
    for table in opened.tables:
        rows = list(table.rows())
        assert len(rows) == table.row_count
        for row in rows:
            assert set(row.values) == {column.key for column in table.columns}
            assert row.geometry is None or (row.geometry.is_valid and not row.geometry.is_empty)
            for problem in row.problems:
                assert "{" not in problem.message_en.format_map({**problem.params, **NAMES})
                assert problem.say()
        for finding in table.findings.all():
            assert finding.say()


NAMES = {"row": 1, "column": "c", "value": "v"}


@settings(max_examples=300, deadline=None)
@given(magic=st.sampled_from(MAGICS), tail=st.binary(max_size=600))
@example(magic=b"\x03\x72\x01\x01", tail=bytes(100))
def test_any_bytes_are_read_or_refused(magic: bytes, tail: bytes) -> None:
    reads_or_refuses(magic + tail)


@settings(max_examples=200, deadline=None)
@given(
    text=st.text(alphabet=st.sampled_from(list('abé0123;,\t"\n\r.-/ {}[]()é=\x00€')), max_size=400)
)
def test_any_text_is_read_or_refused(text: str) -> None:
    reads_or_refuses(text.encode())
    reads_or_refuses(text.encode("cp1252", "replace"))


WHOLE = {
    "shapefile": (SAMPLES / "bornes_fontaines.zip").read_bytes(),
    "geojson": (SAMPLES / "sites_hebergement.geojson").read_bytes(),
    "csv": (SAMPLES / "parkings.csv").read_bytes(),
    "geopackage": geopackage({"lampes": [("a", None)]}),
}


@pytest.mark.parametrize("kind", sorted(WHOLE))
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_a_good_file_with_bytes_changed_is_read_or_refused(kind: str, data: st.DataObject) -> None:
    content = bytearray(WHOLE[kind])
    if kind == "shapefile":
        # Change what is inside the archive: outside, its checksums catch everything.
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = {name: bytearray(archive.read(name)) for name in archive.namelist()}
        part = parts[data.draw(st.sampled_from(sorted(parts)))]
        damage(part, data)
        content = bytearray(zipped({name: bytes(held) for name, held in parts.items()}))
    else:
        damage(content, data)
    reads_or_refuses(bytes(content))


def damage(content: bytearray, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]


Rows: TypeAlias = list[tuple[str, int, float, date]]

WORDS = [
    "Sète",
    "Béziers",
    "Mèze",
    "Église",
    "Forêt",
    "Noël",
    "Hôtel",
    "Façade",
    "Où",
    "rue; place",
]


@settings(max_examples=120, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(WORDS),
            st.integers(-(10**9), 10**9),
            st.floats(-1e6, 1e6, allow_nan=False).map(lambda number: round(number, 3)),
            st.dates(),
        ),
        min_size=2,
        max_size=30,
    ),
    codec=st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "cp850", "mac_roman", "utf-16"]),
    separator=st.sampled_from([";", ",", "\t", "|"]),
    decimal=st.sampled_from([",", "."]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_what_is_written_in_any_style_is_read_back(
    rows: Rows, codec: str, separator: str, decimal: str, end: str
) -> None:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=separator, lineterminator=end)
    writer.writerow(["Libellé", "nombre", "mesure", "jour"])
    for word, whole, number, day in rows:
        # Three decimals and a fourth: "1,234" alone would be an honest doubt.
        written = f"{number:.4f}".replace(".", decimal)
        writer.writerow([word, whole, written, day.isoformat()])
    table = open_table(stream.getvalue().encode(codec), name="essai.csv")
    read = [tuple(row.values.values()) for row in table.rows()]
    assert read == rows
    assert [column.key for column in table.columns] == ["Libellé", "nombre", "mesure", "jour"]


def test_the_property_above_can_fail() -> None:
    table = open_table("Libellé;x\nSète;1\n".encode("cp1252"), name="x.csv")
    assert [row.values["x"] for row in table.rows()] != [2]
    with pytest.raises(AssertionError):
        assert table.row_count == 2


@settings(max_examples=40, deadline=None)
@given(content=st.binary(max_size=300))
def test_archives_of_anything_are_read_or_refused(content: bytes) -> None:
    reads_or_refuses(zipped({"a.csv": content, "b.dbf": content, "b.shp": content}))
    reads_or_refuses(gzip.compress(content))
