from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.foundation.messaging.contracts import WebhookRefused
from beffroi.foundation.messaging.destinations import (
    AddressRefused,
    NameUnknown,
    Policy,
    checked_addresses,
    parse_destination,
    parse_networks,
)

PUBLIC_ONLY = Policy()
TOWN_HALL = Policy(parse_networks("10.1.0.0/16, fd12:3456::/32"))
HERE = Policy(parse_networks("127.0.0.0/8, ::1"))

REFUSED = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",  # noqa: S104 - an address to refuse
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.8",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
    "2001:db8::1",
    "fc00::1",
    "fd12:3456:789a::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "100::1",
    "5f00::1",
]
ACCEPTED = ["93.184.216.34", "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", REFUSED)
def test_addresses_of_the_inside_are_refused(address: str) -> None:
    destination = parse_destination("https://ville.exemple.fr/x", policy=PUBLIC_ONLY)
    with pytest.raises(AddressRefused):
        checked_addresses(destination, policy=PUBLIC_ONLY, resolver=lambda _h, _p: [address])


@pytest.mark.parametrize("address", ACCEPTED)
def test_public_addresses_are_accepted(address: str) -> None:
    destination = parse_destination("https://ville.exemple.fr/x", policy=PUBLIC_ONLY)
    found = checked_addresses(destination, policy=PUBLIC_ONLY, resolver=lambda _h, _p: [address])
    assert found == [ipaddress.ip_address(address)]


def test_one_refused_address_among_several_refuses_all() -> None:
    destination = parse_destination("https://ville.exemple.fr/x", policy=PUBLIC_ONLY)
    with pytest.raises(AddressRefused):
        checked_addresses(
            destination, policy=PUBLIC_ONLY, resolver=lambda _h, _p: ["8.8.8.8", "10.0.0.1"]
        )


def test_a_name_without_address_is_unknown() -> None:
    destination = parse_destination("https://ville.exemple.fr/x", policy=PUBLIC_ONLY)
    answers: list[list[str]] = [[], ["n’importe quoi"]]
    while answers:
        with pytest.raises(NameUnknown):
            checked_addresses(
                destination, policy=PUBLIC_ONLY, resolver=lambda _h, _p: answers.pop()
            )


def test_networks_that_are_named_are_allowed_and_no_other() -> None:
    for url, allowed in (
        ("https://10.1.2.3/", True),
        ("https://10.2.0.1/", False),
        ("https://[fd12:3456::1]/", True),
        ("https://[fd12:3457::1]/", False),
        ("https://[::ffff:10.1.2.3]/", True),
        ("https://8.8.8.8/", True),
    ):
        if allowed:
            parse_destination(url, policy=TOWN_HALL)
        else:
            with pytest.raises(WebhookRefused):
                parse_destination(url, policy=TOWN_HALL)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ville.exemple.fr",
        "//ville.exemple.fr/x",
        "http://ville.exemple.fr/",
        "http://127.0.0.1/",
        "ftp://ville.exemple.fr/",
        "file:///etc/passwd",
        "gopher://ville.exemple.fr/",
        "https://",
        "https:///x",
        "https://user@ville.exemple.fr/",
        "https://user:secret@ville.exemple.fr/",
        "https://ville.exemple.fr:22/",
        "https://ville.exemple.fr:0/",
        "https://ville.exemple.fr:99999/",
        "https://ville.exemple.fr:x/",
        "https://ville.exemple.fr/a b",
        "https://ville.exemple.fr/\r\nX-Injected: 1",
        "https://ville.exemple.fr\r\n.example/",
        "https://ville.exemple.fr\\@127.0.0.1/",
        "https://ville..fr/",
        "https://-ville.fr/",
        "https://127.1/",
        "https://0x7f.0.0.1/",
        "https://2130706433/",
        "https://0177.0.0.1/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[fe80::1%25eth0]/",
        "https://ville.exemple.fr/é",
        "https://" + "a" * 300 + ".fr/",
        "https://ville.exemple.fr/" + "a" * 2_000,
    ],
)
def test_what_is_no_public_address_over_tls_is_refused(url: str) -> None:
    with pytest.raises(WebhookRefused):
        parse_destination(url, policy=PUBLIC_ONLY)


def test_an_address_is_read() -> None:
    one = parse_destination("https://Été.Exemple.fr:8443/a/b?c=d#e", policy=PUBLIC_ONLY)
    assert (one.secure, one.host, one.port, one.target) == (
        True,
        "xn--t-9fab.exemple.fr",
        8443,
        "/a/b?c=d",
    )
    assert one.authority == "xn--t-9fab.exemple.fr:8443"
    plain = parse_destination("https://ville.exemple.fr.", policy=PUBLIC_ONLY)
    assert (plain.authority, plain.port, plain.target) == ("ville.exemple.fr", 443, "/")
    six = parse_destination("https://[2606:2800:220:1::1]:8443/", policy=PUBLIC_ONLY)
    assert six.authority == "[2606:2800:220:1::1]:8443"


def test_plain_http_goes_to_the_loopback_alone_where_it_is_named() -> None:
    assert not parse_destination("http://127.0.0.1:8080/", policy=HERE).secure
    assert not parse_destination("http://[::1]:8080/", policy=HERE).secure
    for url in ("http://8.8.8.8/", "http://ville.exemple.fr/"):
        with pytest.raises(WebhookRefused):
            parse_destination(url, policy=HERE)
    named = parse_destination("http://localhost:8080/", policy=HERE)
    with pytest.raises(AddressRefused):
        checked_addresses(named, policy=HERE, resolver=lambda _h, _p: ["8.8.8.8"])


@given(st.ip_addresses())
def test_no_private_address_is_ever_allowed(address: ipaddress.IPv4Address) -> None:
    if PUBLIC_ONLY.allows(address):
        assert address.is_global
        assert not address.is_private
        assert not address.is_multicast
        assert not address.is_loopback
        assert not address.is_link_local


@given(st.text(max_size=60))
def test_no_text_breaks_the_reading_of_addresses(text: str) -> None:
    for url in (text, f"https://{text}", f"https://ville.exemple.fr/{text}"):
        try:
            destination = parse_destination(url, policy=PUBLIC_ONLY)
        except WebhookRefused:
            continue
        whole = destination.host + destination.target + destination.authority
        assert whole.isascii()
        assert not any(mark in whole for mark in "\r\n\t \x00")
