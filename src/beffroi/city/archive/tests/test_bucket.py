from __future__ import annotations

from collections.abc import Iterator

import pytest

from beffroi.city.archive.api import (
    ArchiveRefused,
    Place,
    archives_found,
    month_export,
    month_import,
    place_open,
)
from beffroi.city.archive.tests.conftest import MAY, month_of_values
from beffroi.city.archive.tests.s3_server import Bucket, s3_server
from beffroi.city.archive.tests.test_import import content, wipe
from beffroi.city.series.models import Stream
from beffroi.city.series.testing import record
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.api import TerritoryCard

SECRET = "not-a-secret"


@pytest.fixture
def served() -> Iterator[tuple[Place, Bucket]]:
    with s3_server() as (address, bucket):
        environment = {
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": "archive",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "fr-par",
        }
        yield place_open("s3://ville/histoire/", environ=environment), bucket


def test_a_bucket_holds_what_a_folder_would(
    served: tuple[Place, Bucket], town: TerritoryCard, stream: Stream
) -> None:
    place, bucket = served
    count = month_of_values(stream)
    before = content(town, stream.id)
    assert month_export(place, territory=town, month=MAY).outcome == "written"
    names = sorted(bucket.objects)
    start = f"ville/histoire/territory={town.slug}/month=2026-05/"
    assert [name.removeprefix(start)[:5] for name in names] == ["_mani", "part-"]
    assert month_export(place, territory=town, month=MAY).outcome == "unchanged"
    record(stream, [(MAY.end.replace(minute=30, hour=3), 1.5)])  # in June
    wipe(town)
    assert archives_found(place) == [(town.slug, MAY)]
    assert month_import(place, territory=town, month=MAY).stored == count
    with acting_for(town.id):
        again = Stream.objects.get()
    assert content(town, again.id) == before


def test_a_changed_month_leaves_no_old_object(
    served: tuple[Place, Bucket], town: TerritoryCard, stream: Stream
) -> None:
    place, bucket = served
    month_of_values(stream)
    month_export(place, territory=town, month=MAY)
    former = {name for name, content in bucket.objects.items() if content}
    record(stream, [(MAY.start.replace(minute=1), 9.75)])
    assert month_export(place, territory=town, month=MAY).outcome == "written"
    # Arrow leaves an empty object where a folder would be.
    now = {name for name, content in bucket.objects.items() if content}
    assert len(now) == 2
    assert now != former


def test_an_object_that_changed_is_refused(
    served: tuple[Place, Bucket], town: TerritoryCard, stream: Stream
) -> None:
    place, bucket = served
    month_of_values(stream)
    month_export(place, territory=town, month=MAY)
    [name] = [name for name in bucket.objects if name.endswith(".parquet")]
    bucket.objects[name] = bucket.objects[name][:-1] + b"?"
    with pytest.raises(ArchiveRefused, match="its checksum differs"):
        month_import(place, territory=town, month=MAY)


@pytest.mark.parametrize("text", ["gs://x/y", "s3://", "s3://A b/c", "s3://ville/../x"])
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(ArchiveRefused, match="neither a directory nor a bucket"):
        place_open(text)
