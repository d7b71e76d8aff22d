"""Changing the address with which a person signs in.

The person asks while signed in and with their password. The new address then counts once
somebody has confirmed it: whoever opens the link sent to it, or, where no e-mail is sent, a
colleague who manages people. Until then the former address goes on.
"""

from __future__ import annotations

from uuid import UUID

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction

from beffroi.foundation.accounts import journal
from beffroi.foundation.accounts.addresses import checked_address
from beffroi.foundation.accounts.contracts import (
    ADDRESS_CHANGE_LIFETIME,
    Access,
    AddressChangeCard,
    AddressChangeInvalid,
    AddressTaken,
    UnknownPerson,
)
from beffroi.foundation.accounts.models import AddressChange, Membership, User
from beffroi.foundation.accounts.selectors import user_find
from beffroi.foundation.accounts.services import person_subject
from beffroi.foundation.accounts.tokens import token_hash, token_new
from beffroi.foundation.audit.api import SYSTEM, Actor, Subject, audit_record
from beffroi.kernel.clock import now
from beffroi.kernel.errors import InvalidInput


@transaction.atomic
def address_change_ask(user: User, *, email: str, ip: str = "") -> AddressChangeCard:
    """Keep the address that a person wants; a former wish is forgotten.

    Raises:
        InvalidInput: the text is no address, or is the address of today.
        AddressTaken: another account signs in with it.
    """
    address = checked_address(email)
    if address == user.email:
        raise InvalidInput(
            "{email} is the address of your account already.",
            field="email",
            value=email,
            params={"email": address},
        )
    _refuse_taken(address, user=user)
    token, at = token_new(), now()
    row, _made = AddressChange.objects.update_or_create(
        user=user,
        defaults={
            "email": address,
            "token_hash": token_hash(token),
            "created_at": at,
            "expires_at": at + ADDRESS_CHANGE_LIFETIME,
        },
    )
    audit_record(
        journal.ADDRESS_ASKED,
        actor=journal.actor_of(user),
        territory_id=None,
        subject=person_subject(user),
        detail={"email": address},
        ip=ip,
    )
    return _card(row, token=token)


def address_change_of(user: User) -> AddressChangeCard | None:
    """Return the change that waits for a person, if any."""
    row = AddressChange.objects.filter(user=user, expires_at__gt=now()).first()
    return None if row is None else _card(row)


def address_changes_waiting() -> list[AddressChangeCard]:
    """Return the changes that members of the current territory have asked for."""
    here = Membership.objects.filter(is_active=True).values("user_id")
    rows = AddressChange.objects.filter(user_id__in=here, expires_at__gt=now())
    return [_card(row) for row in rows.select_related("user").order_by("created_at")]


def address_change_open(token: str) -> AddressChangeCard:
    """Return the change that a link confirms, without doing it.

    Raises:
        AddressChangeInvalid: never asked for, done, withdrawn or expired.
    """
    return _card(_of_token(token))


@transaction.atomic
def address_change_confirm(token: str, *, ip: str = "") -> AddressChangeCard:
    """Do what a link confirms.

    Raises:
        AddressChangeInvalid: never asked for, done, withdrawn or expired.
        AddressTaken: another account has taken the address meanwhile.
    """
    row = _of_token(token, lock=True)
    return _apply(row, actor=journal.actor_of(row.user), territory_id=None, ip=ip)


@transaction.atomic
def address_change_accept(person: UUID, *, access: Access, ip: str = "") -> AddressChangeCard:
    """Confirm the change of a member of the current territory, whom one knows.

    Raises:
        AddressChangeInvalid: nothing waits for this person here, or it is oneself.
        AddressTaken: another account has taken the address meanwhile.
    """
    row = _of_member(person, access=access)
    return _apply(row, actor=journal.actor_of(access), territory_id=access.territory_id, ip=ip)


@transaction.atomic
def address_change_refuse(person: UUID, *, access: Access, ip: str = "") -> None:
    """Forget the change of a member of the current territory.

    Raises:
        AddressChangeInvalid: nothing waits for this person here.
    """
    row = _of_member(person, access=access)
    subject, wanted = person_subject(row.user), row.email
    row.delete()
    audit_record(
        journal.ADDRESS_REFUSED,
        actor=journal.actor_of(access),
        territory_id=access.territory_id,
        subject=subject,
        detail={"email": wanted},
        ip=ip,
    )


@transaction.atomic
def address_change_from_server(email: str, *, wanted: str) -> AddressChangeCard:
    """Change an address at once, from the server's own command line.

    For the administrator who is alone, where no e-mail is sent.

    Raises:
        UnknownPerson: no account has this address.
        InvalidInput: the text is no address, or is the address of today.
        AddressTaken: another account signs in with it.
    """
    user = user_find(email)
    if user is None:
        raise UnknownPerson("No account has the address {email}.", params={"email": email})
    address_change_ask(user, email=wanted)
    row = AddressChange.objects.select_for_update().get(user=user)
    return _apply(row, actor=SYSTEM, territory_id=None, ip="")


def address_change_forget(user: User) -> None:
    """Forget one's own wish."""
    AddressChange.objects.filter(user=user).delete()


def _apply(
    row: AddressChange, *, actor: Actor, territory_id: int | None, ip: str
) -> AddressChangeCard:
    user, card = row.user, _card(row)
    _refuse_taken(row.email, user=user)
    user.email = row.email
    try:
        with transaction.atomic():
            user.save(update_fields=["email"])
    except IntegrityError as error:
        raise _taken(row.email) from error
    # Links of a password reset and the library's own list go by its table of addresses.
    EmailAddress.objects.filter(user=user).delete()
    EmailAddress.objects.create(user=user, email=row.email, verified=True, primary=True)
    row.delete()
    audit_record(
        journal.ADDRESS_CHANGED,
        actor=actor,
        territory_id=territory_id,
        subject=Subject(kind="person", uuid=user.uuid, label=f"{user} <{card.former}>"),
        detail={"email": card.email},
        ip=ip,
    )
    return card


def _of_token(token: str, *, lock: bool = False) -> AddressChange:
    rows = AddressChange.objects.filter(token_hash=token_hash(token), expires_at__gt=now())
    if lock:
        rows = rows.select_for_update()
    row = rows.first()
    if row is None:
        raise _invalid()
    return row


def _of_member(person: UUID, *, access: Access) -> AddressChange:
    row = (
        AddressChange.objects.select_for_update()
        .filter(user__uuid=person, expires_at__gt=now())
        .first()
    )
    here = Membership.objects.filter(user__uuid=person, is_active=True).exists()
    if row is None or not here or row.user_id == access.user_id:
        raise _invalid()
    return row


def _refuse_taken(address: str, *, user: User) -> None:
    if User.objects.filter(email=address).exclude(pk=user.pk).exists():
        raise _taken(address)


def _taken(address: str) -> AddressTaken:
    return AddressTaken(
        "The address {email} cannot be used for your account.",
        params={"email": address},
        way_out="Take another one, or ask the administrator of your town.",
    )


def _invalid() -> AddressChangeInvalid:
    return AddressChangeInvalid(
        "This change of address cannot be confirmed: it was done, withdrawn, or has expired.",
        way_out="Ask for it again in your account.",
    )


def _card(row: AddressChange, *, token: str = "") -> AddressChangeCard:
    return AddressChangeCard(
        person=row.user.uuid,
        full_name=str(row.user),
        former=row.user.email,
        email=row.email,
        expires_at=row.expires_at,
        token=token,
    )
