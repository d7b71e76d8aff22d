"""What cannot be stored stands alone: the good messages beside it are stored all the same."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beffroi.city.assets.models import Asset
from beffroi.city.ingest.activity import Activity
from beffroi.city.ingest.announcing import NOTIFY_OCTETS, live_payloads
from beffroi.city.ingest.api import Claim, device_claim, messages_redecode, sources_list
from beffroi.city.ingest.batches import sort_out
from beffroi.city.ingest.catalogue import catalogue
from beffroi.city.ingest.contracts import Status
from beffroi.city.ingest.decoding import AttachedAsset, DeviceEntry, decode_uplink
from beffroi.city.ingest.directory import SourceEntry
from beffroi.city.ingest.models import IngestError, Message, Source, UnclaimedDevice
from beffroi.city.ingest.postgres import application_conninfo, make_pool
from beffroi.city.ingest.pulse import BEATS
from beffroi.city.ingest.testing import MadeSource, make_source, post, tiny_message
from beffroi.city.ingest.tests.test_door import station, values
from beffroi.city.series.api import LatestRow
from beffroi.city.series.packing import late_absorb
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.database.testing import TestDatabase
from beffroi.foundation.territories.models import Territory
from beffroi.foundation.territories.testing import make_territory
from beffroi.kernel.clock import PARIS, now
from beffroi.sdk.connectors import Uplink

DEVICE = "a81758fffe000001"


@contextmanager
def refusing(database: TestDatabase, *, table: str, condition: str) -> Iterator[None]:
    """Make the database refuse some rows: no message known today is refused."""
    owner = database.urls.owner
    assert owner is not None
    with psycopg.connect(owner, autocommit=True) as admin:
        change = f"ALTER TABLE {table} ADD CONSTRAINT planted CHECK ({condition}) NOT VALID"
        admin.execute(change.encode())
        try:
            yield
        finally:
            admin.execute(f"ALTER TABLE {table} DROP CONSTRAINT planted".encode())


def messages(count: int) -> list[dict[str, Any]]:
    start = now()
    return [
        tiny_message(DEVICE, start - timedelta(minutes=rank), readings={"temperature": float(rank)})
        for rank in range(count)
    ]


def test_rows_that_the_database_refuses_leave_the_others(
    town: Territory, source: MadeSource, door: int, test_database: TestDatabase
) -> None:
    asset = station(town)
    body = messages(20)
    body.insert(2, {"nothing": 1})
    with refusing(test_database, table="series_observation", condition="value NOT IN (7, 11)"):
        status, answer, _ = post(door, source.path, body, headers=source.headers)
        assert status == 200
        assert (answer["accepted"], answer["duplicates"], answer["refused_count"]) == (18, 0, 3)
        assert {(item["index"], item["code"]) for item in answer["refused"]} == {
            (2, "device.none"),
            (8, "message.unstorable"),
            (12, "message.unstorable"),
        }
        assert sorted(values(town, asset)["temperature"]) == [
            float(rank) for rank in range(20) if rank not in {7, 11}
        ]
        again = post(door, source.path, body, headers=source.headers)[1]
        assert (again["accepted"], again["duplicates"], again["refused_count"]) == (0, 18, 3)
    with acting_for(town.id):
        kept = IngestError.objects.filter(code="message.unstorable")
        assert {json.loads(bytes(error.body))["key"] for error in kept} == {
            body[8]["key"],
            body[12]["key"],
        }
    # Once what refused them is mended, the same delivery brings what was missing.
    assert post(door, source.path, body, headers=source.headers)[1]["accepted"] == 2


def test_a_message_alone_that_is_refused_is_kept_and_not_asked_for_again(
    town: Territory, source: MadeSource, door: int, test_database: TestDatabase
) -> None:
    station(town)
    with refusing(test_database, table="series_observation", condition="value <> 0"):
        status, answer, headers = post(door, source.path, messages(1), headers=source.headers)
    assert (status, answer["code"]) == (422, "delivery.unstorable")
    assert "retry-after" not in headers
    with acting_for(town.id):
        assert IngestError.objects.count() == 1


def test_a_claim_decodes_the_others_and_does_not_meet_the_refused_one_for_ever(
    town: Territory, source: MadeSource, door: int, test_database: TestDatabase
) -> None:
    post(door, source.path, messages(5), headers=source.headers)
    with (
        refusing(test_database, table="series_observation", condition="value <> 3"),
        acting_for(town.id),
    ):
        claim = Claim(
            source_uuid=source.row.uuid,
            identifier=DEVICE,
            type_key="tiny_station",
            lon=3.88,
            lat=43.6,
        )
        result = device_claim(claim)
        assert (result.messages, result.decoded, result.undecodable) == (5, 4, 1)
        assert not UnclaimedDevice.objects.exists()
        left = Message.objects.get(status=Status.UNDECODABLE.value)
        assert (left.error_code, left.attempts) == ("message.unstorable", 2)
        asset = Asset.objects.get(uuid=result.asset_uuid)
    assert sorted(values(town, asset)["temperature"]) == [0.0, 1.0, 2.0, 4.0]


def test_decoding_again_corrects_days_that_are_packed(
    town: Territory, source: MadeSource, door: int
) -> None:
    asset = station(town)
    at = now() - timedelta(days=12)
    body = [tiny_message(DEVICE, at + timedelta(minutes=n), values={"t": n}) for n in range(3)]
    with acting_for(town.id), connection.cursor() as cursor:
        cursor.execute('UPDATE assets_device SET mapping = \'{"t": "temperature"}\'')
    post(door, source.path, body, headers=source.headers)
    with acting_for(town.id), connection.cursor() as cursor:
        assert late_absorb(now().date()).rows == 3
        # The connector was wrong: what it kept of the messages is mended, and read again.
        Message.objects.update(raw=b"", values={"t": 50})
        assert messages_redecode(source=source.row).observations == 3
        assert messages_redecode(source=source.row).observations == 0
        cursor.execute("SELECT n, vmin, vmax, vsum FROM series_segment")
        assert cursor.fetchall() == [(3, 50.0, 50.0, 150.0)]
        cursor.execute("SELECT count(*) FROM series_observation")
        assert cursor.fetchone() == (0,)
    assert values(town, asset)["temperature"] == [50.0] * 3


@pytest.mark.parametrize(
    "at",
    [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    ],
)
def test_the_ends_of_the_calendar_are_quarantined_and_can_be_shown(
    town: Territory, source: MadeSource, door: int, at: datetime
) -> None:
    answer = post(door, source.path, tiny_message(DEVICE, at, hex="00d7"), headers=source.headers)
    assert answer[1]["quarantined"] == 1
    with acting_for(town.id):
        kept = Message.objects.get()
    assert kept.observed_at.astimezone(PARIS).year == at.year


anything = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(st.characters(), max_size=20),
        st.sampled_from([10**400, -(10**25), 5e-324, "\x00", "\ud800", "1e999", "NaN", ""]),
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    given_values=st.dictionaries(st.sampled_from(["temperature", "x\x00", "\ud83d", ""]), anything),
    device=st.text(st.characters(), min_size=1, max_size=20),
)
def test_whatever_a_device_says_the_delivery_is_taken(
    source: MadeSource, door: int, given_values: dict[str, Any], device: str
) -> None:
    body = [
        tiny_message(DEVICE, now(), values=given_values),
        tiny_message(device, now(), values=given_values, name=device),
        tiny_message(DEVICE, now(), hex="00d7"),
    ]
    status, answer, _ = post(door, source.path, body, headers=source.headers)
    assert status == 200
    assert (answer["accepted"], answer["refused_count"]) == (3, 0)


def test_a_connector_or_codec_without_time_zones_spoils_its_message_only() -> None:
    source = entry(Source(), territory_id=1)
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 - the fault that is planted
    parsed = [
        Uplink(device="a", key="1", observed_at=naive, raw=b"{}"),
        Uplink(device="b", key="2", observed_at=now()),
    ]
    batch = sort_out(parsed, source=source, received_at=now(), content_type="")
    assert [item.identifier for item in batch.items] == ["b"]
    assert [refusal.code for refusal in batch.refusals] == ["message.time"]
    asset = AttachedAsset(1, "", "tiny_station", "tiny", None, now(), None)
    decoded = decode_uplink(
        Uplink(device="b", key="2", observed_at=now(), readings=(("temperature", 1.0, naive),)),
        DeviceEntry(1, "b", "", {}, (asset,)),
        received_at=now(),
        default_codec="",
        installed=catalogue(),
    )
    assert (decoded.status, decoded.error_code) == (Status.UNDECODABLE, "decode.failed")


names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=63)


@given(
    changed=st.lists(
        st.tuples(st.integers(1, 4), names, st.floats(-1e18, 1e18)),
        max_size=400,
        unique_by=lambda row: row[:2],
    )
)
def test_notifications_fit_and_say_everything(changed: list[tuple[int, str, float]]) -> None:
    at = now()
    rows = [LatestRow(1, asset, name, value, 1, at, at) for asset, name, value in changed]
    assets = {
        number: AttachedAsset(number, str(UUID(int=number)), "t", "d" * 63, 7, at, None)
        for number in range(1, 5)
    }
    told: dict[tuple[int, str], float] = {}
    for payload in live_payloads(1, rows, assets):
        assert len(payload.encode()) <= NOTIFY_OCTETS
        for uuid, _domain, _area, measures in json.loads(payload)["c"]:
            told.update({(UUID(uuid).int, name): item[0] for name, item in measures.items()})
    assert told == {(asset, name): value for asset, name, value in changed}


def test_an_asset_with_very_many_measures_is_told_in_several_notifications() -> None:
    at = now()
    rows = [LatestRow(1, 1, f"{rank:063}", float(rank), 1, at, at) for rank in range(500)]
    asset = AttachedAsset(1, "u", "t", "d", None, at, None)
    payloads = live_payloads(1, rows, {1: asset})
    assert len(payloads) > 5
    assert max(len(payload.encode()) for payload in payloads) <= NOTIFY_OCTETS


def entry(row: Source, *, territory_id: int) -> SourceEntry:
    return SourceEntry(
        id=row.id or 0,
        territory_id=territory_id,
        uuid=row.uuid,
        key=row.key,
        connector=catalogue().connectors["tiny"],
        authentication="secret",
        secret_hashes=(),
        shared_key="",
        settings={},
        default_codec="",
    )


def test_counts_of_a_source_that_is_gone_keep_no_others_waiting(town: Territory) -> None:
    source = make_source(town)
    other = make_source(make_territory())
    activity = Activity()
    gone = Source(id=other.row.id + 1_000)
    activity.note_one(entry(gone, territory_id=town.id), "refused")
    activity.note_one(entry(other.row, territory_id=other.row.territory_id), "refused")

    async def write() -> None:
        async with make_pool(application_conninfo(), size=1, name="test") as pool:
            await activity.write(pool)
            activity.note_one(entry(source.row, territory_id=town.id), "refused")
            await activity.write(pool)

    asyncio.run(write())
    for made in (source, other):
        with acting_for(made.row.territory_id):
            assert [view.last_day.refused for view in sources_list()] == [1]


def test_a_territory_whose_messages_cannot_be_removed_keeps_no_others_waiting(
    town: Territory, source: MadeSource, door: int, test_database: TestDatabase
) -> None:
    elsewhere = make_source(make_territory())
    for made in (source, elsewhere):
        post(door, made.path, tiny_message(DEVICE, now(), hex="00d7"), headers=made.headers)
    purge = next(beat.run for beat in BEATS if beat.key == "ingest.purge")
    owner = test_database.urls.owner
    assert owner is not None
    with psycopg.connect(owner, autocommit=True) as admin:
        admin.execute(
            "CREATE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF OLD.territory_id = {town.id} THEN RAISE EXCEPTION 'planted'; END IF;"
            " RETURN OLD; END $$"
        )
        admin.execute(
            "CREATE TRIGGER planted BEFORE DELETE ON ingest_message"
            " FOR EACH ROW EXECUTE FUNCTION planted()"
        )
        try:
            with pytest.raises(Exception, match="planted"):
                purge(now() + timedelta(days=4_000))
        finally:
            admin.execute("DROP FUNCTION planted() CASCADE")
    for made, left in ((source, 1), (elsewhere, 0)):
        with acting_for(made.row.territory_id):
            assert Message.objects.count() == left
