"""``beffroi people``: what only the server's own command line may do for accounts."""

from __future__ import annotations

import argparse
from datetime import timedelta
from typing import TYPE_CHECKING

from beffroi.site.cli.output import line
from beffroi.site.cli.program import Command
from beffroi.site.cli.words import gettext as _

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_commands(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands of ``people``."""
    people = subparsers.add_parser("people", help=_("accounts, from the server"))
    inner = people.add_subparsers(metavar="ACTION", required=True)
    invite = inner.add_parser("invite", help=_("invites an administrator of a territory"))
    invite.add_argument("territory", metavar=_("TERRITORY"))
    invite.add_argument("email", metavar=_("ADDRESS"))
    invite.set_defaults(command=Command(run_invite))
    add = inner.add_parser("add", help=_("adds a person without invitation"))
    add.add_argument("territory", metavar=_("TERRITORY"))
    add.add_argument("email", metavar=_("ADDRESS"))
    add.add_argument("--name", required=True, metavar=_("NAME"))
    add.add_argument("--role", default="operator", help=_("key of a first role"), metavar=_("KEY"))
    add.set_defaults(command=Command(run_add))
    link = inner.add_parser("sign-in-link", help=_("opens a session without second factor, once"))
    link.add_argument("email", metavar=_("ADDRESS"))
    link.add_argument("--minutes", type=int, default=15)
    link.set_defaults(command=Command(run_link))
    renew = inner.add_parser(
        "renew", help=_("prints a link with which a person chooses password and second factor anew")
    )
    renew.add_argument("email", metavar=_("ADDRESS"))
    renew.set_defaults(command=Command(run_renew))
    address = inner.add_parser(
        "address", help=_("changes the address with which a person signs in")
    )
    address.add_argument("email", metavar=_("ADDRESS"))
    address.add_argument("wanted", metavar=_("NEW ADDRESS"))
    address.set_defaults(command=Command(run_address))
    disable = inner.add_parser("disable", help=_("closes an account and its sessions, everywhere"))
    disable.add_argument("email", metavar=_("ADDRESS"))
    disable.set_defaults(command=Command(run_disable))


def run_invite(options: argparse.Namespace) -> None:
    """Invite an administrator and print the link once."""
    from beffroi.foundation.accounts.api import first_administrator_invite
    from beffroi.foundation.territories.api import territory_by_slug
    from beffroi.site.links import absolute

    territory = territory_by_slug(options.territory)
    issued = first_administrator_invite(territory.id, email=options.email)
    line(options.email, _("invited"), absolute(issued.path))


def run_add(options: argparse.Namespace) -> None:
    """Make a member; a sign-in link opens the account."""
    from beffroi.foundation.accounts.api import member_add
    from beffroi.foundation.territories.api import territory_by_slug

    territory = territory_by_slug(options.territory)
    new = member_add(territory.id, email=options.email, full_name=options.name, preset=options.role)
    line(options.email, _("added") if new else _("already here"), territory.name)


def run_link(options: argparse.Namespace) -> None:
    """Make a link that signs in once; it is written in the audit log."""
    from beffroi.foundation.accounts.api import sign_in_link_create
    from beffroi.site.links import absolute

    issued = sign_in_link_create(options.email, ttl=timedelta(minutes=options.minutes))
    line(options.email, _("link"), absolute(issued.path))


def run_renew(options: argparse.Namespace) -> None:
    """Make a link that opens an account anew; it is written in the audit log."""
    from beffroi.foundation.accounts.api import renewal_issue_from_server
    from beffroi.site.links import absolute

    issued = renewal_issue_from_server(options.email)
    line(options.email, _("link"), absolute(issued.path))


def run_address(options: argparse.Namespace) -> None:
    """Change the address of an account at once."""
    from beffroi.foundation.accounts.api import address_change_from_server

    done = address_change_from_server(options.email, wanted=options.wanted)
    line(done.former, _("changed"), done.email)


def run_disable(options: argparse.Namespace) -> None:
    """Close an account everywhere."""
    from beffroi.foundation.accounts.api import UnknownPerson, account_deactivate, user_find

    user = user_find(options.email)
    if user is None:
        raise UnknownPerson("No account has the address {email}.", params={"email": options.email})
    account_deactivate(user)
    line(options.email, _("closed"), _("its sessions are ended"))
