from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from contextlib import nullcontext
from uuid import UUID

from django.db import connection, transaction

from beffroi.foundation.audit.contracts import NOTHING, Actor, Subject
from beffroi.foundation.database.api import acting_for, current_territory_id
from beffroi.kernel.clock import now
from beffroi.kernel.identifiers import uuid7

# Without RETURNING: a row of no territory may be added, and read by nobody.
_INSERT = """
INSERT INTO audit_auditrecord (uuid, territory_id, sequence, at, actor_id, actor_name, verb,
    subject_kind, subject_uuid, subject_label, detail, ip, previous_hash, hash)
VALUES (%s, %s, 0, %s, %s, %s, %s, %s, %s, %s, %s, %s, '', '')
"""


def audit_record(
    verb: str,
    *,
    actor: Actor,
    territory_id: int | None,
    subject: Subject = NOTHING,
    detail: Mapping[str, object] | None = None,
    ip: str = "",
) -> UUID:
    """Add a line to the log, in the caller's transaction.

    There is no effect without its line, nor the reverse. ``territory_id`` is ``None`` for what
    concerns the whole installation. ``ip`` is cut to its network before it is stored. ``detail``
    holds plain JSON values and no secret.

    Lines of one territory are written one after the other until the transaction ends: call it
    last, and keep the transaction short.
    """
    identifier = uuid7()
    same = territory_id is None or territory_id == current_territory_id()
    context = nullcontext() if same else acting_for(territory_id)
    with transaction.atomic(), context, connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            [
                identifier,
                territory_id,
                now(),
                actor.user_id,
                actor.name[:200],
                verb,
                subject.kind,
                subject.uuid,
                subject.label[:300],
                json.dumps(dict(detail or {}), ensure_ascii=False),
                network_of(ip),
            ],
        )
    return identifier


def network_of(ip: str) -> str:
    """Return the network of an address, ``/24`` or ``/48``; empty when it is no address.

    Enough to tell a town hall from abroad; too little to follow a person about.
    """
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ""
    prefix = 24 if address.version == 4 else 48
    return str(ipaddress.ip_network((address, prefix), strict=False))
