from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pyarrow.parquet as pq
import pytest

from beffroi.city.assets.testing import make_asset
from beffroi.city.series.api import (
    ExportFormat,
    RangeRefused,
    Step,
    series_export,
    streams_of_asset,
    streams_of_assets,
)
from beffroi.city.series.models import Stream
from beffroi.city.series.testing import make_stream, record
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.models import Territory

AT = datetime(2025, 6, 3, 10, tzinfo=UTC)
END = AT + timedelta(days=1)


@pytest.fixture
def exported(territory: Territory) -> Stream:
    stream = make_stream(make_asset(territory, name="Rue de l’Aiguillerie ; n° 3"))
    record(stream, [(AT, 234.5), (AT + timedelta(minutes=90), -0.1)])
    return stream


def octets(stream: Stream, form: ExportFormat, step: Step = Step.RAW) -> bytes:
    with acting_for(stream.territory_id):
        streams = streams_of_asset(stream.asset_id)
        return b"".join(series_export(streams, start=AT, end=END, step=step, form=form))


def test_a_french_spreadsheet_reads_the_file(exported: Stream) -> None:
    text = octets(exported, ExportFormat.CSV_FRENCH).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text), delimiter=";"))
    assert [row["value"] for row in rows] == ["234,5", "-0,1"]
    assert rows[0]["asset"] == "Rue de l’Aiguillerie ; n° 3"
    assert (rows[0]["observed_at"], rows[0]["paris_time"]) == (
        "2025-06-03T10:00:00.000Z",
        "2025-06-03T12:00:00.000",
    )


def test_a_program_reads_the_file(exported: Stream) -> None:
    rows = list(csv.DictReader(io.StringIO(octets(exported, ExportFormat.CSV).decode("utf-8-sig"))))
    assert [float(row["value"]) for row in rows] == [234.5, -0.1]


def test_parquet_holds_the_same_values(exported: Stream) -> None:
    table = pq.read_table(io.BytesIO(octets(exported, ExportFormat.PARQUET)))
    assert table.column("value").to_pylist() == [234.5, -0.1]
    assert table.column("observed_at").to_pylist()[0] == AT
    assert set(table.column("measure").to_pylist()) == {"power_w"}


def test_hours_are_exported_with_their_extremes(exported: Stream) -> None:
    rows = list(
        csv.DictReader(
            io.StringIO(octets(exported, ExportFormat.CSV, Step.HOUR).decode("utf-8-sig"))
        )
    )
    assert [(row["value"], row["min"], row["n"]) for row in rows] == [
        ("234.5", "234.5", "1"),
        ("", "", "0"),  # a lamp cannot give power back: kept, flagged, and not counted
    ]
    table = pq.read_table(io.BytesIO(octets(exported, ExportFormat.PARQUET, Step.HOUR)))
    assert table.column("max").to_pylist() == [234.5, None]


def test_a_name_that_is_a_formula_is_only_text(territory: Territory) -> None:
    stream = make_stream(make_asset(territory, name='=HYPERLINK("x")'))
    record(stream, [(AT, 1.0)])
    assert "'=HYPERLINK" in octets(stream, ExportFormat.CSV).decode()


def test_an_export_without_values_is_a_file_with_its_head(stream: Stream) -> None:
    assert octets(stream, ExportFormat.CSV).decode("utf-8-sig").count("\r\n") == 1
    assert pq.read_table(io.BytesIO(octets(stream, ExportFormat.PARQUET))).num_rows == 0


def test_too_many_series_are_refused_before_the_first_octet(exported: Stream) -> None:
    with acting_for(exported.territory_id):
        streams = streams_of_assets([exported.asset_id]) * 5_001
        with pytest.raises(RangeRefused) as refusal:
            series_export(streams, start=AT, end=END)
    assert refusal.value.field == "streams"
