from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.db import connection

from beffroi.city.archive import importing
from beffroi.city.archive.api import (
    ArchiveRefused,
    Place,
    archives_found,
    month_export,
    month_import,
    month_verify,
)
from beffroi.city.archive.contracts import Reason
from beffroi.city.archive.tests.conftest import MAY, month_of_values
from beffroi.city.assets.models import Asset
from beffroi.city.assets.testing import make_asset
from beffroi.city.series.api import values_read
from beffroi.city.series.models import Stream
from beffroi.city.series.testing import make_stream, record
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.api import TerritoryCard
from beffroi.foundation.territories.models import Territory

WIPE = "DELETE FROM {}"
TABLES = ("series_observation", "series_segment", "series_latest", "series_stream")


def wipe(town: TerritoryCard) -> None:
    with acting_for(town.id), connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(WIPE.format(table))


def content(town: TerritoryCard, stream_id: int) -> tuple[bytes, ...]:
    with acting_for(town.id):
        return tuple(
            column.tobytes() for column in values_read(stream_id, start=MAY.start, end=MAY.end)
        )


def folder_of(place: Place, town: TerritoryCard) -> Path:
    return Path(place.name) / f"territory={town.slug}" / f"month={MAY}"


@pytest.fixture
def exported(place: Place, town: TerritoryCard, stream: Stream) -> Path:
    month_of_values(stream)
    month_export(place, territory=town, month=MAY)
    return folder_of(place, town)


def part_of(folder: Path) -> Path:
    [path] = folder.glob("*.parquet")
    return path


def test_what_was_exported_comes_back_bit_by_bit(
    place: Place, town: TerritoryCard, stream: Stream, asset: Asset
) -> None:
    count = month_of_values(stream)
    other = make_stream(asset, measure_key="dimming", unit="%")
    record(other, [(MAY.start, -0.0), (MAY.start + timedelta(hours=1), 5e-324)])
    before = {item.uuid: content(town, item.id) for item in (stream, other)}
    month_export(place, territory=town, month=MAY)
    wipe(town)
    done = month_import(place, territory=town, month=MAY)
    assert (done.rows, done.stored, done.known) == (count + 2, count + 2, 0)
    assert (done.streams_made, done.orphans) == (2, ())
    with acting_for(town.id):
        found = {item.uuid: item for item in Stream.objects.all()}
    assert set(found) == set(before)
    assert {uuid: content(town, item.id) for uuid, item in found.items()} == before
    assert (found[other.uuid].unit, found[other.uuid].measure_key) == ("%", "dimming")
    assert month_export(place, territory=town, month=MAY).outcome == "unchanged"


def test_importing_twice_changes_nothing(
    place: Place, town: TerritoryCard, stream: Stream, exported: Path
) -> None:
    assert exported.exists()
    before = content(town, stream.id)
    done = month_import(place, territory=town, month=MAY)
    assert (done.stored, done.known, done.streams_made) == (0, done.rows, 0)
    assert content(town, stream.id) == before


def test_a_value_that_is_there_stays(
    place: Place, town: TerritoryCard, stream: Stream, exported: Path
) -> None:
    assert exported.exists()
    with acting_for(town.id), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE series_observation SET value = 7 WHERE observed_at = %s", [MAY.start]
        )
        assert cursor.rowcount == 1
    month_import(place, territory=town, month=MAY)
    with acting_for(town.id):
        _t_ms, value, _quality = values_read(stream.id, start=MAY.start, end=MAY.end)
    assert value[0] == 7


def test_an_asset_made_again_is_found_by_its_key(
    place: Place, town: TerritoryCard, territory: Territory, asset: Asset, exported: Path
) -> None:
    assert exported.exists()
    wipe(town)
    with acting_for(town.id):
        Asset.objects.filter(id=asset.id).delete()
    again = make_asset(territory, external_key=asset.external_key)
    done = month_import(place, territory=town, month=MAY)
    assert (done.stored, done.streams_made) == (done.rows, 1)
    with acting_for(town.id):
        assert Stream.objects.get().asset_id == again.id


def test_an_asset_that_is_not_there_is_named(
    place: Place, town: TerritoryCard, asset: Asset, exported: Path
) -> None:
    assert exported.exists()
    wipe(town)
    with acting_for(town.id):
        Asset.objects.filter(id=asset.id).delete()
    done = month_import(place, territory=town, month=MAY)
    assert (done.stored, done.rows_left_out) == (0, done.rows)
    assert asset.external_key in done.orphans[0]


def test_a_place_without_archive_says_so(place: Place) -> None:
    with pytest.raises(ArchiveRefused, match="holds no archive"):
        archives_found(place)


def truncated(folder: Path) -> None:
    part_of(folder).write_bytes(part_of(folder).read_bytes()[:-9])


def changed_byte(folder: Path) -> None:
    octets = bytearray(part_of(folder).read_bytes())
    octets[len(octets) // 2] ^= 1
    part_of(folder).write_bytes(octets)


def missing_part(folder: Path) -> None:
    part_of(folder).unlink()


def missing_manifest(folder: Path) -> None:
    (folder / "_manifest.json").unlink()


def edited(folder: Path, **changes: Any) -> None:
    path = folder / "_manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def traversal(folder: Path) -> None:
    [part] = json.loads((folder / "_manifest.json").read_text())["files"]
    edited(folder, files=[part | {"name": "../../../../etc/passwd"}])


def enormous_count(folder: Path) -> None:
    [part] = json.loads((folder / "_manifest.json").read_text())["files"]
    edited(folder, files=[part | {"rows": 10**18}], rows=10**18)


def newer_schema(folder: Path) -> None:
    edited(folder, schema_version=2)


def other_month(folder: Path) -> None:
    folder.rename(folder.parent / "month=2026-04")


def no_json(folder: Path) -> None:
    (folder / "_manifest.json").write_text("[" * 200_000)


def endless_manifest(folder: Path) -> None:
    with (folder / "_manifest.json").open("ab") as stream:
        stream.truncate(1 << 30)


SPOILT: dict[str, tuple[Callable[[Path], None], str]] = {
    "truncated": (truncated, r"part-0000-\w+\.parquet is \d+ octets long instead of"),
    "changed byte": (changed_byte, r"part-0000-\w+\.parquet is not what was exported"),
    "missing part": (missing_part, r"part-0000-\w+\.parquet is missing"),
    "missing manifest": (missing_manifest, r"_manifest\.json is missing"),
    "traversal": (traversal, r"_manifest\.json is not the manifest .*passwd"),
    "enormous count": (enormous_count, r"rows is 1000000000000000000"),
    "newer schema": (newer_schema, r"its schema version is 2"),
    "other month": (other_month, r"is the manifest of .*2026-05"),
    "no JSON": (no_json, r"is not the manifest of an archive"),
    "endless manifest": (endless_manifest, r"octets long, more than"),
}


@pytest.mark.parametrize("fault", sorted(SPOILT))
def test_what_does_not_match_is_refused_by_name(
    fault: str, place: Place, town: TerritoryCard, exported: Path
) -> None:
    spoil, said = SPOILT[fault]
    [(slug, month)] = archives_found(place)
    month_verify(place, territory=slug, month=month)  # whole until it is spoilt
    spoil(exported)
    wipe(town)
    [(slug, month)] = archives_found(place)
    with pytest.raises(ArchiveRefused, match=said):
        month_import(place, territory=town, month=month)
    with acting_for(town.id):
        assert not Stream.objects.exists()


def replaced(folder: Path, table: pa.Table, **options: Any) -> None:
    """Put another Parquet in the place of the part, with a manifest that vouches for it."""
    former = part_of(folder)
    former.unlink()
    draft = folder / "draft"
    pq.write_table(table, draft, **options)
    vouched(folder, draft.read_bytes(), rows=len(table))
    draft.unlink()


def vouched(folder: Path, octets: bytes, *, rows: int) -> None:
    sha256 = hashlib.sha256(octets).hexdigest()
    name = f"part-0000-{sha256[:16]}.parquet"
    (folder / name).write_bytes(octets)
    [part] = json.loads((folder / "_manifest.json").read_text())["files"]
    part |= {"name": name, "sha256": sha256, "size": len(octets), "rows": rows}
    edited(folder, files=[part], rows=rows)


def column_set(table: pa.Table, name: str, values: Any) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, values)


def wrong_type(table: pa.Table) -> pa.Table:
    return column_set(table, "value", table["value"].cast(pa.string()))


def one_column_less(table: pa.Table) -> pa.Table:
    return table.drop_columns(["unit"])


def infinite(table: pa.Table) -> pa.Table:
    return column_set(table, "value", pa.array([float("inf")] * len(table)))


def empty_cell(table: pa.Table) -> pa.Table:
    return column_set(table, "value", pa.array([None] * len(table), pa.float64()))


def outside(table: pa.Table) -> pa.Table:
    later = pa.array([int(MAY.end.timestamp() * 1000)] * len(table))
    return column_set(table, "observed_at", later.cast(pa.timestamp("ms", tz="UTC")))


def unknown_flag(table: pa.Table) -> pa.Table:
    return column_set(table, "quality", pa.array([77] * len(table), pa.int8()))


def no_identifier(table: pa.Table) -> pa.Table:
    return column_set(table, "stream", pa.array(["'; DROP TABLE x"] * len(table)))


def out_of_order(table: pa.Table) -> pa.Table:
    return table.take(list(reversed(range(len(table)))))


def long_word(table: pa.Table) -> pa.Table:
    return column_set(table, "asset_name", pa.array(["x" * 5_000] * len(table)))


HOSTILE: dict[str, tuple[Callable[[pa.Table], pa.Table], str]] = {
    "wrong type": (wrong_type, "columns or their types"),
    "one column less": (one_column_less, "columns or their types"),
    "infinite": (infinite, "not a number that can be stored"),
    "empty cell": (empty_cell, "a cell is empty"),
    "outside": (outside, "outside the month"),
    "unknown flag": (unknown_flag, "quality flag"),
    "no identifier": (no_identifier, "no identifier"),
    "out of order": (out_of_order, "not in order"),
    "long word": (long_word, "asset_name is too long, or no text"),
}


@pytest.mark.parametrize("fault", sorted(HOSTILE))
def test_a_hostile_file_is_refused_though_its_manifest_vouches_for_it(
    fault: str, place: Place, town: TerritoryCard, exported: Path
) -> None:
    spoil, said = HOSTILE[fault]
    table = pq.read_table(part_of(exported), partitioning=None)
    replaced(exported, table)
    month_verify(place, territory=town.slug, month=MAY)  # the same rows, written by others
    replaced(exported, spoil(table))
    with pytest.raises(ArchiveRefused, match=said):
        month_verify(place, territory=town.slug, month=MAY)


@pytest.mark.parametrize(
    "bound",
    [
        ("MOST_ROWS_OF_A_GROUP", r"row group 0 says that it has \d+ rows"),
        ("MOST_OCTETS_OF_A_GROUP", r"row group 0 would take \d+ octets"),
    ],
)
def test_a_row_group_that_would_fill_the_memory_is_not_opened(
    bound: tuple[str, str],
    place: Place,
    town: TerritoryCard,
    exported: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert exported.exists()
    name, said = bound
    month_verify(place, territory=town.slug, month=MAY)
    monkeypatch.setattr(importing, name, 10)
    with pytest.raises(ArchiveRefused, match=said):
        month_verify(place, territory=town.slug, month=MAY)


def test_a_reason_is_told_in_the_language_of_the_rest() -> None:
    refusal = ArchiveRefused(
        "{file}: {reason}", field="file", params={"file": "x", "reason": Reason("{n} rows", n=3)}
    )
    french = {"{file}: {reason}": "{file} : {reason}", "{n} rows": "{n} lignes"}
    assert refusal.told(lambda text: french[text]) == "x : 3 lignes"
    assert str(refusal) == "x: 3 rows"


@pytest.mark.parametrize("octets", [b"PAR1", b"PAR1" + b"\xff" * 40 + b"PAR1", b"nothing"])
def test_what_is_no_parquet_is_refused(
    octets: bytes, place: Place, town: TerritoryCard, exported: Path
) -> None:
    part_of(exported).unlink()
    vouched(exported, octets, rows=1)
    with pytest.raises(ArchiveRefused, match="is not a part of an archive"):
        month_verify(place, territory=town.slug, month=MAY)
