"""One connection to one broker: read, store, acknowledge after the commit; again when lost."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as mqtt
from paho.mqtt.subscribeoptions import SubscribeOptions

from beffroi.city.ingest.mqtt.client import (
    CONNECT_TIME_S,
    new_client,
    open_connection,
    problem_of_connecting,
    problem_of_refusal,
    problem_of_subscribing,
)
from beffroi.city.ingest.mqtt.contracts import (
    BrokerProblem,
    BrokerRefused,
    LinkState,
    Plan,
    Protocol,
)
from beffroi.city.ingest.mqtt.payloads import Arrived
from beffroi.city.ingest.mqtt.topics import shared, topic_of
from beffroi.kernel.clock import now

if TYPE_CHECKING:
    from beffroi.city.ingest.mqtt.storing import Storing

log = logging.getLogger("beffroi.ingest.mqtt")

IN_FLIGHT = 1_000
"""Messages that a broker gives us before the first is acknowledged (receive maximum)."""

MOST_HELD, MOST_OCTETS = 2 * IN_FLIGHT, 64 * 1024 * 1024
"""Beyond this nothing is read: messages of QoS 0 and of old brokers are bounded by it."""

PACKETS_AT_ONCE = 200
MISC_EVERY_S = 1.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
LEAVE_TIME_S = 10.0

_ONLY_NEW = 1
"""Retained messages are given when the subscription is new, not at each connection (MQTT 5)."""


@dataclass(slots=True)
class _Held:
    """A message that is not on disk yet, and the connection that it is to be acknowledged on."""

    client: mqtt.Client
    arrived: Arrived


class Link:
    """The connection of this process to one broker.

    Args:
        plan: what the broker wants of us.
        storing: brings a message to the disk.
        number: of this process among the subscribers; each has a session of its own.
        changed: called when the connection is made, lost or refused.
        acknowledge_first: the fault that the tests plant; nothing else sets it.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        storing: Storing,
        number: int,
        changed: Callable[[], None] = lambda: None,
        acknowledge_first: bool = False,
    ) -> None:
        self.plan = plan
        self.state = LinkState()
        self._storing = storing
        self._number = number
        self._changed = changed
        self._acknowledge_first = acknowledge_first
        self._loop = asyncio.get_running_loop()
        self._client: mqtt.Client | None = None
        self._descriptor = -1
        self._reading = False
        self._held: dict[Any, _Held] = {}
        self._octets = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._asked: set[str] = set()
        self._waited: dict[int, list[str]] = {}
        self._connected: asyncio.Future[None] | None = None
        self._lost = asyncio.Event()
        self._why: BrokerProblem | None = None
        self._runner: asyncio.Task[None] | None = None

    @property
    def client_id(self) -> str:
        """Return the name of our session: the same after a restart, another in each process."""
        return f"{self.plan.address.client_id}-{self._number}"

    @property
    def waiting(self) -> int:
        """Return how many messages were read and are not on disk yet."""
        return len(self._held)

    def start(self) -> None:
        """Connect, and stay connected."""
        self._runner = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Read no more, store and acknowledge what was read, and leave; the session stays."""
        self._pause()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LEAVE_TIME_S)
        for task in self._tasks:
            task.cancel()
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_write()
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.gather(self._runner, return_exceptions=True)
        self._detach()

    def follow(self, plan: Plan) -> bool:
        """Follow another plan of the same broker; False when a new connection is needed."""
        if plan.address != self.plan.address or plan.shared_group != self.plan.shared_group:
            return False
        self.plan = plan
        self._storing.forget_topics(plan.broker_id)
        if self._client is not None and self.state.connected_since is not None:
            self._subscribe(self._client)
        return True

    async def _run(self) -> None:
        wait = FIRST_WAIT_S
        while True:
            try:
                await self._connect()
                wait = FIRST_WAIT_S
                await self._stay()
            except (OSError, BrokerProblem, ValueError) as problem:
                self._tell(problem_of_connecting(self.plan.address, problem))
            except Exception as problem:
                # A fault of ours or of the library must not leave the broker for good.
                log.exception("the connection to broker %s failed", self.plan.uuid)
                self._tell(problem_of_connecting(self.plan.address, problem))
            finally:
                self._detach()
            await asyncio.sleep(wait * random.uniform(0.5, 1))  # noqa: S311 - spreads reconnections
            wait = min(LONGEST_WAIT_S, wait * 2)

    async def _connect(self) -> None:
        address = self.plan.address
        self._lost.clear()
        self._why, self._connected = None, self._loop.create_future()
        client = new_client(address, client_id=self.client_id, lasting=True)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        # paho then writes nothing by itself: what a turn of the loop acknowledges goes out at once.
        client.on_socket_register_write = self._on_want_write
        client.on_socket_close = self._on_socket_close
        self._client = client
        await asyncio.to_thread(open_connection, client, address, lasting=True, in_flight=IN_FLIGHT)
        found = client.socket()
        if found is None:
            raise ConnectionError("closed at once")
        self._descriptor = found.fileno()
        self._resume()
        self._loop.add_writer(self._descriptor, self._write)
        async with asyncio.timeout(CONNECT_TIME_S):
            await self._connected

    async def _stay(self) -> None:
        client = self._client
        while client is not None and not self._lost.is_set():
            client.loop_misc()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(MISC_EVERY_S):
                    await self._lost.wait()
        raise self._why or ConnectionError("closed")

    def _detach(self) -> None:
        """Let go of the connection; what was read of it is stored all the same."""
        if self._descriptor >= 0:
            self._loop.remove_reader(self._descriptor)
            self._loop.remove_writer(self._descriptor)
        client, self._client = self._client, None
        self._descriptor, self._reading = -1, False
        self.state.connected_since = None
        self._asked.clear()
        self._waited.clear()
        found = None if client is None else client.socket()
        if found is not None:
            found.close()

    def _tell(self, problem: BrokerProblem) -> None:
        if self.state.error is None or self.state.error.get("code") != problem.code:
            log.warning("broker %s: %s", self.plan.uuid, problem)
        self.state.error = {
            "code": problem.code,
            "message": problem.message,
            "params": {name: str(value) for name, value in problem.params.items()},
            "way_out": problem.way_out,
        }
        self.state.error_at = now()
        self._changed()

    # What paho calls, in the loop's own thread but for the first packet.

    def _on_connect(
        self, client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _more: Any
    ) -> None:
        if client is not self._client or self._connected is None or self._connected.done():
            return
        if reason.is_failure:
            self._connected.set_exception(problem_of_refusal(reason))
            return
        self.state.connected_since = now()
        self.state.error = None
        self._changed()
        log.info("connected to broker %s as %s", self.plan.uuid, self.client_id)
        self._subscribe(client)
        self._connected.set_result(None)

    def _on_disconnect(
        self, client: mqtt.Client, _data: Any, flags: Any, reason: Any, _more: Any
    ) -> None:
        if client is not self._client:
            return
        if flags.is_disconnect_packet_from_server:
            self._why = problem_of_refusal(reason)
        self._end(ConnectionError("closed"))

    def _on_subscribe(
        self, _client: mqtt.Client, _data: Any, mid: int, reasons: Any, _more: Any
    ) -> None:
        for filter_, reason in zip(self._waited.pop(mid, ()), reasons, strict=False):
            if reason.is_failure:
                self._tell(problem_of_subscribing(filter_, reason))

    def _on_want_write(self, client: mqtt.Client, _data: Any, _socket: Any) -> None:
        if client is self._client and self._descriptor >= 0:
            self._loop.add_writer(self._descriptor, self._write)

    def _on_socket_close(self, client: mqtt.Client, _data: Any, _socket: Any) -> None:
        if client is self._client and self._descriptor >= 0:
            self._loop.remove_reader(self._descriptor)
            self._loop.remove_writer(self._descriptor)
            self._descriptor, self._reading = -1, False

    def _on_message(self, client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""
        arrived = Arrived(
            topic,
            bytes(message.payload),
            message.qos,
            message.mid,
            message.dup,
            message.retain,
            now(),
        )
        state = self.state
        state.received += 1
        state.last_message_at = arrived.received_at
        state.unguaranteed += arrived.qos == 0
        state.retained += arrived.retained
        if self._acknowledge_first:
            client.ack(arrived.mid, arrived.qos)
        held = _Held(client, arrived)
        key = arrived.identity if arrived.qos else id(held)
        if arrived.qos and (known := self._held.get(key)) is not None:
            # Given again on a new connection while we still hold it: stored once, answered there.
            known.client = client
            return
        self._held[key] = held
        self._octets += len(arrived.payload)
        task = self._loop.create_task(self._keep(key, held))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if len(self._held) >= MOST_HELD or self._octets >= MOST_OCTETS:
            self._pause()

    async def _keep(self, key: Any, held: _Held) -> None:
        arrived = held.arrived
        await self._storing.keep(arrived, plan=self.plan, state=self.state)
        del self._held[key]
        self._octets -= len(arrived.payload)
        # Acknowledged on the connection that gave it last; on a lost one it would mean nothing.
        if held.client is self._client and arrived.qos and not self._acknowledge_first:
            held.client.ack(arrived.mid, arrived.qos)
        if not self._reading and len(self._held) < IN_FLIGHT and self._octets < MOST_OCTETS // 2:
            self._resume()

    def _subscribe(self, client: mqtt.Client) -> None:
        wanted: dict[str, int] = {}
        group = self.plan.shared_group
        for wish in self.plan.wishes if group or self._number == 1 else ():
            with contextlib.suppress(BrokerRefused):
                filter_ = shared(topic_of(wish.topic).filter, group=group)
                wanted[filter_] = max(wish.qos, wanted.get(filter_, 0))
        for filter_ in self._asked - set(wanted):
            client.unsubscribe(filter_)
        new = sorted(set(wanted) - self._asked)
        self._asked = set(wanted)
        if not new:
            return
        if self.plan.address.protocol is Protocol.V5:
            options = [
                # A shared subscription gives no retained messages, and takes no such option.
                (one, SubscribeOptions(qos=wanted[one], retainHandling=0 if group else _ONLY_NEW))
                for one in new
            ]
            _result, mid = client.subscribe(options)
        else:
            _result, mid = client.subscribe([(one, wanted[one]) for one in new])
        if mid is not None:
            self._waited[mid] = new

    def _read(self) -> None:
        client = self._client
        if client is None:
            return
        try:
            failed = client.loop_read(PACKETS_AT_ONCE) != mqtt.MQTT_ERR_SUCCESS
            self._end(ConnectionError("closed")) if failed else self._read_rest(client)
        except OSError as problem:
            self._end(problem)

    def _read_rest(self, client: mqtt.Client) -> None:
        """Come back for what TLS has unpacked already: the descriptor would not say so."""
        found: Any = client.socket()
        if self._reading and found is not None and getattr(found, "pending", int)():
            self._loop.call_soon(self._read)

    def _write(self) -> None:
        client = self._client
        if client is None:
            return
        failed = client.loop_write() != mqtt.MQTT_ERR_SUCCESS
        if self._descriptor >= 0 and not client.want_write():
            self._loop.remove_writer(self._descriptor)
        if failed:
            self._end(ConnectionError("closed"))

    def _end(self, problem: Exception) -> None:
        if self._connected is not None and not self._connected.done():
            self._connected.set_exception(self._why or problem)
        self._lost.set()

    def _pause(self) -> None:
        if self._reading and self._descriptor >= 0:
            self._loop.remove_reader(self._descriptor)
        self._reading = False

    def _resume(self) -> None:
        if self._descriptor >= 0 and not self._reading:
            self._reading = True
            self._loop.add_reader(self._descriptor, self._read)
            self._loop.call_soon(self._read)
