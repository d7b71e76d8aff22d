from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beffroi.city.assets.models import Asset
from beffroi.city.assets.testing import make_asset
from beffroi.city.series.api import (
    ExportFormat,
    RangeRefused,
    Step,
    series_export,
    streams_of_asset,
    streams_of_assets,
)
from beffroi.city.series.civil_time import day_of
from beffroi.city.series.models import Stream
from beffroi.city.series.ranges import series_range
from beffroi.city.series.testing import make_stream, record
from beffroi.city.series.tests import naive
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.models import Territory
from beffroi.sdk.declarations import Statistic

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


def test_years_of_minutes_are_written_a_month_at_a_time(stream: Stream) -> None:
    # 420,000 steps of five minutes: more than one curve may have, and nothing stops midway.
    record(stream, [(AT - timedelta(days=1_400), 1.0), (AT, 2.0)])
    with acting_for(stream.territory_id):
        streams = streams_of_asset(stream.asset_id)
        text = b"".join(
            series_export(streams, start=AT - timedelta(days=1_460), end=END, step=Step.MINUTES_5)
        ).decode("utf-8-sig")
    assert [row["value"] for row in csv.DictReader(io.StringIO(text))] == ["1.0", "2.0"]


def test_a_counter_grows_from_one_month_of_the_file_to_the_next(asset: Asset) -> None:
    stream = make_stream(asset, measure_key="energy_kwh", unit="kWh")
    start = datetime(2025, 1, 1, 5, tzinfo=UTC)
    record(stream, [(start + timedelta(hours=9 * rank), 10.0 * rank) for rank in range(200)])
    end = start + timedelta(days=75)
    with acting_for(stream.territory_id):
        streams = streams_of_asset(stream.asset_id)
        assert streams[0].statistic is Statistic.INCREASE
        for _packed in range(2):
            file = b"".join(series_export(streams, start=start, end=end, step=Step.HOUR))
            rows = list(csv.DictReader(io.StringIO(file.decode("utf-8-sig"))))
            whole = series_range(
                stream.pk, start=start, end=end, step=Step.HOUR, statistic=Statistic.INCREASE
            )
            assert [float(row["value"]) for row in rows] == whole.mean.tolist()
            assert whole.mean.tolist() == [0.0, *[10.0] * 199]
            naive.absorb(day_of(end))


def test_a_long_file_comes_in_parts(stream: Stream) -> None:
    record(stream, [(AT + timedelta(seconds=rank), float(rank)) for rank in range(25_000)])
    with acting_for(stream.territory_id):
        parts = list(series_export(streams_of_asset(stream.asset_id), start=AT, end=END))
    assert len(parts) > 2
    assert max(map(len, parts)) < 2_000_000
    rows = list(csv.DictReader(io.StringIO(b"".join(parts).decode("utf-8-sig"))))
    assert [float(row["value"]) for row in rows] == [float(rank) for rank in range(25_000)]


texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=40)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(name=texts, form=st.sampled_from([ExportFormat.CSV, ExportFormat.CSV_FRENCH]))
def test_any_name_stays_in_its_cell(exported: Stream, name: str, form: ExportFormat) -> None:
    with acting_for(exported.territory_id):
        streams = [replace(item, asset_title=name) for item in streams_of_asset(exported.asset_id)]
        file = b"".join(series_export(streams, start=AT, end=END, form=form))
    separator = ";" if form is ExportFormat.CSV_FRENCH else ","
    text = io.StringIO(file.decode("utf-8-sig"), newline="")
    rows = list(csv.DictReader(text, delimiter=separator))
    assert len(rows) == 2
    assert {row["asset"].removeprefix("'") for row in rows} == {name.removeprefix("'")}
    assert rows[0]["asset"][0] not in "=+-@\t\r"
