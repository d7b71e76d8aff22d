"""Members made from the server's own command line, without invitation."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.db import transaction

from beffroi.foundation.accounts import journal
from beffroi.foundation.accounts.invitations import account_create
from beffroi.foundation.accounts.models import Membership, Role, User
from beffroi.foundation.accounts.presets import PRESETS
from beffroi.foundation.accounts.roles import presets_create
from beffroi.foundation.accounts.selectors import user_find
from beffroi.foundation.accounts.services import membership_create, person_subject
from beffroi.foundation.audit.api import SYSTEM, audit_record
from beffroi.foundation.database.api import acting_for
from beffroi.kernel.clock import now
from beffroi.kernel.errors import InvalidInput


@transaction.atomic
def member_add(territory_id: int, *, email: str, full_name: str, preset: str) -> bool:
    """Make an address a member with one of the first roles; tell whether it is new here.

    The account has no password: a sign-in link opens it, and the person then sets their own. An
    account that was closed is opened in the same way: its former password and second factors
    may be in other hands since.

    Raises:
        InvalidInput: no first role has this key.
    """
    if preset not in {known.key for known in PRESETS}:
        raise InvalidInput(
            "{value} is no first role.",
            field="role",
            value=preset,
            way_out="Choose among: {roles}.",
            params={"roles": ", ".join(known.key for known in PRESETS)},
        )
    user: User | None = user_find(email)
    if user is None:
        user = account_create(email, full_name=full_name, password=None)
    elif not user.is_active:
        _reopen(user, full_name=full_name)
    with acting_for(territory_id, user_id=user.pk):
        if Membership.objects.filter(user=user, territory_id=territory_id, is_active=True).exists():
            return False
        presets_create(territory_id)
        role = Role.objects.get(preset=preset)
        membership = membership_create(
            user, territory_id=territory_id, roles=[role], department=None
        )
        audit_record(
            journal.JOINED,
            actor=SYSTEM,
            territory_id=territory_id,
            subject=person_subject(user, membership=membership),
            detail={"roles": [role.name]},
        )
    return True


def _reopen(user: User, *, full_name: str) -> None:
    Authenticator.objects.filter(user_id=user.pk).delete()
    user.is_active, user.full_name, user.date_joined = True, " ".join(full_name.split()), now()
    user.set_unusable_password()
    user.save()
