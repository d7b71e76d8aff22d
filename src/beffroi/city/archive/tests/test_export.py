from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from django.db import connection

from beffroi.city.archive import services
from beffroi.city.archive.api import (
    ArchiveFailed,
    ArchiveRefused,
    Month,
    Place,
    first_month,
    month_export,
    month_export_next,
    months_refresh,
)
from beffroi.city.archive.exporting import closed_months
from beffroi.city.archive.parts import (
    SCHEMA,
    ContentDigest,
    Curve,
    PartsWriter,
    smallest_encoding,
)
from beffroi.city.archive.tests.conftest import LATER, MAY, month_of_values
from beffroi.city.assets.models import Asset
from beffroi.city.assets.testing import make_asset
from beffroi.city.series.api import values_read
from beffroi.city.series.models import Stream
from beffroi.city.series.testing import make_stream, record
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.api import TerritoryCard
from beffroi.foundation.territories.testing import make_territory
from beffroi.kernel.clock import frozen_at
from beffroi.kernel.identifiers import uuid7

JUNE = Month(2026, 6)


def folder_of(place: Place, town: TerritoryCard, month: Month = MAY) -> Path:
    return Path(place.name) / f"territory={town.slug}" / f"month={month}"


def manifest_of(place: Place, town: TerritoryCard, month: Month = MAY) -> Any:
    return json.loads((folder_of(place, town, month) / "_manifest.json").read_text())


def test_a_month_is_what_was_observed(
    place: Place, town: TerritoryCard, stream: Stream, asset: Asset
) -> None:
    count = month_of_values(stream)
    other = make_stream(asset, measure_key="dimming", unit="%")
    record(other, [(MAY.start, 50.0), (MAY.end, 60.0), (MAY.start - timedelta(seconds=1), 1.0)])
    done = month_export(place, territory=town, month=MAY)
    assert (done.outcome, done.rows) == ("written", count + 1)
    table = ds.dataset(place.name, format="parquet", partitioning="hive").to_table()
    assert set(table["territory"].to_pylist()) == {town.slug}
    assert set(table["month"].to_pylist()) == {"2026-05"}
    mine = table.filter(pa.compute.equal(table["stream"], str(stream.uuid)))
    with acting_for(town.id):
        t_ms, value, quality = values_read(stream.id, start=MAY.start, end=MAY.end)
    assert mine["observed_at"].cast(pa.int64()).to_pylist() == t_ms.tolist()
    assert mine["value"].to_numpy().tobytes() == value.tobytes()
    assert mine["quality"].to_pylist() == quality.tolist()
    assert mine["asset_key"][0].as_py() == asset.external_key
    order = list(zip(table["stream"].to_pylist(), table["observed_at"].to_pylist(), strict=True))
    assert order == sorted(order)


def test_a_manifest_tells_what_its_files_must_be(
    place: Place, town: TerritoryCard, stream: Stream
) -> None:
    count = month_of_values(stream)
    month_export(place, territory=town, month=MAY)
    told = manifest_of(place, town)
    assert (told["rows"], told["streams"], told["schema_version"]) == (count, 1, 1)
    # The month is that of Paris: it begins two hours before that of Greenwich.
    assert (told["from"], told["until"]) == ("2026-04-30T22:00:00.000Z", "2026-05-31T22:00:00.000Z")
    assert told["min_time"] == told["from"]
    [part] = told["files"]
    path = folder_of(place, town) / part["name"]
    assert path.stat().st_size == part["size"]
    file = pq.ParquetFile(path)
    column = file.metadata.row_group(0).column(8)
    assert (column.path_in_schema, column.compression) == ("observed_at", "ZSTD")
    assert "DELTA_BINARY_PACKED" in column.encodings
    assert sorted(item.name for item in folder_of(place, town).iterdir()) == [
        "_manifest.json", part["name"],
    ]  # fmt: skip


def test_what_has_not_changed_is_left_alone(
    place: Place, town: TerritoryCard, stream: Stream
) -> None:
    month_of_values(stream)
    month_export(place, territory=town, month=MAY)
    before = {item: item.stat().st_mtime_ns for item in folder_of(place, town).iterdir()}
    assert month_export(place, territory=town, month=MAY).outcome == "unchanged"
    assert before == {item: item.stat().st_mtime_ns for item in folder_of(place, town).iterdir()}


def test_a_late_value_replaces_the_month(place: Place, town: TerritoryCard, stream: Stream) -> None:
    count = month_of_values(stream)
    month_export(place, territory=town, month=MAY)
    [former] = manifest_of(place, town)["files"]
    record(stream, [(MAY.start + timedelta(minutes=1), 8.25)])
    assert month_export(place, territory=town, month=MAY).rows == count + 1
    [part] = manifest_of(place, town)["files"]
    assert part["name"] != former["name"]
    assert not (folder_of(place, town) / former["name"]).exists()


def test_a_spoilt_file_is_made_again(place: Place, town: TerritoryCard, stream: Stream) -> None:
    month_of_values(stream)
    month_export(place, territory=town, month=MAY)
    [part] = manifest_of(place, town)["files"]
    path = folder_of(place, town) / part["name"]
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"x")
    assert month_export(place, territory=town, month=MAY).outcome == "written"
    assert path.read_bytes() == whole


def test_an_export_that_stops_leaves_no_manifest_and_is_finished_later(
    place: Place, town: TerritoryCard, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    month_of_values(stream)
    put = Place.put

    def failing(self: Place, source: Path, name: str) -> None:
        if name == "_manifest.json":
            raise OSError("the disk is gone")
        put(self, source, name)

    monkeypatch.setattr(Place, "put", failing)
    with pytest.raises(OSError, match="the disk is gone"):
        month_export(place, territory=town, month=MAY)
    assert not (folder_of(place, town) / "_manifest.json").exists()
    (folder_of(place, town) / "part-0007-0123456789abcdef.parquet").write_bytes(b"left behind")
    monkeypatch.undo()
    with frozen_at(LATER):
        assert month_export(place, territory=town, month=MAY).outcome == "written"
    assert len(list(folder_of(place, town).iterdir())) == 2


def test_what_retention_takes_stays_in_the_archive(
    place: Place, town: TerritoryCard, stream: Stream
) -> None:
    count = month_of_values(stream)
    month_export(place, territory=town, month=MAY)
    before = manifest_of(place, town)
    for statement in (
        "DELETE FROM series_observation WHERE observed_at < %s",
        "DELETE FROM series_observation WHERE observed_at < %s OR true",
    ):
        with acting_for(town.id), connection.cursor() as cursor:
            cursor.execute(statement, [MAY.start + timedelta(days=9)])
        done = month_export(place, territory=town, month=MAY)
        assert (done.outcome, done.rows) == ("kept", count)
        assert manifest_of(place, town) == before
    assert month_export(place, territory=town, month=MAY, replace=True).outcome == "empty"
    assert list(folder_of(place, town).iterdir()) == []


def test_only_closed_months_are_exported(place: Place, town: TerritoryCard) -> None:
    assert closed_months(Month(2026, 4), Month(2026, 9), at=LATER) == [Month(2026, 4), MAY, JUNE]
    with frozen_at(JUNE.end), pytest.raises(ArchiveRefused, match="2026-06 is not closed"):
        month_export(place, territory=town, month=JUNE)
    with frozen_at(JUNE.end + timedelta(days=1)):
        assert month_export(place, territory=town, month=JUNE).outcome == "empty"
    assert not folder_of(place, town, JUNE).joinpath("_manifest.json").exists()


def test_a_choice_of_measures_does_not_replace_a_whole_month(
    place: Place, town: TerritoryCard, stream: Stream, asset: Asset, tmp_path: Path
) -> None:
    month_of_values(stream)
    record(make_stream(asset, measure_key="dimming"), [(MAY.start, 1.0)])
    month_export(place, territory=town, month=MAY)
    with pytest.raises(ArchiveRefused, match="another choice"):
        month_export(place, territory=town, month=MAY, measures=["dimming"])
    elsewhere = Place(place._filesystem, str(tmp_path / "dimming"), local=True)
    assert month_export(elsewhere, territory=town, month=MAY, measures=["dimming"]).rows == 1


def test_another_town_is_not_in_it(place: Place, town: TerritoryCard, stream: Stream) -> None:
    count = month_of_values(stream)
    foreign = make_stream(make_asset(make_territory(slug="ailleurs", insee="34172")))
    month_of_values(foreign)
    assert month_export(place, territory=town, month=MAY).rows == count


def test_the_pulse_exports_one_month_after_another_and_tells_failures(
    place: Place, town: TerritoryCard, stream: Stream
) -> None:
    empty: set[tuple[str, Month]] = set()
    assert month_export_next(place, at=LATER, empty=empty) is None
    month_of_values(stream)
    month_of_values(stream, month=JUNE)
    assert first_month(town) == MAY
    done = [month_export_next(place, at=LATER, empty=empty) for _ in range(3)]
    assert [item and item.month for item in done] == [MAY, JUNE, None]
    record(stream, [(JUNE.start + timedelta(minutes=1), 8.25)])
    assert [item.month for item in months_refresh(place, at=LATER)] == [JUNE]
    (folder_of(place, town) / "_manifest.json").write_text("{}")
    with pytest.raises(ArchiveFailed, match="2026-05"):
        month_export_next(place, at=LATER, empty=empty)


def test_a_month_without_values_is_looked_at_once(
    place: Place, town: TerritoryCard, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(stream, [(MAY.start - timedelta(days=3), 1.0), (JUNE.start, 2.0)])
    empty: set[tuple[str, Month]] = set()
    done = [month_export_next(place, at=LATER, empty=empty) for _ in range(3)]
    assert [item and item.month for item in done] == [Month(2026, 4), JUNE, None]
    assert empty == {(town.slug, MAY)}
    monkeypatch.setattr(services, "month_export", None)  # would fail if it were called
    assert month_export_next(place, at=LATER, empty=empty) is None


def curve(rows: int, *, value: Any = None) -> Curve:
    start = int(MAY.start.timestamp() * 1000)
    return Curve(
        stream=uuid7(),
        asset=uuid7(),
        about=("k", "n", "t", "d", "m", "u"),
        t_ms=start + np.arange(rows, dtype=np.int64) * 10,
        value=np.arange(rows, dtype=np.float64) if value is None else value,
        quality=np.ones(rows, dtype=np.int16),
    )


def test_parts_and_row_groups_have_bounds(tmp_path: Path) -> None:
    writer = PartsWriter(tmp_path, rows_of_a_part=250, row_group=100)
    content = ContentDigest()
    for _ in range(7):
        one = curve(110)
        content.add(one)
        writer.add(one)
    writer.close()
    assert [part.rows for part in writer.files] == [300, 300, 170]
    for part in writer.files:
        file = pq.ParquetFile(tmp_path / part.name)
        groups = [file.metadata.row_group(rank).num_rows for rank in range(file.num_row_groups)]
        assert max(groups) <= 100
    assert (content.rows, content.streams) == (770, 7)


def test_values_take_the_encoding_that_is_shortest() -> None:
    random = np.random.default_rng(1)
    noise = random.normal(size=50_000)
    few = np.round(random.normal(size=50_000), 1)
    chosen = [
        smallest_encoding(pa.table({"value": values}))
        for values in (noise.cumsum(), few)
    ]  # fmt: skip
    assert chosen == ["split", "dictionary"]


def test_the_columns_are_declared() -> None:
    assert {field.name: str(field.type) for field in SCHEMA}[
        "observed_at"
    ] == "timestamp[ms, tz=UTC]"
    assert not any(field.nullable for field in SCHEMA)
