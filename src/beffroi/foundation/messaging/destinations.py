"""Where a webhook may send: never into the installation's own network, unless it is named.

The address that is checked is the one that is connected to: a name that changes between the two
(DNS rebinding) changes nothing.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from beffroi.foundation.messaging.contracts import MAX_URL, WebhookRefused

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[[str, int], Sequence[str]]
"""From a host and a port to addresses, as text."""

_LOWEST_PORT = 1024
_HTTPS_PORT = 443
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_CONTROL = re.compile(r"[\x00-\x20\x7f\\]")

# Forms of IPv6 that carry an IPv4 address, and where in it: a gateway would send on to it.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.IPv6Network("64:ff9b:1::/48")
_COMPATIBLE = ipaddress.IPv6Network("::/96")
# Not "global" in every release of Python's registry, or global and never a receiver.
_NEVER = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "240.0.0.0/4",
        "::/16",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
    )
)


class AddressRefused(Exception):
    """The name leads where nothing may be sent."""


class NameUnknown(Exception):
    """The name leads nowhere."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the installation allows beside public addresses over TLS.

    Attributes:
        networks: networks of its own that may be sent to. Where the loopback is among them,
            plain HTTP to it is allowed: that is for development and tests.
    """

    networks: tuple[Network, ...] = ()

    def allows(self, address: IPAddress) -> bool:
        """Tell whether an address may be sent to."""
        inner = _carried(address)
        named = any(
            one.version == network.version and one in network
            for one in (address, inner)
            for network in self.networks
        )
        return named or (_is_public(address) and _is_public(inner))

    @property
    def allows_loopback(self) -> bool:
        """Tell whether something on this machine may be sent to."""
        return any(network.is_loopback for network in self.networks)


@dataclass(frozen=True, slots=True)
class Destination:
    """An address of the web that has a form we send to.

    Attributes:
        host: name or address, in ASCII, without brackets.
        target: path and query, as they go on the request line.
    """

    secure: bool
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """Return the value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"


def parse_networks(text: str) -> tuple[Network, ...]:
    """Read networks separated by commas.

    Raises:
        ValueError: one of them is not a network; a sole address is.
    """
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


def parse_destination(url: str, *, policy: Policy) -> Destination:
    """Read the address of a webhook.

    Raises:
        WebhookRefused: its form is not one that is sent to.
    """
    if len(url) > MAX_URL or _CONTROL.search(url):
        raise _refused("This is not a web address.", url)
    try:
        parts = urlsplit(url)
        port = parts.port
        host = _ascii_host(parts.hostname or "")
    except (ValueError, UnicodeError) as problem:
        raise _refused("This is not a web address.", url) from problem
    if parts.username is not None or parts.password is not None:
        raise _refused("The address may not hold a name or a password.", url)
    secure = parts.scheme == "https"
    if not secure and not (parts.scheme == "http" and _is_loopback(host, policy)):
        raise _refused("The address begins with https://.", url)
    port = port if port is not None else (_HTTPS_PORT if secure else 80)
    if secure and port != _HTTPS_PORT and port < _LOWEST_PORT:
        raise _refused("The port is 443, or 1024 and above.", url)
    try:
        target = ((parts.path or "/") + (f"?{parts.query}" if parts.query else "")).encode("ascii")
    except UnicodeError as problem:
        raise _refused("Letters with accents are percent-encoded in an address.", url) from problem
    literal = _literal(host)
    if literal is not None and not policy.allows(literal):
        raise _refused("This address lies in a network that nothing is sent to.", url)
    return Destination(secure, host, port, target.decode())


def checked_addresses(
    destination: Destination, *, policy: Policy, resolver: Resolver | None = None
) -> list[IPAddress]:
    """Resolve a destination once, and return its addresses, all of them allowed.

    Raises:
        NameUnknown: the name leads nowhere.
        AddressRefused: one of its addresses is refused; then none is used.
    """
    try:
        found = (resolver or _system_resolver)(destination.host, destination.port)
        addresses = [ipaddress.ip_address(text) for text in dict.fromkeys(found)]
    except (OSError, UnicodeError, ValueError) as problem:
        raise NameUnknown(destination.host) from problem
    if not addresses:
        raise NameUnknown(destination.host)
    for address in addresses:
        if not policy.allows(address) or (not destination.secure and not address.is_loopback):
            raise AddressRefused(str(address))
    return addresses


def _system_resolver(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def _is_public(address: IPAddress) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
        return False
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_unspecified
        and not any(address.version == network.version and address in network for network in _NEVER)
    )


def _carried(address: IPAddress) -> IPAddress:
    """Return the IPv4 address that an IPv6 address stands for, or the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.teredo is not None:
        return address.teredo[1]
    compatible = address in _COMPATIBLE and int(address) > 1
    if compatible or address in _NAT64 or address in _NAT64_LOCAL:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _ascii_host(host: str) -> str:
    """Return a host as it is asked of the DNS.

    Raises:
        ValueError: it is no name and no address.
    """
    if ":" in host:
        return str(ipaddress.IPv6Address(host))
    name = host.encode("idna").decode("ascii").lower().removesuffix(".")
    labels = name.split(".")
    if not name or len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(host)
    if labels[-1].isdigit() or labels[-1].startswith("0x"):
        # Numbers: only the plain four-part form, which every resolver reads in the same way.
        return str(ipaddress.IPv4Address(name))
    return name


def _literal(host: str) -> IPAddress | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_loopback(host: str, policy: Policy) -> bool:
    literal = _literal(host)
    here = host == "localhost" if literal is None else literal.is_loopback
    return here and policy.allows_loopback


def _refused(message: str, url: str) -> WebhookRefused:
    return WebhookRefused(message, field="url", value=url)
