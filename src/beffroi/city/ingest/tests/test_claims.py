from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from beffroi.city.assets.models import Asset, Device
from beffroi.city.assets.testing import make_asset, make_device
from beffroi.city.ingest.api import (
    Claim,
    ClaimRefused,
    UnclaimedNotFound,
    claim_preview,
    claims_settle,
    device_claim,
    device_replace_by,
    messages_purge,
    messages_redecode,
    source_update,
    sources_list,
    unclaimed_get,
    unclaimed_guess,
    unclaimed_list,
)
from beffroi.city.ingest.contracts import Status
from beffroi.city.ingest.models import Message, UnclaimedDevice
from beffroi.city.ingest.testing import (
    MadeSource,
    make_application,
    make_source,
    post,
    serving,
    tiny_message,
)
from beffroi.city.ingest.tests.test_door import station, values
from beffroi.foundation.audit.api import AuditFilter, audit_page
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.models import Territory
from beffroi.foundation.territories.testing import make_territory
from beffroi.kernel.clock import now, parse_instant

DEVICE = "a81758fffe000042"


def heard(source: MadeSource, door: int, *payloads: str) -> None:
    """Send messages of a device nobody knows, a minute apart, the oldest first."""
    body = [
        tiny_message(DEVICE, now() - timedelta(minutes=len(payloads) - rank), hex=payload)
        for rank, payload in enumerate(payloads)
    ]
    assert post(door, source.path, body, headers=source.headers)[1]["unclaimed"] == len(body)


def body_time(message: dict[str, Any]) -> datetime:
    return parse_instant(message["at"])


def claim_of(source: MadeSource, **fields: Any) -> Claim:
    return replace(
        Claim(source_uuid=source.row.uuid, identifier=DEVICE, codec_key="tiny"), **fields
    )


def test_what_an_unknown_device_sent_is_decoded_once_it_is_claimed(
    town: Territory, source: MadeSource, door: int
) -> None:
    heard(source, door, "00d7", "00d8", "ff00")
    with acting_for(town.id):
        (waiting,) = unclaimed_list()
        guess = unclaimed_guess(waiting)
        preview = claim_preview(claim_of(source, type_key="tiny_station"))
        result = device_claim(claim_of(source, type_key="tiny_station", lon=3.88, lat=43.6))
        assert unclaimed_list() == []
        assert not UnclaimedDevice.objects.exists()
        asset = Asset.objects.get(uuid=result.asset_uuid)
    assert (waiting.vendor, waiting.message_count) == ("Elsys", 3)
    assert [(item.codec_key, item.recognised) for item in guess.codecs] == [("tiny", 3)]
    assert [row.status for row in preview] == ["undecodable", "decoded", "decoded"]
    assert preview[1].readings == (("temperature", 21.6, True),)
    assert (result.messages, result.decoded, result.undecodable) == (3, 2, 1)
    assert values(town, asset)["temperature"] == [21.5, 21.6]
    # And the next message finds its asset at once: the process forgot that nobody knew it.
    message = tiny_message(DEVICE, now(), hex="00d9")
    answer = post(door, source.path, message, headers=source.headers)[1]
    assert (answer["accepted"], answer["unclaimed"]) == (1, 0)
    assert values(town, asset)["temperature"] == [21.5, 21.6, 21.7]


def test_a_claimed_device_knows_when_it_was_heard_its_battery_and_its_radio(
    town: Territory, source: MadeSource, door: int
) -> None:
    at = now()
    body = [
        tiny_message(DEVICE, at - timedelta(minutes=1), hex="00d763", rssi=[-90, -101]),
        tiny_message(DEVICE, at - timedelta(minutes=9), hex="00d762", rssi=[-70]),
        tiny_message(DEVICE, at + timedelta(days=9), hex="00d761"),
    ]
    post(door, source.path, body, headers=source.headers)
    with acting_for(town.id):
        device_claim(claim_of(source, type_key="tiny_station", lon=3.88, lat=43.6))
        device = Device.objects.get()
        messages_redecode(source=source.row)
        again = Device.objects.get()
    assert device.last_seen_at == body_time(body[0])
    assert (device.battery_pct, device.radio["rssi_dbm"], device.radio["gateways"]) == (99, -90, 2)
    assert (again.last_seen_at, again.battery_pct) == (device.last_seen_at, 99)


def test_claiming_twice_changes_nothing(town: Territory, source: MadeSource, door: int) -> None:
    heard(source, door, "00d7")
    claim = claim_of(source, type_key="tiny_station", lon=3.88, lat=43.6)
    with acting_for(town.id):
        first, second = device_claim(claim), device_claim(claim)
        assert (second.device_uuid, second.messages) == (first.device_uuid, 0)
        assert Device.objects.count() == Asset.objects.count() == 1
        entries = audit_page(AuditFilter()).entries
    assert [entry.verb for entry in entries].count("devices.claimed") == 1


def test_a_claim_for_an_existing_asset_with_a_mapping(
    town: Territory, source: MadeSource, door: int
) -> None:
    asset = make_asset(town, type_key="tiny_station", domain_key="tiny")
    message = tiny_message(DEVICE, now(), values={"air": {"t": "12.5"}, "other": 3})
    post(door, source.path, message, headers=source.headers)
    mapping = {"air.t": "temperature"}
    with acting_for(town.id):
        device_claim(claim_of(source, asset_uuid=asset.uuid, codec_key="", mapping=mapping))
        kept = Message.objects.get()
    assert values(town, asset) == {"temperature": [12.5]}
    assert kept.decoded == [["temperature", 12.5, None, True], ["other", 3.0, None, False]]


def test_a_claim_without_place_or_of_a_stranger_is_refused(
    town: Territory, source: MadeSource, door: int
) -> None:
    heard(source, door, "00d7")
    elsewhere = make_territory()
    foreign = make_asset(elsewhere, type_key="tiny_station", domain_key="tiny")
    with acting_for(town.id):
        with pytest.raises(ClaimRefused):
            device_claim(claim_of(source, type_key="tiny_station"))
        with pytest.raises(Exception, match="no such asset"):
            device_claim(claim_of(source, asset_uuid=foreign.uuid))
        with pytest.raises(UnclaimedNotFound):
            unclaimed_get(source.row.uuid, "nobody")
        assert len(unclaimed_list()) == 1
    with acting_for(elsewhere.id):
        assert unclaimed_list() == []
        with pytest.raises(Exception, match="no such source"):
            device_claim(claim_of(source, type_key="tiny_station", lon=3.8, lat=43.6))


def test_a_device_of_one_source_is_not_believed_from_another(
    town: Territory, source: MadeSource, door: int
) -> None:
    heard(source, door, "00d7")
    other = make_source(town)
    with acting_for(town.id):
        device_claim(claim_of(source, type_key="tiny_station", lon=3.88, lat=43.6))
    forged = tiny_message(DEVICE, now(), hex="0fff")
    assert post(door, other.path, forged, headers=other.headers)[1]["unclaimed"] == 1


def test_a_corrected_setting_decodes_history_again_to_the_same_instants(
    town: Territory, source: MadeSource, door: int
) -> None:
    asset = station(town, DEVICE)
    at = now()
    post(door, source.path, tiny_message(DEVICE, at, values={"t": 5}), headers=source.headers)
    assert values(town, asset) == {}
    with acting_for(town.id):
        Device.objects.update(mapping={"t": "temperature"})
        first = messages_redecode(source=source.row)
        again = messages_redecode(source=source.row)
        source_update(source.row.uuid, name="Réseau", settings={"room": "x"}, default_codec="tiny")
    assert values(town, asset) == {"temperature": [5.0]}
    assert (first.decoded, first.observations) == (1, 1)
    assert (again.decoded, again.observations) == (1, 0)


def test_a_corrected_codec_corrects_the_values_it_gave(
    town: Territory, source: MadeSource, door: int
) -> None:
    asset = station(town, DEVICE)
    message = tiny_message(DEVICE, now(), values={"a": 5, "b": 6})
    with acting_for(town.id):
        Device.objects.update(mapping={"a": "temperature"})
    post(door, source.path, message, headers=source.headers)
    assert values(town, asset) == {"temperature": [5.0]}
    with acting_for(town.id):
        Device.objects.update(mapping={"b": "temperature"})
        count = messages_redecode(device=(source.row.id, DEVICE))
    assert values(town, asset) == {"temperature": [6.0]}
    assert count.observations == 1


def test_what_a_claim_leaves_is_decoded_by_the_pulse(
    town: Territory, source: MadeSource, door: int
) -> None:
    heard(source, door, "00d7", "00d8")
    asset = make_asset(town, type_key="tiny_station", domain_key="tiny")
    make_device(town, identifier=DEVICE, asset=asset, codec_key="tiny")
    with acting_for(town.id):
        UnclaimedDevice.objects.update(claimed_at=now())
        assert claims_settle(limit=1).messages == 1
        assert UnclaimedDevice.objects.count() == 1
        assert claims_settle().messages == 1
        assert not UnclaimedDevice.objects.exists()
    assert values(town, asset)["temperature"] == [21.5, 21.6]


def test_a_replaced_device_leaves_its_asset_to_the_new_one(
    town: Territory, source: MadeSource, door: int
) -> None:
    asset = station(town, DEVICE)
    fresh = "a81758fffe000043"
    with acting_for(town.id):
        device_replace_by(Device.objects.get().uuid, identifier=fresh.upper())
    body = [tiny_message(fresh, now(), hex="00d7"), tiny_message(DEVICE, now(), hex="00d8")]
    answer = post(door, source.path, body, headers=source.headers)[1]
    assert (answer["accepted"], answer["unclaimed"]) == (2, 1)
    assert values(town, asset)["temperature"] == [21.5]


def test_counts_of_a_source_are_written_when_the_process_stops(
    town: Territory, source: MadeSource
) -> None:
    with serving(make_application()) as (port, _server):
        post(port, source.path, tiny_message(DEVICE, now(), hex="00"), headers=source.headers)
        post(port, source.path, {}, headers={"Content-Type": "application/json"})
    with acting_for(town.id):
        (view,) = sources_list()
    assert (view.last_day.accepted, view.last_day.unclaimed, view.last_day.wrong_secret) == (
        1,
        1,
        1,
    )
    assert view.last_message_at is not None
    assert view.unclaimed_count == 1


def test_old_messages_are_removed(town: Territory, source: MadeSource, door: int) -> None:
    heard(source, door, "00d7")
    with acting_for(town.id):
        assert messages_purge(days=1) == 0
        assert messages_purge(at=now() + timedelta(days=2), days=1) == 1
        assert Message.objects.filter(status=Status.UNCLAIMED.value).count() == 0
