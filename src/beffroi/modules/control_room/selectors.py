"""Reads of this room, cut by screen."""

from __future__ import annotations

from beffroi.modules.control_room.asset_selectors import asset_page, curve_table, stream_of
from beffroi.modules.control_room.domain_selectors import domain_page
from beffroi.modules.control_room.finding import find
from beffroi.modules.control_room.list_selectors import list_csv, list_page, parent_of_list
from beffroi.modules.control_room.map_selectors import (
    asset_preview,
    domain_count,
    domain_counts,
    map_credits,
)
from beffroi.modules.control_room.playbooks import playbooks_of
from beffroi.modules.control_room.scopes import narrowed, seen_domains

__all__ = [
    "asset_page",
    "asset_preview",
    "curve_table",
    "domain_count",
    "domain_counts",
    "domain_page",
    "find",
    "list_csv",
    "list_page",
    "map_credits",
    "narrowed",
    "parent_of_list",
    "playbooks_of",
    "seen_domains",
    "stream_of",
]
