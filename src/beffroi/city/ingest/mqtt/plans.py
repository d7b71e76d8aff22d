"""What the brokers of all territories want of a subscriber, read from the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from beffroi.city.ingest.mqtt.contracts import Address, BrokerProblem, Plan, Protocol, Wish
from beffroi.city.ingest.mqtt.secrets import Secret, unseal
from beffroi.city.ingest.postgres import Pool, within_territory

BROKER_CHANNEL = "beffroi_brokers"
"""Payload: a territory's number. Its brokers, or what is subscribed there, have changed."""

_BROKERS_SQL = """
SELECT b.id, b.uuid, b.name, b.host, b.port, b.tls, b.ca_certificate, b.client_certificate,
       b.sealed_client_key, b.username, b.sealed_password, b.client_id, b.protocol,
       b.keep_alive_s, b.shared_group,
       (SELECT array_agg(ARRAY[u.topic, u.qos::text, s.connector_key, s.key] ORDER BY u.id)
        FROM ingest_subscription u JOIN ingest_source s
          ON s.territory_id = u.territory_id AND s.id = u.source_id
        WHERE u.territory_id = b.territory_id AND u.broker_id = b.id AND s.enabled)
FROM ingest_broker b WHERE b.territory_id = %s AND b.enabled ORDER BY b.id
"""


async def read_plans(pool: Pool) -> tuple[list[Plan], list[tuple[int, int, BrokerProblem]]]:
    """Return the plans of every territory, and those that cannot be followed with their reason.

    Each of the second is territory, broker, problem.
    """
    plans: list[Plan] = []
    problems: list[tuple[int, int, BrokerProblem]] = []
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT id FROM territories_territory ORDER BY id")
        for (territory_id,) in await cursor.fetchall():
            async with within_territory(connection, territory_id):
                rows = await (await connection.execute(_BROKERS_SQL, (territory_id,))).fetchall()
            for row in rows:
                try:
                    plans.append(_plan(territory_id, row))
                except BrokerProblem as problem:
                    problems.append((territory_id, row[0], problem))
    return plans, problems


def _plan(territory_id: int, row: Sequence[Any]) -> Plan:
    uuid = row[1]
    return Plan(
        broker_id=row[0],
        uuid=uuid,
        territory_id=territory_id,
        name=row[2],
        address=Address(
            host=row[3],
            port=row[4],
            tls=row[5],
            ca_certificate=row[6],
            client_certificate=row[7],
            client_key=unseal(row[8], what=Secret.CLIENT_KEY, broker=uuid),
            username=row[9],
            password=unseal(row[10], what=Secret.PASSWORD, broker=uuid),
            client_id=row[11],
            protocol=Protocol(row[12]),
            keep_alive_s=row[13],
        ),
        shared_group=row[14],
        wishes=tuple(
            Wish(topic=topic, qos=int(qos), connector_key=connector, source_key=key)
            for topic, qos, connector, key in row[15] or ()
        ),
    )
