"""Messages of a real broker are stored, then acknowledged."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from beffroi.city.ingest.models import IngestError, Message
from beffroi.city.ingest.mqtt.contracts import BrokerDescription, Protocol
from beffroi.city.ingest.mqtt.load import Publisher
from beffroi.city.ingest.mqtt.models import BrokerState
from beffroi.city.ingest.mqtt.selectors import broker_get
from beffroi.city.ingest.mqtt.services import broker_create, broker_enable, subscription_add
from beffroi.city.ingest.mqtt.testing import Mosquitto, Wire, patiently, subscribing
from beffroi.city.ingest.testing import MadeSource, make_source, tiny_message
from beffroi.city.ingest.tests.test_door import station, values
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.database.testing import TestDatabase
from beffroi.foundation.territories.models import Territory
from beffroi.kernel.clock import now

DEVICE = "a81758fffe000001"


def subscribe(
    source: MadeSource, mosquitto: Mosquitto | Wire, *topics: str, group: str = "",
    protocol: Protocol = Protocol.V5, qos: int = 1,
) -> UUID:  # fmt: skip
    with acting_for(source.row.territory_id):
        made = broker_create(
            BrokerDescription(
                name=f"Essai {mosquitto.port} {group}", host="127.0.0.1", port=mosquitto.port,
                tls=False, shared_group=group, protocol=protocol,
            )
        )  # fmt: skip
        for topic in topics:
            subscription_add(source.row.uuid, made.uuid, topic=topic, qos=qos)
    return made.uuid


def connected(town: Territory, broker: UUID, *, processes: int = 1) -> None:
    def ready() -> bool:
        with acting_for(town.id):
            states = broker_get(broker).states
        return sum(state.connected_since is not None for state in states) >= processes

    patiently(ready, complaint="the subscriber does not connect")


def publish(mosquitto: Mosquitto, messages: Sequence[tuple[str, Any]]) -> list[int]:
    octets = [
        (topic, body if isinstance(body, bytes) else json.dumps(body).encode())
        for topic, body in messages
    ]
    publisher = Publisher(host="127.0.0.1", port=mosquitto.port, client_id="essai")
    return asyncio.run(publisher.publish(octets)).acknowledged


def count(town: Territory) -> int:
    with acting_for(town.id):
        return Message.objects.count()


def stored(town: Territory, expected: int) -> list[Message]:
    patiently(lambda: count(town) >= expected, complaint=f"fewer than {expected} messages")
    with acting_for(town.id):
        return list(Message.objects.order_by("id"))


@pytest.mark.parametrize("protocol", list(Protocol))
def test_a_message_of_a_topic_becomes_observations_of_its_source(
    town: Territory, source: MadeSource, mosquitto: Mosquitto, protocol: Protocol
) -> None:
    asset = station(town, DEVICE)
    broker = subscribe(source, mosquitto, "net/+/up", protocol=protocol)
    with subscribing():
        connected(town, broker)
        sent = [
            ("net/1/up", tiny_message(DEVICE, now() - timedelta(seconds=back), hex="00d7"))
            for back in range(3)
        ]
        assert publish(mosquitto, [*sent, sent[0]]) == [0, 1, 2, 3]
        stored(town, 3)
        assert values(town, asset)["temperature"] == [21.5] * 3
        patiently(
            lambda: _state(town).received == 4 and _state(town).waiting == 0,
            complaint="the state does not follow",
        )
    with acting_for(town.id):
        assert Message.objects.count() == 3
        assert broker_get(broker).states[0].connected_since is None


def _state(town: Territory) -> BrokerState:
    with acting_for(town.id):
        return BrokerState.objects.get()


def test_what_came_while_we_were_away_is_given_afterwards(
    town: Territory, source: MadeSource, mosquitto: Mosquitto
) -> None:
    broker = subscribe(source, mosquitto, "net/#")
    with subscribing():
        connected(town, broker)
    sent = [("net/a", tiny_message(DEVICE, now(), hex="00d7")) for _ in range(1_500)]
    assert len(publish(mosquitto, sent)) == 1_500
    with subscribing():
        stored(town, 1_500)
    assert count(town) == 1_500


def test_a_message_that_cannot_be_read_is_kept_and_not_given_again(
    town: Territory, source: MadeSource, mosquitto: Mosquitto
) -> None:
    broker = subscribe(source, mosquitto, "net/#")
    with subscribing():
        connected(town, broker)
        publish(mosquitto, [("net/a", b"<half")])
        patiently(lambda: _errors(town) == 1, complaint="the error is not kept")
    with subscribing():
        connected(town, broker)
        publish(mosquitto, [("net/a", tiny_message(DEVICE, now(), hex="00d7"))])
        stored(town, 1)
    assert _errors(town) == 1


def _errors(town: Territory) -> int:
    with acting_for(town.id):
        return IngestError.objects.count()


def test_two_processes_share_the_messages_and_store_each_once(
    town: Territory, source: MadeSource, mosquitto: Mosquitto
) -> None:
    broker = subscribe(source, mosquitto, "net/#", group="ville")
    twice = subscribe(source, mosquitto, "net/#", group="autre")
    with subscribing(number=1) as one, subscribing(number=2) as two:
        connected(town, broker, processes=2)
        connected(town, twice, processes=2)
        sent = [("net/a", tiny_message(DEVICE, now(), hex="00d7")) for _ in range(400)]
        assert len(publish(mosquitto, sent)) == 400
        shares = [one.received, two.received]
        patiently(
            lambda: one.received + two.received == 800,
            complaint=f"{shares} of two times 400 messages",
        )
        stored(town, 400)
    assert count(town) == 400
    assert min(one.received, two.received) > 0


def test_while_the_database_does_not_answer_nothing_is_acknowledged(
    town: Territory, source: MadeSource, mosquitto: Mosquitto, test_database: TestDatabase
) -> None:
    station(town, DEVICE)
    broker = subscribe(source, mosquitto, "net/#")
    with subscribing() as subscriber:
        connected(town, broker)
        with psycopg.connect(test_database.administrator) as admin:
            admin.execute("LOCK TABLE series_latest IN ACCESS EXCLUSIVE MODE")
            sent = [("net/a", tiny_message(DEVICE, now(), hex="00d7")) for _ in range(3_000)]
            publish(mosquitto, sent)
            patiently(lambda: subscriber.received >= 1_000, complaint="nothing arrives")
            # The broker gives no more than it may before the first is acknowledged.
            assert subscriber.received == subscriber.waiting == 1_000
            admin.rollback()
        stored(town, 3_000)
    assert count(town) == 3_000


def test_devices_of_their_own_topics_are_named_by_them(
    town: Territory, mosquitto: Mosquitto
) -> None:
    source = make_source(town, connector="plain_json")
    broker = subscribe(source, mosquitto, "t/{device}/up", "m/{device}/{measure}")
    with subscribing():
        connected(town, broker)
        publish(
            mosquitto,
            [
                ("t/capteur-1/up", {"time": "2026-03-02T07:31:22Z", "temperature": 21.5}),
                ("m/capteur-2/humidity", b"48,5"),
                ("m/capteur-2/open", b"ON"),
                ("t/c/up", {"device": "autre-nom", "values": {"no2": 12}, "ts": 1772436682}),
            ],
        )  # fmt: skip
        rows = stored(town, 4)
    found = {(row.device_identifier, one[0]): one[1] for row in rows for one in row.readings or ()}
    assert found == {
        ("capteur-1", "temperature"): 21.5,
        ("capteur-2", "humidity"): 48.5,
        ("capteur-2", "open"): 1.0,
        ("autre-nom", "no2"): 12.0,
    }
    times = {row.device_identifier: row.observed_at.isoformat() for row in rows}
    assert times["capteur-1"] == times["autre-nom"] == "2026-03-02T07:31:22+00:00"


def test_a_retained_value_is_stored_once_and_marked(town: Territory, mosquitto: Mosquitto) -> None:
    source = make_source(town, connector="plain_json")
    broker = subscribe(source, mosquitto, "m/{device}/{measure}", protocol=Protocol.V3_1_1)
    _retain(mosquitto, "m/capteur/level", b"48")
    for _connection in range(2):
        with subscribing():
            connected(town, broker)
            (kept,) = stored(town, 1)
            patiently(lambda: _state(town).retained >= 1, complaint="not given")
    assert json.loads(bytes(kept.raw))["mqtt"]["retained"] is True
    assert count(town) == 1


def _retain(mosquitto: Mosquitto, topic: str, payload: bytes) -> None:
    import paho.mqtt.publish as once  # noqa: PLC0415 - here only

    once.single(topic, payload, qos=1, retain=True, hostname="127.0.0.1", port=mosquitto.port)


def test_a_broker_that_is_stopped_is_left_and_comes_back(
    town: Territory, source: MadeSource, mosquitto: Mosquitto
) -> None:
    broker = subscribe(source, mosquitto, "net/#")
    with subscribing() as subscriber:
        connected(town, broker)
        with acting_for(town.id):
            broker_enable(broker, enabled=False)
        patiently(lambda: not subscriber.connections, complaint="still connected")
        publish(mosquitto, [("net/a", tiny_message(DEVICE, now(), hex="00d7"))])
        with acting_for(town.id):
            broker_enable(broker, enabled=True)
        stored(town, 1)


def test_quality_of_service_0_is_counted_as_not_guaranteed(
    town: Territory, source: MadeSource, mosquitto: Mosquitto
) -> None:
    broker = subscribe(source, mosquitto, "net/#", qos=0)
    with subscribing():
        connected(town, broker)
        publish(mosquitto, [("net/a", tiny_message(DEVICE, now(), hex="00d7"))])
        stored(town, 1)
        patiently(lambda: _state(town).unguaranteed == 1, complaint="not counted")
