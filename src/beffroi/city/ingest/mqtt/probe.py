"""Tries a broker once, as a subscriber would, and says what happened."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import paho.mqtt.client as mqtt

from beffroi.city.ingest.mqtt.client import (
    new_client,
    open_connection,
    problem_of_connecting,
    problem_of_refusal,
    problem_of_subscribing,
)
from beffroi.city.ingest.mqtt.contracts import Address, BrokerProblem

PATIENCE_S = 8.0
CONNECT_S = 4.0


def broker_try(address: Address, topics: Sequence[tuple[str, int]] = ()) -> BrokerProblem | None:
    """Connect in a session of no duration, ask for the topics, leave; return what went wrong.

    No message is taken: the real session is another.
    """
    heard: dict[str, Any] = {}

    def connected(_client: Any, _data: Any, _flags: Any, reason: Any, _more: Any) -> None:
        heard["connected"] = reason

    def subscribed(_client: Any, _data: Any, _mid: int, reasons: Any, _more: Any) -> None:
        heard["subscribed"] = reasons

    named = replace(address, keep_alive_s=30)
    client_id = f"{address.client_id[:40]}-essai-{secrets.token_hex(4)}"
    try:
        client = new_client(named, client_id=client_id, lasting=False)
        client.connect_timeout = CONNECT_S
        client.on_connect, client.on_subscribe = connected, subscribed
        open_connection(client, named, lasting=False, in_flight=1)
        _turn(client, lambda: "connected" in heard)
        if heard["connected"].is_failure:
            return problem_of_refusal(heard["connected"])
        if topics:
            client.subscribe(list(topics))
            _turn(client, lambda: "subscribed" in heard)
        client.disconnect()
    except (OSError, BrokerProblem, ValueError) as problem:
        return problem_of_connecting(address, problem)
    for (filter_, _qos), reason in zip(topics, heard.get("subscribed", ()), strict=False):
        if reason.is_failure:
            return problem_of_subscribing(filter_, reason)
    return None


def _turn(client: mqtt.Client, done: Any) -> None:
    """Let the client work until it is answered.

    Raises:
        ConnectionError: the broker leaves without an answer.
        TimeoutError: it gives none.
    """
    until = time.monotonic() + PATIENCE_S
    while not done():
        if client.loop(timeout=0.2) != mqtt.MQTT_ERR_SUCCESS and not done():
            raise ConnectionError("closed")
        if time.monotonic() > until:
            raise TimeoutError
