"""``beffroi people``: what only the server's own command line may do for accounts."""

from __future__ import annotations

import argparse
from datetime import timedelta
from typing import TYPE_CHECKING

from beffroi.site.cli.output import line
from beffroi.site.cli.program import Command

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_commands(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands of ``people``."""
    people = subparsers.add_parser("people", help="les comptes, depuis le serveur")
    inner = people.add_subparsers(metavar="ACTION", required=True)
    invite = inner.add_parser("invite", help="invite un administrateur sur un territoire")
    invite.add_argument("territory", metavar="TERRITOIRE")
    invite.add_argument("email", metavar="ADRESSE")
    invite.set_defaults(command=Command(run_invite))
    add = inner.add_parser("add", help="ajoute une personne sans invitation")
    add.add_argument("territory", metavar="TERRITOIRE")
    add.add_argument("email", metavar="ADRESSE")
    add.add_argument("--name", required=True, metavar="NOM")
    add.add_argument("--role", default="operator", help="clé d’un premier rôle")
    add.set_defaults(command=Command(run_add))
    link = inner.add_parser("sign-in-link", help="ouvre une session sans second facteur, une fois")
    link.add_argument("email", metavar="ADRESSE")
    link.add_argument("--minutes", type=int, default=15)
    link.set_defaults(command=Command(run_link))
    disable = inner.add_parser("disable", help="ferme un compte et ses sessions, partout")
    disable.add_argument("email", metavar="ADRESSE")
    disable.set_defaults(command=Command(run_disable))


def run_invite(options: argparse.Namespace) -> None:
    """Invite an administrator and print the link once."""
    from beffroi.foundation.accounts.api import first_administrator_invite
    from beffroi.foundation.territories.api import territory_by_slug
    from beffroi.site.links import absolute

    territory = territory_by_slug(options.territory)
    issued = first_administrator_invite(territory.id, email=options.email)
    line(options.email, "invité", absolute(issued.path))


def run_add(options: argparse.Namespace) -> None:
    """Make a member; a sign-in link opens the account."""
    from beffroi.foundation.accounts.api import member_add
    from beffroi.foundation.territories.api import territory_by_slug

    territory = territory_by_slug(options.territory)
    new = member_add(territory.id, email=options.email, full_name=options.name, preset=options.role)
    line(options.email, "ajouté" if new else "déjà là", territory.name)


def run_link(options: argparse.Namespace) -> None:
    """Make a link that signs in once; it is written in the audit log."""
    from beffroi.foundation.accounts.api import sign_in_link_create
    from beffroi.site.links import absolute

    issued = sign_in_link_create(options.email, ttl=timedelta(minutes=options.minutes))
    line(options.email, "lien", absolute(issued.path))


def run_disable(options: argparse.Namespace) -> None:
    """Close an account everywhere."""
    from beffroi.foundation.accounts.api import UnknownPerson, account_deactivate, user_find

    user = user_find(options.email)
    if user is None:
        raise UnknownPerson("No account has the address {email}.", params={"email": options.email})
    account_deactivate(user)
    line(options.email, "fermé", "ses sessions sont terminées")
