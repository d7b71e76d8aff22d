from __future__ import annotations

from collections.abc import Iterator

from django.db import connection
from django.db.models import QuerySet

from beffroi.foundation.audit.contracts import (
    AuditEntry,
    AuditFilter,
    AuditPage,
    Break,
    ChainHead,
    ChainState,
)
from beffroi.foundation.audit.models import AuditRecord

PAGE_SIZE = 50

# Every row is hashed again and compared with its neighbours; one pass, in the database.
_VERIFY = """
WITH chain AS (
    SELECT r.sequence, r.hash, r.previous_hash,
           audit_hash(r) AS expected,
           lag(r.sequence, 1, 0::bigint) OVER w AS sequence_before,
           lag(r.hash, 1, ''::varchar) OVER w AS hash_before
    FROM audit_auditrecord r
    WHERE r.territory_id = %(territory)s
    WINDOW w AS (ORDER BY r.sequence)
)
SELECT (SELECT count(*) FROM chain),
       (SELECT max(sequence) FROM chain),
       (SELECT hash FROM chain ORDER BY sequence DESC LIMIT 1),
       broken.sequence, broken.reason
FROM (VALUES (1)) AS one
LEFT JOIN LATERAL (
    SELECT sequence,
           CASE WHEN sequence <> sequence_before + 1 THEN 'missing'
                WHEN hash <> expected THEN 'changed'
                ELSE 'unlinked' END AS reason
    FROM chain
    WHERE sequence <> sequence_before + 1 OR hash <> expected OR previous_hash <> hash_before
    ORDER BY sequence LIMIT 1
) AS broken ON true
"""


def audit_page(
    wanted: AuditFilter | None = None, *, before: int | None = None, size: int = PAGE_SIZE
) -> AuditPage:
    """Return a page of the current territory's log, the most recent first.

    ``before`` is the sequence that the former page gave: paging goes by key, so that lines added
    meanwhile shift nothing.
    """
    rows = _filtered(wanted or AuditFilter()).order_by("-sequence")
    if before is not None:
        rows = rows.filter(sequence__lt=before)
    found = [_entry(row) for row in rows[: size + 1]]
    more = len(found) > size
    return AuditPage(entries=tuple(found[:size]), before=found[size - 1].sequence if more else None)


def audit_export(wanted: AuditFilter | None = None) -> Iterator[AuditEntry]:
    """Yield every entry of the current territory that is wanted, the oldest first."""
    rows = _filtered(wanted or AuditFilter()).order_by("sequence")
    for row in rows.iterator(chunk_size=2_000):
        yield _entry(row)


def audit_verbs(*, own_accounts: bool = False) -> list[str]:
    """Return the verbs that the current territory's log holds."""
    rows = AuditRecord.objects.filter(territory__isnull=own_accounts)
    return list(rows.order_by("verb").values_list("verb", flat=True).distinct())


def audit_verify(territory_id: int, *, expected: ChainHead | None = None) -> ChainState:
    """Read the whole chain of a territory and find the first row that does not hold.

    Runs within ``acting_for(territory_id)``. Rows cut off the end leave a shorter chain that
    still holds: only ``expected``, a head kept elsewhere, finds them out.
    """
    with connection.cursor() as cursor:
        cursor.execute(_VERIFY, {"territory": territory_id})
        length, last, last_hash, broken_at, reason = cursor.fetchone()
    head = None if last is None else ChainHead(last, last_hash)
    if broken_at is None and expected is not None and not _reaches(territory_id, expected):
        return ChainState(length=length, head=head, broken_at=expected.sequence, reason=Break.CUT)
    return ChainState(
        length=length,
        head=head,
        broken_at=broken_at,
        reason=None if reason is None else Break(reason),
    )


def audit_verify_installation(*, expected: ChainHead | None = None) -> ChainState:
    """Read the whole chain of what belongs to no territory, as :func:`audit_verify` does.

    Its lines stay unread: the database answers with their number and their fingerprints.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT * FROM audit_check_installation(%s)",
            [None if expected is None else expected.sequence],
        )
        length, last, last_hash, kept_hash, broken_at, reason = cursor.fetchone()
    head = None if last is None else ChainHead(last, last_hash)
    if broken_at is None and expected is not None and kept_hash != expected.hash:
        return ChainState(length=length, head=head, broken_at=expected.sequence, reason=Break.CUT)
    return ChainState(
        length=length,
        head=head,
        broken_at=broken_at,
        reason=None if reason is None else Break(reason),
    )


def audit_head(territory_id: int) -> ChainHead | None:
    """Return the last link of a chain, to be kept out of this database's reach."""
    found = _chain(territory_id).order_by("-sequence").values_list("sequence", "hash").first()
    return None if found is None else ChainHead(*found)


def _reaches(territory_id: int, expected: ChainHead) -> bool:
    found = _chain(territory_id).filter(sequence=expected.sequence, hash=expected.hash)
    return found.exists()


def _chain(territory_id: int) -> QuerySet[AuditRecord]:
    return AuditRecord.objects.filter(territory_id=territory_id)


def _filtered(wanted: AuditFilter) -> QuerySet[AuditRecord]:
    rows = AuditRecord.objects.filter(territory__isnull=wanted.own_accounts)
    if wanted.person:
        rows = rows.filter(actor_name__icontains=wanted.person)
    if wanted.verb:
        rows = rows.filter(verb=wanted.verb)
    if wanted.since is not None:
        rows = rows.filter(at__gte=wanted.since)
    if wanted.until is not None:
        rows = rows.filter(at__lt=wanted.until)
    return rows


def _entry(row: AuditRecord) -> AuditEntry:
    return AuditEntry(
        uuid=row.uuid,
        sequence=row.sequence,
        at=row.at,
        actor_id=row.actor_id,
        actor_name=row.actor_name,
        verb=row.verb,
        subject_kind=row.subject_kind,
        subject_uuid=row.subject_uuid,
        subject_label=row.subject_label,
        detail=row.detail,
        ip=row.ip,
        previous_hash=row.previous_hash,
        hash=row.hash,
    )
