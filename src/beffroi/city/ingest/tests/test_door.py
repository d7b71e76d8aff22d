from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from beffroi.city.assets.models import Asset, Device
from beffroi.city.assets.testing import make_asset, make_device
from beffroi.city.ingest.models import IngestError, Message, UnclaimedDevice
from beffroi.city.ingest.requests import MAX_BODY
from beffroi.city.ingest.services import source_disable, source_rotate_secret
from beffroi.city.ingest.testing import (
    LIMIT_S,
    MadeSource,
    make_application,
    make_source,
    post,
    serving,
    tiny_message,
)
from beffroi.city.series.api import retention_set, series_maintain
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.models import Territory
from beffroi.foundation.territories.testing import make_territory
from beffroi.kernel.clock import now


def station(town: Territory, identifier: str = "a81758fffe000001") -> Asset:
    asset = make_asset(town, type_key="tiny_station", domain_key="tiny")
    make_device(town, identifier=identifier, asset=asset, codec_key="tiny")
    return asset


def values(town: Territory, asset: Asset) -> dict[str, list[float]]:
    """Every observation of an asset by measure, in the order of time."""
    with acting_for(town.id), connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.measure_key, r.value FROM series_reading r"
            " JOIN series_stream s ON s.id = r.stream_id WHERE s.asset_id = %s"
            " ORDER BY r.observed_at",
            [asset.id],
        )
        found: dict[str, list[float]] = {}
        for measure, value in cursor.fetchall():
            found.setdefault(measure, []).append(value)
        return found


def test_a_message_becomes_observations_and_latest_values(
    town: Territory, source: MadeSource, door: int
) -> None:
    asset = station(town)
    at = now() - timedelta(minutes=1)
    message = tiny_message("a81758fffe000001", at, hex="00d7155f", rssi=[-110, -90])
    status, answer, _ = post(door, source.path, message, headers=source.headers)
    assert status == 200
    assert answer["accepted"] == 1
    assert values(town, asset) == {
        "temperature": [9.5, 21.5],
        "battery_pct": [21.0],
        "rssi_dbm": [-90.0],
        "snr_db": [7.5],
    }
    with acting_for(town.id):
        device = Device.objects.get(identifier="a81758fffe000001")
        kept = Message.objects.get()
        with connection.cursor() as cursor:
            cursor.execute("SELECT value FROM series_latest WHERE measure_key = 'temperature'")
            assert cursor.fetchall() == [(21.5,)]
    assert device.last_seen_at == at
    assert device.battery_pct == 21
    assert device.radio["rssi_dbm"] == -90
    assert device.radio["gateways"] == 2
    assert kept.status == "decoded"
    assert json.loads(bytes(kept.raw)) == message


def test_the_same_message_twice_counts_once(town: Territory, source: MadeSource, door: int) -> None:
    asset = station(town)
    message = tiny_message("a81758fffe000001", now(), hex="00d7")
    first = post(door, source.path, [message, message], headers=source.headers)[1]
    second = post(door, source.path, message, headers=source.headers)[1]
    assert (first["accepted"], first["duplicates"]) == (1, 1)
    assert (second["accepted"], second["duplicates"]) == (0, 1)
    assert values(town, asset)["temperature"] == [21.5]


def test_two_processes_and_many_posts_at_once_store_a_message_once(
    town: Territory, source: MadeSource, door: int
) -> None:
    asset = station(town)
    messages = [
        tiny_message("a81758fffe000001", now() - timedelta(seconds=n), hex="00d7")
        for n in range(20)
    ]
    answers: list[dict[str, Any]] = []
    with serving(make_application()) as (other, _server):

        def send(port: int, order: int) -> None:
            body = messages[::order]
            answers.append(post(port, source.path, body, headers=source.headers)[1])

        threads = [
            threading.Thread(target=send, args=(port, order))
            for port in (door, other)
            for order in (1, -1, 1, -1)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LIMIT_S)
    assert len(answers) == 8
    assert sum(answer["accepted"] for answer in answers) == 20
    assert sum(answer["duplicates"] for answer in answers) == 140
    assert len(values(town, asset)["temperature"]) == 20


def test_negative_control_without_the_key_a_message_counts_twice(
    town: Territory, source: MadeSource, door: int
) -> None:
    message = tiny_message("a81758fffe000001", now(), hex="00d7")
    for key in ("one", "two"):
        post(door, source.path, {**message, "key": key}, headers=source.headers)
    with acting_for(town.id):
        assert Message.objects.count() == 2


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"X-Beffroi-Secret": "wrong"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic eDp3cm9uZw=="},
    ],
)
def test_a_wrong_secret_is_refused_and_nothing_is_kept(
    town: Territory, source: MadeSource, door: int, headers: dict[str, str]
) -> None:
    message = tiny_message("a81758fffe000001", now(), hex="00d7")
    status, answer, told = post(
        door, source.path, message, headers={"Content-Type": "application/json", **headers}
    )
    assert status == 401
    assert answer["code"] == "secret.wrong"
    assert told["content-type"] == "application/problem+json"
    assert "www-authenticate" in told
    with acting_for(town.id):
        assert not Message.objects.exists()


def test_the_secret_of_another_territory_does_not_open(
    town: Territory, source: MadeSource, door: int
) -> None:
    other = make_source(make_territory())
    message = tiny_message("a81758fffe000001", now(), hex="00d7")
    assert post(door, source.path, message, headers=other.headers)[0] == 401
    assert post(door, other.path, message, headers=other.headers)[0] == 200
    with acting_for(town.id):
        assert not Message.objects.exists()
    with acting_for(other.row.territory_id):
        assert Message.objects.count() == 1


def test_a_device_of_another_territory_is_unknown_here(source: MadeSource, door: int) -> None:
    elsewhere = make_territory()
    asset = station(elsewhere)
    message = tiny_message("a81758fffe000001", now(), hex="00d7")
    assert post(door, source.path, message, headers=source.headers)[1]["unclaimed"] == 1
    assert values(elsewhere, asset) == {}


def test_too_many_wrong_secrets_wait_while_the_right_one_still_opens(
    source: MadeSource, door: int
) -> None:
    wrong = {"X-Beffroi-Secret": "wrong", "Content-Type": "application/json"}
    statuses = [post(door, source.path, {}, headers=wrong)[0] for _ in range(32)]
    assert statuses[0] == 401
    assert statuses[-1] == 429
    message = tiny_message("a81758fffe000001", now(), hex="00d7")
    assert post(door, source.path, message, headers=source.headers)[0] == 200


def test_after_a_rotation_both_secrets_open_until_the_overlap_ends(
    town: Territory, source: MadeSource, door: int
) -> None:
    message = tiny_message("a81758fffe000001", now(), hex="00d7")
    with acting_for(town.id):
        fresh = source_rotate_secret(source.row.uuid)
    renewed = MadeSource(source.row, fresh.secret)
    assert post(door, source.path, message, headers=renewed.headers)[0] == 200
    assert post(door, source.path, message, headers=source.headers)[0] == 200
    with acting_for(town.id):
        last = source_rotate_secret(source.row.uuid, overlap=timedelta(0))
    with serving(make_application()) as (port, _server):
        assert post(port, source.path, message, headers=renewed.headers)[0] == 401
        latest = MadeSource(source.row, last.secret)
        assert post(port, source.path, message, headers=latest.headers)[0] == 200


def test_a_network_that_signs_is_believed_by_its_signature_only(town: Territory, door: int) -> None:
    signed = make_source(town, shared_key="a shared key")
    message = tiny_message("a81758fffe000001", now(), hex="00d7")
    plain = {"Content-Type": "application/json"}
    assert post(door, signed.path, message, headers=plain)[0] == 401
    assert post(door, f"{signed.path}?token=other", message, headers=plain)[0] == 401
    assert post(door, f"{signed.path}?token=a+shared+key", message, headers=plain)[0] == 200
    assert b"a shared key" not in bytes(signed.row.sealed_key or b"")


def test_a_sender_that_asks_is_told_of_each_row(
    town: Territory, source: MadeSource, door: int
) -> None:
    station(town)
    first, second = (tiny_message("a81758fffe000001", now(), hex="00d7") for _ in range(2))
    unknown = tiny_message("a81758fffe0000ff", now(), hex="00d7")
    assert "verdicts" not in post(door, source.path, [first], headers=source.headers)[1]
    body = [first, second, {"nothing": 1}, unknown]
    asked = {**source.headers, "Prefer": "return=representation"}
    for path, headers, fresh in (
        (f"{source.path}?verdicts=all", source.headers, ["accepted", "unclaimed"]),
        (source.path, asked, ["duplicate", "duplicate"]),
    ):
        told = post(door, path, body, headers=headers)[1]["verdicts"]
        assert [row["index"] for row in told] == [0, 1, 2, 3]
        assert [row["verdict"] for row in told] == ["duplicate", fresh[0], "refused", fresh[1]]


def test_unknown_and_disabled_sources_do_not_exist(
    town: Territory, source: MadeSource, door: int
) -> None:
    with acting_for(town.id):
        source_disable(source.row.uuid)
    for path in (source.path, "/ingest/tiny/" + "x" * 20, "/ingest/tiny/short", "/ingest/", "/"):
        assert post(door, path, {}, headers=source.headers)[0] == 404


def test_a_gzip_body_is_read_and_a_bomb_is_not(source: MadeSource, door: int) -> None:
    packed = {**source.headers, "Content-Encoding": "gzip"}
    body = json.dumps(tiny_message("a81758fffe000001", now(), hex="00d7")).encode()
    assert post(door, source.path, gzip.compress(body), headers=packed)[0] == 200
    bomb = gzip.compress(b" " * (MAX_BODY * 4))
    assert len(bomb) < 100_000
    assert post(door, source.path, bomb, headers=packed)[0] == 413
    many = gzip.compress(b" " * (MAX_BODY // 2)) * 4
    assert post(door, source.path, many, headers=packed)[0] == 413
    assert post(door, source.path, gzip.compress(body)[:-5], headers=packed)[0] == 400
    assert post(door, source.path, b"not gzip", headers=packed)[0] == 400
    other = {**source.headers, "Content-Encoding": "br"}
    assert post(door, source.path, body, headers=other)[0] == 415


def test_a_huge_body_is_refused(source: MadeSource, door: int) -> None:
    headers = {**source.headers, "Content-Length": str(MAX_BODY + 1)}
    assert post(door, source.path, b"", headers=headers)[0] == 413


def test_other_methods_and_types_are_told_what_to_send(source: MadeSource, door: int) -> None:
    form = {**source.headers, "Content-Type": "application/x-www-form-urlencoded"}
    status, answer, _ = post(door, source.path, b"a=1", headers=form)
    assert status == 415
    assert "application/json" in answer["detail"]
    status, _, headers = post(door, "/ingest/ready", b"", headers={})
    assert status == 405
    assert headers["allow"] == "GET, HEAD"


def test_what_cannot_be_read_is_kept_with_its_octets(
    town: Territory, source: MadeSource, door: int
) -> None:
    status, answer, _ = post(door, source.path, b'{"device": ', headers=source.headers)
    assert status == 422
    assert answer["code"] == "json"
    with acting_for(town.id):
        error = IngestError.objects.get()
    assert bytes(error.body) == b'{"device": '
    assert error.error["message"] == "The body is not JSON."


def test_one_bad_item_leaves_the_others(town: Territory, source: MadeSource, door: int) -> None:
    station(town)
    body = [
        {"nothing": 1},
        tiny_message("a81758fffe000001", now(), hex="00d7"),
        tiny_message("", now()),
    ]
    answer = post(door, source.path, body, headers=source.headers)[1]
    assert answer["accepted"] == 1
    assert [(item["index"], item["code"]) for item in answer["refused"]] == [
        (0, "device.none"),
        (2, "device.name"),
    ]
    with acting_for(town.id):
        assert IngestError.objects.count() == 2


def test_a_codec_error_is_kept_with_its_message(
    town: Territory, source: MadeSource, door: int
) -> None:
    station(town)
    message = tiny_message("a81758fffe000001", now(), hex="ff00")
    assert post(door, source.path, message, headers=source.headers)[1]["undecodable"] == 1
    with acting_for(town.id):
        kept = Message.objects.get()
    assert kept.status == "undecodable"
    assert bytes(kept.payload or b"") == b"\xff\x00"
    assert kept.error == {"message": "The frame begins with {octet}.", "params": {"octet": "ff"}}


def test_a_time_that_cannot_be_true_is_quarantined(
    town: Territory, source: MadeSource, door: int
) -> None:
    asset = station(town)
    body = [
        tiny_message("a81758fffe000001", now() + timedelta(hours=1), hex="00d7"),
        tiny_message("a81758fffe000001", now().replace(year=1999), hex="00d7"),
        tiny_message("a81758fffe000001", now() + timedelta(minutes=5), hex="00d7"),
    ]
    answer = post(door, source.path, body, headers=source.headers)[1]
    assert (answer["accepted"], answer["quarantined"]) == (3, 2)
    assert len(values(town, asset)["temperature"]) == 1


def test_an_old_message_does_not_make_its_device_heard_now(
    town: Territory, source: MadeSource, door: int
) -> None:
    station(town)
    long_ago = now() - timedelta(days=900)
    message = tiny_message("a81758fffe000001", long_ago, readings={"temperature": 3.0})
    post(door, source.path, message, headers=source.headers)
    with acting_for(town.id):
        assert Device.objects.get().last_seen_at == long_ago


def test_what_postgresql_cannot_hold_does_not_stop_a_delivery(
    town: Territory, source: MadeSource, door: int
) -> None:
    station(town)
    odd = {"a\x00b": "x\x00y", "n": 1e400, "big": 10**40, "s": "\ud800", "temperature": 5}
    message = tiny_message("a81758fffe000001", now(), values=odd)
    status, answer, _ = post(door, source.path, message, headers=source.headers)
    assert status == 200
    assert answer["accepted"] == 1
    strange = tiny_message("dev\x00ice", now(), values={"x": 1})
    assert post(door, source.path, strange, headers=source.headers)[1]["unclaimed"] == 1


def test_an_unknown_device_is_kept_and_listed(
    town: Territory, source: MadeSource, door: int
) -> None:
    body = [
        tiny_message("a81758fffe000009", now(), hex="00d7", name="Cour", lon=3.9, lat=43.6),
        tiny_message("a81758fffe000009", now(), hex="00d8"),
        tiny_message("a81758fffe00000a", now(), notice="join"),
    ]
    answer = post(door, source.path, body, headers=source.headers)[1]
    assert (answer["accepted"], answer["unclaimed"]) == (3, 2)
    with acting_for(town.id):
        waiting = UnclaimedDevice.objects.get(identifier="a81758fffe000009")
        assert UnclaimedDevice.objects.count() == 2
    assert (waiting.name, waiting.lon, waiting.message_count) == ("Cour", 3.9, 2)


def test_five_hundred_messages_are_one_delivery(
    town: Territory, source: MadeSource, door: int
) -> None:
    asset = station(town)
    body = [
        tiny_message("a81758fffe000001", now() - timedelta(seconds=n), hex="00d7")
        for n in range(500)
    ]
    assert post(door, source.path, body, headers=source.headers)[1]["accepted"] == 500
    assert len(values(town, asset)["temperature"]) == 500


def chunked(door: int, source: MadeSource, parts: Iterator[bytes]) -> tuple[int, dict[str, Any]]:
    asked = http.client.HTTPConnection("127.0.0.1", door, timeout=LIMIT_S)
    headers = {**source.headers, "Transfer-Encoding": "chunked"}
    try:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            asked.request("POST", source.path, body=parts, headers=headers, encode_chunked=True)
        answer = asked.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        asked.close()


def test_a_chunked_body_is_read_and_an_endless_one_is_not(source: MadeSource, door: int) -> None:
    message = json.dumps(tiny_message("a81758fffe000001", now(), hex="00d7")).encode()
    status, answer = chunked(door, source, (message[at : at + 7] for at in range(0, 400, 7)))
    assert (status, answer["accepted"]) == (200, 1)
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < MAX_BODY * 8:
            sent += 2**18
            yield b" " * 2**18

    status, answer = chunked(door, source, endless())
    assert (status, answer["code"]) == (413, "body.too_long")


def test_a_body_that_does_not_come_is_not_waited_for(town: Territory, source: MadeSource) -> None:
    del town
    with (
        serving(make_application(body_time_s=0.2, max_deliveries=1)) as (port, _server),
        socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as slow,
    ):
        head = f"POST {source.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
        for name, value in source.headers.items():
            head += f"{name}: {value}\r\n"
        slow.sendall(f"{head}\r\n{{".encode())
        assert slow.recv(65_536).startswith(b"HTTP/1.1 408 ")
        # And its place is free again.
        message = tiny_message("a81758fffe000001", now(), hex="00d7")
        assert post(port, source.path, message, headers=source.headers)[0] == 200


def test_a_file_of_past_values_keeps_its_own_time(town: Territory, door: int) -> None:
    history = make_source(town, connector="csv_history")
    asset = make_asset(town, type_key="tiny_station", domain_key="tiny")
    make_device(town, identifier="mast 3", asset=asset)
    rows = (
        "device;time;temperature\n"
        "mast 3;02/03/2021 07:31;12,5\n"
        "mast 3;2021-03-02T07:31:00+01:00;99\n"
        "mast 3;2021-07-01T00:00:00Z;21\n"
        "mast 3;yesterday;1\n"
    )
    headers = {**history.headers, "Content-Type": "text/csv; charset=utf-8"}
    for accepted in (3, 0):
        answer = post(door, history.path, rows.encode(), headers=headers)[1]
        assert (answer["accepted"], answer["refused_count"]) == (accepted, 1)
    with acting_for(town.id), connection.cursor() as cursor:
        cursor.execute("SELECT observed_at, value FROM series_reading ORDER BY 1")
        # Of two values of one instant the first stands, whichever way its time is written.
        assert cursor.fetchall() == [
            (datetime(2021, 3, 2, 6, 31, tzinfo=UTC), 12.5),
            (datetime(2021, 7, 1, tzinfo=UTC), 21.0),
        ]
        assert Device.objects.get().last_seen_at == datetime(2021, 7, 1, tzinfo=UTC)


def test_values_older_than_their_series_is_kept_are_taken_and_leave_with_the_next_pulse(
    town: Territory, source: MadeSource, door: int
) -> None:
    asset = station(town)
    old = tiny_message("a81758fffe000001", now() - timedelta(days=900), hex="00d7")
    with acting_for(town.id):
        retention_set(keep_days=365, reason="a test")
    for accepted in (1, 0):
        answer = post(door, source.path, old, headers=source.headers)[1]
        assert answer["accepted"] == accepted
        assert series_maintain(now()).failed == ()
        assert values(town, asset) == {}
    with acting_for(town.id):
        assert Message.objects.get().status == "decoded"
