"""What other rooms may use of the audit log."""

from __future__ import annotations

from beffroi.foundation.audit.contracts import (
    NOTHING,
    SYSTEM,
    Actor,
    AuditEntry,
    AuditFilter,
    AuditPage,
    Break,
    ChainHead,
    ChainState,
    Subject,
)
from beffroi.foundation.audit.kept_heads import head_kept, heads_keep
from beffroi.foundation.audit.selectors import (
    audit_export,
    audit_head,
    audit_page,
    audit_verbs,
    audit_verify,
    audit_verify_installation,
)
from beffroi.foundation.audit.services import audit_record, network_of
from beffroi.foundation.audit.verbs import detail_label, verb_label, verbs_declare

__all__ = [
    "NOTHING",
    "SYSTEM",
    "Actor",
    "AuditEntry",
    "AuditFilter",
    "AuditPage",
    "Break",
    "ChainHead",
    "ChainState",
    "Subject",
    "audit_export",
    "audit_head",
    "audit_page",
    "audit_record",
    "audit_verbs",
    "audit_verify",
    "audit_verify_installation",
    "detail_label",
    "head_kept",
    "heads_keep",
    "network_of",
    "verb_label",
    "verbs_declare",
]
