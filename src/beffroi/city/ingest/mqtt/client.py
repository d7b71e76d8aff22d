"""A paho client for one broker, and what its refusals mean to a person."""

from __future__ import annotations

import socket
import ssl
import tempfile
from typing import TYPE_CHECKING

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from beffroi.city.ingest.mqtt.contracts import Address, BrokerProblem, Protocol

if TYPE_CHECKING:
    from paho.mqtt.reasoncodes import ReasonCode

CONNECT_TIME_S = 10.0
SESSION_S = 7 * 24 * 3600
"""How long a broker keeps our session, and what it holds for it, while we are away."""

MAX_PACKET = 8 * 1024 * 1024 + 64 * 1024
"""Octets of a message that a broker (MQTT 5) may give us; a longer one it keeps from us."""


class _Socket(ssl.SSLSocket):
    """A socket that is closed when the handshake fails: paho would leave it open."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - as ssl has it
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def new_client(address: Address, *, client_id: str, lasting: bool) -> mqtt.Client:
    """Return a client that is not connected; messages are acknowledged by hand.

    Args:
        address: of the broker, with what we show to it.
        client_id: names our session there.
        lasting: the broker keeps the session, and what arrives for it, while we are away.

    Raises:
        BrokerProblem: a certificate or a key is none.
    """
    is_5 = address.protocol is Protocol.V5
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        clean_session=None if is_5 else not lasting,
        protocol=mqtt.MQTTv5 if is_5 else mqtt.MQTTv311,
        manual_ack=True,
        reconnect_on_failure=False,
    )
    client.connect_timeout = CONNECT_TIME_S
    if address.username:
        client.username_pw_set(address.username, address.password or None)
    if address.tls:
        client.tls_set_context(tls_context(address))
    return client


def open_connection(
    client: mqtt.Client, address: Address, *, lasting: bool, in_flight: int
) -> None:
    """Connect, and send the first packet; blocks for at most :data:`CONNECT_TIME_S` a step.

    Raises:
        OSError: nobody answers, or TLS fails.
    """
    if address.protocol is Protocol.V5:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it untyped
        properties.ReceiveMaximum = in_flight
        properties.MaximumPacketSize = MAX_PACKET
        if lasting:
            properties.SessionExpiryInterval = SESSION_S
        client.connect(
            address.host,
            address.port,
            keepalive=address.keep_alive_s,
            clean_start=not lasting,
            properties=properties,
        )
    else:
        client.connect(address.host, address.port, keepalive=address.keep_alive_s)


def tls_context(address: Address) -> ssl.SSLContext:
    """Return how TLS is spoken: with the broker's own authority when one is given, else ours.

    Raises:
        BrokerProblem: a certificate or a key is none, or they are not of each other.
    """
    try:
        context = ssl.create_default_context(cadata=address.ca_certificate or None)
    except (ssl.SSLError, ValueError) as problem:
        raise BrokerProblem(
            "The authority's certificate cannot be read: {reason}.",
            code="broker.authority",
            params={"reason": _reason(problem)},
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = _Socket
    if address.client_certificate:
        # OpenSSL reads a key from a file only: this one has no name in any folder.
        with tempfile.TemporaryFile() as pair:
            pair.write(f"{address.client_certificate}\n{address.client_key}\n".encode())
            pair.flush()
            try:
                context.load_cert_chain(f"/proc/self/fd/{pair.fileno()}")
            except (ssl.SSLError, OSError, ValueError) as problem:
                raise BrokerProblem(
                    "Our certificate and its key cannot be used: {reason}.",
                    code="broker.certificate",
                    params={"reason": _reason(problem)},
                ) from None
    return context


def problem_of_connecting(address: Address, problem: Exception) -> BrokerProblem:
    """Return why there is no connection, in words."""
    if isinstance(problem, BrokerProblem):
        return problem
    params: dict[str, object] = {
        "host": address.host,
        "port": address.port,
        "reason": _reason(problem),
    }
    for kind, code, message, way_out in (
        (socket.gaierror, "broker.name", "The name {host} is not known.",
         "Check it; a name of your own network must be known to this machine too."),
        (ssl.SSLCertVerificationError, "broker.untrusted",
         "The broker's certificate is not to be trusted: {reason}.",
         "Give the certificate of the authority that signed it, and the name that stands in it."),
        (ssl.SSLError, "broker.tls", "TLS was refused: {reason}.",
         "The broker may ask for a certificate of ours, or speak no TLS on this port."),
        (TimeoutError, "broker.silent", "{host} does not answer on port {port}.",
         "A firewall may stand between."),
        (ConnectionRefusedError, "broker.closed", "Nothing listens on port {port} of {host}.",
         "Check the port: 8883 with TLS and 1883 without are usual."),
        (ConnectionError, "broker.cut", "The broker ended the connection.",
         "With TLS, it may ask for a certificate of ours."),
    ):  # fmt: skip
        if isinstance(problem, kind):
            return BrokerProblem(message, code=code, way_out=way_out, params=params)
    return BrokerProblem(
        "{host} cannot be reached: {reason}.", code="broker.unreachable", params=params
    )


def problem_of_refusal(reason: ReasonCode) -> BrokerProblem:
    """Return why a broker does not let us in, or no longer, in words."""
    name = str(reason)
    known = {
        "Bad user name or password": (
            "The broker refuses the user or the password.",
            "Enter them again; some services want a key in the place of the password.",
        ),
        "Not authorized": (
            "The broker knows us and does not let us in.",
            "Its access list must let this user connect.",
        ),
        "Unsupported protocol version": (
            "The broker does not speak this version of MQTT.",
            "Choose the other version.",
        ),
        "Client identifier not valid": (
            "The broker refuses our client identifier.",
            "Change it on the broker's page.",
        ),
        "Session taken over": (
            "Another program uses our client identifier.",
            "Give each its own; two subscriber processes need two numbers.",
        ),
    }
    message, way_out = known.get(name, ("The broker ends the connection: {reason}.", ""))
    return BrokerProblem(
        message, code="broker.refusal", way_out=way_out, params={"reason": name[:120]}
    )


def problem_of_subscribing(filter_: str, reason: ReasonCode) -> BrokerProblem:
    """Return why a topic is not given to us, in words."""
    return BrokerProblem(
        "The broker does not give us {topic}: {reason}.",
        code="broker.topic",
        way_out="Its access list must let our user read this topic.",
        params={"topic": filter_[:200], "reason": str(reason)[:120]},
    )


def _reason(problem: Exception) -> str:
    text = getattr(problem, "verify_message", "") or getattr(problem, "strerror", "")
    return str(text or problem).strip().rstrip(".")[:200]
