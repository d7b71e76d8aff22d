"""What the pages of this room use, and other rooms may."""

from __future__ import annotations

from beffroi.modules.control_room.contracts import DomainNotFound
from beffroi.modules.control_room.editing import (
    FIELD_PREFIX,
    asset_change,
    asset_to_edit,
    changes_since,
    department_choices,
    editable_properties,
    parent_text,
    parents_named,
)
from beffroi.modules.control_room.periods import LABELS, Period, Span, period_of
from beffroi.modules.control_room.selectors import (
    asset_page,
    asset_preview,
    curve_table,
    domain_count,
    domain_counts,
    domain_page,
    find,
    list_csv,
    list_page,
    map_credits,
    narrowed,
    parent_of_list,
    playbooks_of,
    seen_domains,
    stream_of,
)

__all__ = [
    "FIELD_PREFIX",
    "LABELS",
    "DomainNotFound",
    "Period",
    "Span",
    "asset_change",
    "asset_page",
    "asset_preview",
    "asset_to_edit",
    "changes_since",
    "curve_table",
    "department_choices",
    "domain_count",
    "domain_counts",
    "domain_page",
    "editable_properties",
    "find",
    "list_csv",
    "list_page",
    "map_credits",
    "narrowed",
    "parent_of_list",
    "parent_text",
    "parents_named",
    "period_of",
    "playbooks_of",
    "seen_domains",
    "stream_of",
]
