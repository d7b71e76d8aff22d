from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

from psycopg import AsyncConnection

from beffroi.city.assets.testing import make_asset, make_device
from beffroi.city.ingest.announcing import changes_of
from beffroi.city.ingest.api import (
    Claim,
    device_claim,
    device_replace_by,
    source_create,
    source_disable,
    source_enable,
)
from beffroi.city.ingest.decoding import AttachedAsset
from beffroi.city.ingest.events import OBSERVATIONS, ObservationInterest, observation_events
from beffroi.city.ingest.models import UnclaimedDevice
from beffroi.city.ingest.postgres import within_territory
from beffroi.city.series.api import LatestRow
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.database.testing import TestDatabase
from beffroi.foundation.messaging.api import (
    OUTBOX_INSERT,
    Filters,
    webhook_pause,
    webhook_resume,
)
from beffroi.foundation.messaging.models import OutboxRow
from beffroi.foundation.messaging.sending import work_once
from beffroi.foundation.messaging.testing import HERE, make_webhook, receiving
from beffroi.foundation.territories.models import Territory

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def told(town: Territory) -> list[tuple[str, dict[str, Any]]]:
    with acting_for(town.pk):
        return [(row.topic, row.payload) for row in OutboxRow.objects.order_by("id")]


def attached(number: int, *, type_key: str = "light_point") -> AttachedAsset:
    uuid = f"0190a000-0000-7000-8000-{number:012d}"
    return AttachedAsset(number, uuid, type_key, "street_lighting", None, AT, None)


def changed(number: int, measure: str, value: float) -> LatestRow:
    return LatestRow(number, number, measure, value, 0, AT, AT)


def test_a_source_stopped_and_opened_is_told(town: Territory) -> None:
    make_webhook(town, topics=["source.enabled", "source.disabled"])
    with acting_for(town.pk):
        source, _ = source_create("plain_json", name="Réseau")
        source_disable(source.uuid)
        source_disable(source.uuid)
        source_enable(source.uuid)
    assert [topic for topic, _ in told(town)] == ["source.disabled", "source.enabled"]
    assert told(town)[0][1]["source"] == {
        "id": str(source.uuid),
        "name": "Réseau",
        "connector": "plain_json",
    }


def test_a_device_claimed_is_told_with_its_asset(town: Territory) -> None:
    make_webhook(town, topics=["device.claimed"])
    asset = make_asset(town, name="Lampe")
    with acting_for(town.pk):
        source, _ = source_create("plain_json", name="Réseau")
        UnclaimedDevice.objects.create(
            territory_id=town.pk,
            source=source,
            identifier="inconnu",
            first_seen_at=AT,
            last_seen_at=AT,
            message_count=1,
        )
        claim = Claim(source_uuid=source.uuid, identifier="inconnu", asset_uuid=asset.uuid)
        result = device_claim(claim)
    ((topic, payload),) = told(town)
    assert topic == "device.claimed"
    assert payload["device"] == {"id": str(result.device_uuid), "identifier": "inconnu"}
    assert (payload["asset"]["id"], payload["asset"]["name"]) == (str(asset.uuid), "Lampe")


def test_a_device_replaced_is_told_with_its_asset(town: Territory) -> None:
    make_webhook(town, topics=["device.replaced"])
    asset = make_asset(town, name="Lampe")
    device = make_device(town, identifier="vieux", asset=asset)
    with acting_for(town.pk):
        device_replace_by(device.uuid, identifier="neuf")
    ((topic, payload),) = told(town)
    assert topic == "device.replaced"
    assert payload["former"]["identifier"] == "vieux"
    assert payload["device"]["identifier"] == "neuf"
    assert payload["asset"]["id"] == str(asset.uuid)


def test_latest_values_become_few_events_that_arrive_narrowed(town: Territory) -> None:
    lamps = {number: attached(number) for number in range(600)}
    lamps[1] = attached(1, type_key="lighting_cabinet")
    rows = [changed(n, "power_w", n / 2) for n in lamps] + [changed(0, "dimming", 50.0)]
    columns = observation_events(town.pk, changes_of(rows), lamps, at=AT)
    assert [len(json.loads(text)["changes"]) for text in columns["payloads"]] == [500, 100]
    with receiving() as receiver:
        make_webhook(
            town,
            url=receiver.url,
            topics=[OBSERVATIONS],
            filters=Filters(types=("light_point",), measures=("power_w",)),
        )
        with acting_for(town.pk):
            OutboxRow.objects.bulk_create(
                OutboxRow(territory_id=town.pk, uuid=uuid, topic=topic, payload=json.loads(text))
                for uuid, topic, text in zip(
                    columns["event_uuids"], columns["topics"], columns["payloads"], strict=True
                )
            )
        work_once(way=HERE)
        (got,) = receiver.received
    data = [change for event in got.content["events"] for change in event["data"]["changes"]]
    assert len(data) == 599
    assert data[0] == {
        "asset": lamps[0].uuid,
        "domain": "street_lighting",
        "type": "light_point",
        "area": None,
        "values": {
            "power_w": {"value": 0.0, "observed_at": "2026-11-22T12:00:00.000Z", "quality": 0}
        },
    }


def test_the_ingest_connection_writes_events_and_asks_once(
    town: Territory, test_database: TestDatabase
) -> None:
    interest = ObservationInterest()

    async def asked() -> bool:
        async with (
            await AsyncConnection.connect(
                test_database.urls.application, autocommit=True
            ) as opened,
            within_territory(opened, town.pk),
        ):
            wanted = await interest.wanted(opened, town.pk)
            columns = observation_events(
                town.pk, changes_of([changed(1, "power_w", 3.5)]), {1: attached(1)}, at=AT
            )
            if wanted:
                await opened.execute(OUTBOX_INSERT, columns)
        return wanted

    interest.remember(True)
    assert not asyncio.run(asked())
    webhook = make_webhook(town, topics=[OBSERVATIONS])
    assert not asyncio.run(asked())  # remembered, until the notification comes
    interest.forget(town.pk)
    assert asyncio.run(asked())
    with acting_for(town.pk):
        webhook_pause(webhook.uuid)
    interest.remember(False)
    assert not asyncio.run(asked())
    with acting_for(town.pk):
        webhook_resume(webhook.uuid)
    assert asyncio.run(asked())  # deaf, it asks each time
    assert [payload["changes"][0][4] for _, payload in told(town)] == [
        {"power_w": [3.5, 1795348800000, 0]}
    ] * 2
