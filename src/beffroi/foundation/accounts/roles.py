"""Roles and departments of a territory, and what roles allow."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import UUID

from django.db.models import Q
from django.utils.translation import override

from beffroi.foundation.accounts import journal
from beffroi.foundation.accounts.contracts import (
    SCOPED_VERBS,
    VERBS,
    Access,
    RoleInUse,
    UnknownVerb,
)
from beffroi.foundation.accounts.models import Department, Grant, Membership, Role
from beffroi.foundation.accounts.presets import PRESETS
from beffroi.foundation.accounts.selectors import department, grants_of, role
from beffroi.foundation.accounts.services import (
    refuse_grants_beyond,
    refuse_without_administrator,
)
from beffroi.foundation.audit.api import Subject, audit_record
from beffroi.kernel.errors import Conflict, InvalidInput
from beffroi.sdk.registry import domains


def presets_create(territory_id: int) -> None:
    """Give the current territory its first roles, those it lacks; their names are in French."""
    known = set(Role.objects.exclude(preset="").values_list("preset", flat=True))
    with override("fr"):
        for preset in PRESETS:
            if preset.key in known:
                continue
            made = Role.objects.create(
                territory_id=territory_id,
                name=str(preset.name),
                description=str(preset.description),
                preset=preset.key,
            )
            grants_add(made, grants=((verb, None, None) for verb in sorted(preset.verbs)))


def grants_add(made: Role, *, grants: Iterable[tuple[str, str | None, int | None]]) -> None:
    """Add ``(verb, domain, area)`` to a role; ``None`` means all.

    Raises:
        UnknownVerb: a verb is not declared.
    """
    rows = []
    known = domains()
    for verb, domain, area_id in grants:
        if verb not in VERBS:
            raise UnknownVerb("{value} is not a declared verb.", field="verb", value=verb)
        if domain and domain not in known:
            raise InvalidInput(
                "{value} is not an urban service of this installation.",
                field="domain",
                value=domain,
                way_out="Open the page of the role again.",
            )
        rows.append(
            Grant(
                territory_id=made.territory_id,
                role=made,
                verb=verb,
                domain=domain or "",
                area_id=area_id,
            )
        )
    Grant.objects.bulk_create(rows, ignore_conflicts=True)


def role_save(
    identifier: UUID | None, *, access: Access, name: str, description: str, ip: str = ""
) -> Role:
    """Create a role of the current territory, or change its name and description.

    Raises:
        Conflict: another role has this name.
        NotFound: there is none with this identifier.
    """
    row = Role(territory_id=access.territory_id) if identifier is None else role(identifier)
    row.name, row.description = _name(name), description.strip()
    if Role.objects.filter(name__iexact=row.name).exclude(pk=row.pk).exists():
        raise Conflict("There is a role of this name already.")
    row.save()
    audit_record(
        journal.ROLE_CREATED if identifier is None else journal.ROLE_CHANGED,
        actor=journal.actor_of(access),
        territory_id=access.territory_id,
        subject=Subject(kind="role", uuid=row.uuid, label=row.name),
        ip=ip,
    )
    return row


def role_remove(identifier: UUID, *, access: Access, ip: str = "") -> None:
    """Remove a role that nobody holds.

    Raises:
        RoleInUse: somebody holds it, or did before their access was closed.
        NotFound: there is none with this identifier.
    """
    row = role(identifier)
    if Membership.objects.filter(roles=row).exists():
        raise RoleInUse(
            "People hold this role, or held it.", way_out="Give them another one first."
        )
    row.delete()
    audit_record(
        journal.ROLE_REMOVED,
        actor=journal.actor_of(access),
        territory_id=access.territory_id,
        subject=Subject(kind="role", uuid=row.uuid, label=row.name),
        ip=ip,
    )


def role_grants_set(
    identifier: UUID,
    *,
    access: Access,
    area_id: int | None,
    pairs: Collection[tuple[str, str]],
    ip: str = "",
) -> None:
    """Make these the grants of a role in one area, or in all when ``area_id`` is ``None``.

    ``pairs`` are ``(verb, domain)``, the domain empty for all. Verbs that cannot be limited are
    kept with all domains and all areas only.

    Raises:
        UnknownVerb: a verb is not declared.
        BeyondOwnRights: a grant gives what the person does not hold.
        LastAdministrator: nobody would be left to manage people.
        NotFound: there is none with this identifier.
    """
    row = role(identifier)
    before = {grant for grant in grants_of([row.pk]) if grant[2] == area_id}
    wanted = {
        (verb, domain or None, area_id)
        for verb, domain in pairs
        if verb in SCOPED_VERBS or (not domain and area_id is None)
    }
    refuse_grants_beyond(access, grants=wanted - before)
    held = Grant.objects.filter(role=row)
    here = Q(area__isnull=True) if area_id is None else Q(area_id=area_id)
    held.filter(here).delete()
    grants_add(row, grants=sorted(wanted, key=str))
    refuse_without_administrator()
    audit_record(
        journal.GRANTS_CHANGED,
        actor=journal.actor_of(access),
        territory_id=access.territory_id,
        subject=Subject(kind="role", uuid=row.uuid, label=row.name),
        detail={
            "area": area_id,
            "given": sorted(f"{verb} {domain or '*'}" for verb, domain, _area in wanted - before),
            "taken": sorted(f"{verb} {domain or '*'}" for verb, domain, _area in before - wanted),
        },
        ip=ip,
    )


def department_save(
    identifier: UUID | None, *, access: Access, name: str, description: str, ip: str = ""
) -> Department:
    """Create a department of the current territory, or change it.

    Raises:
        Conflict: another department has this name.
        NotFound: there is none with this identifier.
    """
    row = (
        Department(territory_id=access.territory_id)
        if identifier is None
        else department(identifier)
    )
    row.name, row.description = _name(name), description.strip()
    if Department.objects.filter(name__iexact=row.name).exclude(pk=row.pk).exists():
        raise Conflict("There is a department of this name already.")
    row.save()
    audit_record(
        journal.DEPARTMENT_CREATED if identifier is None else journal.DEPARTMENT_CHANGED,
        actor=journal.actor_of(access),
        territory_id=access.territory_id,
        subject=Subject(kind="department", uuid=row.uuid, label=row.name),
        ip=ip,
    )
    return row


def department_remove(identifier: UUID, *, access: Access, ip: str = "") -> None:
    """Remove a department; its people stay, without department.

    Raises:
        NotFound: there is none with this identifier.
    """
    row = department(identifier)
    row.delete()
    audit_record(
        journal.DEPARTMENT_REMOVED,
        actor=journal.actor_of(access),
        territory_id=access.territory_id,
        subject=Subject(kind="department", uuid=row.uuid, label=row.name),
        ip=ip,
    )


def _name(text: str) -> str:
    plain = " ".join(text.split())
    if not plain:
        raise InvalidInput("A name is needed.", field="name", value=text)
    return plain
