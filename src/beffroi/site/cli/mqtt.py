"""``beffroi mqtt``: the subscriber, and who may publish on a broker of one's own."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from beffroi.kernel.errors import InvalidInput
from beffroi.site.cli.output import line
from beffroi.site.cli.program import Command
from beffroi.site.cli.words import counted, decimal, ngettext
from beffroi.site.cli.words import gettext as _

if TYPE_CHECKING:
    from argparse import _SubParsersAction
    from uuid import UUID

    from beffroi.city.ingest.mqtt.contracts import BrokerView
    from beffroi.foundation.territories.api import TerritoryCard

WATCH_S = 1.0
PASSWORD_VARIABLE = "BEFFROI_MQTT_PASSWORD"  # noqa: S105 - the name of a variable


def add_commands(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands of ``mqtt``."""
    mqtt = subparsers.add_parser("mqtt", help=_("MQTT brokers: the subscriber, who may publish"))
    inner = mqtt.add_subparsers(metavar="ACTION", required=True)
    run = inner.add_parser("run", help=_("takes messages from the brokers"))
    run.add_argument(
        "--number",
        type=int,
        default=1,
        metavar="N",
        help=_("which of several subscribers this is, from 1; each has its own session"),
    )
    run.set_defaults(command=Command(run_subscriber))
    brokers = inner.add_parser("list", help=_("lists the brokers and how they are"))
    brokers.add_argument("--territory", metavar=_("TERRITORY"))
    brokers.set_defaults(command=Command(run_list))
    add = inner.add_parser("add", help=_("declares a broker"))
    add.add_argument("name", metavar=_("NAME"))
    add.add_argument(
        "address", metavar=_("ADDRESS"), help=_("mqtts://host:8883 or mqtt://host:1883")
    )
    add.add_argument(
        "--user",
        default="",
        metavar=_("USER"),
        help=_("ours; its password is read from BEFFROI_MQTT_PASSWORD"),
    )
    add.add_argument(
        "--ca",
        type=Path,
        metavar=_("FILE"),
        help=_("certificate of the authority that signed the broker’s"),
    )
    add.add_argument(
        "--certificate", type=Path, metavar=_("FILE"), help=_("ours, where the broker asks for one")
    )
    add.add_argument("--key", type=Path, metavar=_("FILE"), help=_("of our certificate"))
    add.add_argument("--protocol", choices=("5", "3.1.1"), default="5")
    add.add_argument(
        "--group",
        default="",
        metavar=_("NAME"),
        help=_("group in which several subscribers share the messages"),
    )
    add.add_argument("--territory", metavar=_("TERRITORY"))
    add.set_defaults(command=Command(run_add))
    subscribe = inner.add_parser("subscribe", help=_("receives a source by a topic of a broker"))
    _of_broker(subscribe)
    subscribe.add_argument("source", metavar=_("SOURCE"))
    subscribe.add_argument("topic", metavar=_("TOPIC"), help=_("as t/{device}/up"))
    subscribe.add_argument("--qos", type=int, choices=(0, 1), default=1)
    subscribe.set_defaults(command=Command(run_subscribe))
    acl = inner.add_parser("acl", help=_("writes the files by which mosquitto knows its users"))
    _of_broker(acl)
    acl.add_argument("--to", type=Path, required=True, metavar=_("FOLDER"))
    acl.add_argument("--port", type=int, default=8883)
    acl.add_argument("--hostname", default=socket.getfqdn(), help=_("of the certificate’s files"))
    acl.add_argument(
        "--pid-file", type=Path, metavar=_("FILE"), help=_("of mosquitto, which then reads them")
    )
    acl.add_argument(
        "--watch", action="store_true", help=_("stays, and writes again what is changed")
    )
    acl.set_defaults(command=Command(run_acl))
    password = inner.add_parser("password", help=_("gives a device or a source a new password"))
    _of_broker(password)
    password.add_argument("user", metavar=_("USER"))
    password.add_argument("--source", metavar=_("SOURCE"), help=_("its network server’s user"))
    password.set_defaults(command=Command(run_password))
    revoke = inner.add_parser("revoke", help=_("refuses a user from now on"))
    _of_broker(revoke)
    revoke.add_argument("user", metavar=_("USER"))
    revoke.set_defaults(command=Command(run_revoke))


def run_subscriber(options: argparse.Namespace) -> None:
    """Subscribe until a signal.

    Raises:
        InvalidInput: the number is none.
    """
    from beffroi.city.ingest.mqtt.process import run_subscriber as run

    if not 1 <= options.number <= 999:
        raise InvalidInput(
            "{value} is not a number from 1 to 999.", field="--number", value=options.number
        )
    run(number=options.number)


def run_list(options: argparse.Namespace) -> None:
    """Print one line for each broker."""
    from beffroi.city.ingest.mqtt.api import brokers_list
    from beffroi.foundation.database.api import acting_for

    with acting_for(_territory(options).id):
        for broker in brokers_list():
            rate = sum(state.rate for state in broker.states)
            error = next((state.error for state in broker.states if state.error), "")
            if broker.connected:
                detail = _("{rate} messages a second").format(rate=decimal(rate))
                line(broker.name, _("connected"), f"{broker.address}  {detail}")
            else:
                line(broker.name, _("away"), f"{broker.address}  {error}")


def run_add(options: argparse.Namespace) -> None:
    """Declare a broker.

    Raises:
        InvalidInput: the address is none.
    """
    from beffroi.city.ingest.mqtt.api import (
        PLAIN_PORT,
        TLS_PORT,
        BrokerDescription,
        Protocol,
        broker_create,
    )
    from beffroi.foundation.database.api import acting_for

    parts = urlsplit(options.address)
    if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname or parts.path.strip("/"):
        raise InvalidInput(
            "{value} is no address of a broker.",
            field="address",
            value=options.address,
            way_out="Write it as mqtts://mqtt.ville.example.fr:8883.",
        )
    tls = parts.scheme == "mqtts"
    described = BrokerDescription(
        name=options.name,
        host=parts.hostname,
        port=parts.port or (TLS_PORT if tls else PLAIN_PORT),
        tls=tls,
        ca_certificate=_text(options.ca),
        client_certificate=_text(options.certificate),
        client_key=_text(options.key),
        username=options.user,
        password=os.environ.get(PASSWORD_VARIABLE) or None,
        protocol=Protocol(options.protocol),
        shared_group=options.group,
    )
    with acting_for(_territory(options).id):
        broker = broker_create(described)
    line(broker.name, _("added"), options.address)


def run_subscribe(options: argparse.Namespace) -> None:
    """Receive a source by a topic."""
    from beffroi.city.ingest.mqtt.api import subscription_add
    from beffroi.foundation.database.api import acting_for

    territory = _territory(options)
    broker = _chosen_broker(territory, options.broker)
    with acting_for(territory.id):
        source = _chosen_source(options.source)
        subscription_add(source, broker.uuid, topic=options.topic, qos=options.qos)
    line(options.source, _("subscribed"), f"{broker.name}  {options.topic}")


def run_acl(options: argparse.Namespace) -> None:
    """Write the files, once or each time that something changes."""
    from django.db import connection

    territory = _territory(options)
    broker = _chosen_broker(territory, options.broker)
    _write_configuration(options)
    _write_access(options, territory, broker, always=True)
    while options.watch:
        connection.close()
        time.sleep(WATCH_S)
        _write_access(options, territory, broker, always=False)


def run_password(options: argparse.Namespace) -> None:
    """Print a new password, once; a former one ends when the files are written again."""
    from beffroi.city.ingest.mqtt.api import account_issue
    from beffroi.foundation.database.api import acting_for

    territory = _territory(options)
    broker = _chosen_broker(territory, options.broker)
    with acting_for(territory.id):
        source = _chosen_source(options.source) if options.source else None
        issued = account_issue(broker.uuid, options.user, source_uuid=source)
    line(issued.username, _("opened"), _("{secret}   (shown this once)").format(
        secret=issued.password
    ))  # fmt: skip
    sys.stdout.write(_("The broker knows it once `beffroi mqtt acl` has written its files.") + "\n")


def run_revoke(options: argparse.Namespace) -> None:
    """Refuse a user.

    Raises:
        InvalidInput: there is no such user.
    """
    from beffroi.city.ingest.mqtt.api import account_revoke, accounts_of
    from beffroi.foundation.database.api import acting_for

    territory = _territory(options)
    broker = _chosen_broker(territory, options.broker)
    with acting_for(territory.id):
        known = {one.username: one.uuid for one in accounts_of(broker.uuid, limit=1_000_000)}
        if options.user not in known:
            raise InvalidInput("There is no user called {value}.", field="user", value=options.user)
        account_revoke(broker.uuid, known[options.user])
    line(options.user, _("revoked"), _("refused once `beffroi mqtt acl` has written the files"))


def _of_broker(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--broker", required=True, metavar=_("NAME"))
    parser.add_argument("--territory", metavar=_("TERRITORY"))


def _territory(options: argparse.Namespace) -> TerritoryCard:
    from beffroi.site.cli.choosing import chosen_territory

    return chosen_territory(options.territory)


def _chosen_broker(territory: TerritoryCard, name: str) -> BrokerView:
    from beffroi.city.ingest.mqtt.api import brokers_list
    from beffroi.foundation.database.api import acting_for

    with acting_for(territory.id):
        known = brokers_list()
    for broker in known:
        if name in {broker.name, str(broker.uuid)}:
            return broker
    raise InvalidInput(
        "There is no broker called {value}.",
        field="--broker",
        value=name,
        way_out="Choose among: {names}.",
        params={"names": ", ".join(broker.name for broker in known) or "–"},
    )


def _chosen_source(name: str) -> UUID:
    from beffroi.city.ingest.api import sources_list

    known = {one.name: one.uuid for one in sources_list()}
    if name not in known:
        raise InvalidInput(
            "There is no source called {value}.",
            field="source",
            value=name,
            way_out="Choose among: {names}.",
            params={"names": ", ".join(known) or "–"},
        )
    return known[name]


def _text(path: Path | None) -> str:
    return "" if path is None else path.read_text(encoding="utf-8")


def _write_configuration(options: argparse.Namespace) -> None:
    from beffroi.city.ingest.mqtt.acl import CONFIGURATION
    from beffroi.city.ingest.mqtt.api import configuration

    folder: Path = options.to.absolute()
    text = configuration(folder=folder, port=options.port, hostname=options.hostname)
    path = folder / CONFIGURATION
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _write_access(
    options: argparse.Namespace, territory: TerritoryCard, broker: BrokerView, *, always: bool
) -> None:
    from beffroi.city.ingest.mqtt.api import broker_access, write_files
    from beffroi.foundation.database.api import acting_for

    with acting_for(territory.id):
        found = broker_access(broker.uuid)
    changed = write_files(found, options.to.absolute())
    if not changed and not always:
        return
    if options.pid_file is not None:
        os.kill(int(options.pid_file.read_text(encoding="ascii").strip()), signal.SIGHUP)
    users = ngettext("{count} user", "{count} users", found.users)
    line(broker.name, _("written"), f"{options.to}  {users.format(count=counted(found.users))}")
