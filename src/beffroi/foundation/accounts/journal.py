"""What this room writes to the audit log, and how it is said on screen."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from beffroi.foundation.accounts.contracts import Access
from beffroi.foundation.accounts.models import User
from beffroi.foundation.audit.api import Actor, verbs_declare

SIGNED_IN = "account.signed_in"
SIGN_IN_FAILED = "account.sign_in_failed"
SIGNED_OUT = "account.signed_out"
PASSWORD_CHANGED = "account.password_changed"  # noqa: S105 - a verb, not a password
FACTOR_ADDED = "account.factor_added"
FACTOR_REMOVED = "account.factor_removed"
FACTOR_FAILED = "account.factor_failed"
LINK_MADE = "account.link_made"
LINK_USED = "account.link_used"
ADDRESS_ASKED = "account.address_asked"
ADDRESS_CHANGED = "account.address_changed"
ADDRESS_REFUSED = "people.address_refused"
INVITED = "people.invited"
INVITATION_WITHDRAWN = "people.invitation_withdrawn"
RENEWAL_MADE = "people.renewal_made"
RENEWED = "people.renewed"
JOINED = "people.joined"
CHANGED = "people.changed"
DEACTIVATED = "people.deactivated"
REACTIVATED = "people.reactivated"
ROLE_CREATED = "roles.created"
ROLE_CHANGED = "roles.changed"
ROLE_REMOVED = "roles.removed"
GRANTS_CHANGED = "roles.grants_changed"
DEPARTMENT_CREATED = "departments.created"
DEPARTMENT_CHANGED = "departments.changed"
DEPARTMENT_REMOVED = "departments.removed"
TERRITORY_CHANGED = "territory.changed"
AUDIT_EXPORTED = "audit.exported"
PURGED = "people.purged"

LABELS = {
    SIGNED_IN: _("signed in"),
    SIGN_IN_FAILED: _("failed to sign in"),
    SIGNED_OUT: _("signed out"),
    PASSWORD_CHANGED: _("changed a password"),
    FACTOR_ADDED: _("added a second factor"),
    FACTOR_REMOVED: _("removed a second factor"),
    FACTOR_FAILED: _("failed at the second factor"),
    LINK_MADE: _("made a one-time sign-in link"),
    LINK_USED: _("used a one-time sign-in link"),
    ADDRESS_ASKED: _("asked for another address"),
    ADDRESS_CHANGED: _("changed an address"),
    ADDRESS_REFUSED: _("refused a change of address"),
    INVITED: _("invited a person"),
    INVITATION_WITHDRAWN: _("withdrew an invitation"),
    RENEWAL_MADE: _("made a link that opens an account anew"),
    RENEWED: _("made their account anew"),
    JOINED: _("joined the territory"),
    CHANGED: _("changed a person’s place"),
    DEACTIVATED: _("closed a person’s access"),
    REACTIVATED: _("opened a person’s access again"),
    ROLE_CREATED: _("created a role"),
    ROLE_CHANGED: _("changed a role"),
    ROLE_REMOVED: _("removed a role"),
    GRANTS_CHANGED: _("changed the rights of a role"),
    DEPARTMENT_CREATED: _("created a department"),
    DEPARTMENT_CHANGED: _("changed a department"),
    DEPARTMENT_REMOVED: _("removed a department"),
    TERRITORY_CHANGED: _("changed the town’s settings"),
    AUDIT_EXPORTED: _("exported the audit log"),
    PURGED: _("erased what had passed its time"),
}

FACTOR_LABELS = {
    "totp": _("application"),
    "webauthn": _("passkey"),
    "recovery_codes": _("recovery codes"),
}

DETAIL_LABELS = {
    "roles": _("roles"),
    "roles_before": _("roles before"),
    "department": _("department"),
    "name": _("name"),
    "primary_color": _("main colour"),
    "secondary_color": _("second colour"),
    "area": _("area number"),
    "given": _("rights given"),
    "taken": _("rights taken away"),
    "filter": _("filter"),
    "email": _("new address"),
    "kind": _("factor"),
    "invitations": _("invitations"),
    "members": _("former members"),
    "withdrawn": _("invitations withdrawn with it"),
    "asset": _("asset"),
    "by": _("by"),
    "codec": _("codec"),
    "connector": _("connector"),
    "decoded": _("decoded"),
    "messages": _("messages"),
}


def declare() -> None:
    """Name this room's verbs."""
    verbs_declare(LABELS, details=DETAIL_LABELS)


def actor_of(who: Access | User) -> Actor:
    """Return the person as the log names them."""
    if isinstance(who, Access):
        return Actor(user_id=who.user_id, name=who.user_name)
    return Actor(user_id=who.pk, name=str(who))
