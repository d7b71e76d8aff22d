"""What other rooms may use of archives."""

from __future__ import annotations

from beffroi.city.archive.contracts import (
    ArchiveFailed,
    ArchiveRefused,
    Month,
    MonthExported,
    MonthImported,
)
from beffroi.city.archive.exporting import closed_months, month_export
from beffroi.city.archive.importing import archives_found, month_import, month_verify
from beffroi.city.archive.places import Place, place_open
from beffroi.city.archive.services import first_month, month_export_next, months_refresh

__all__ = [
    "ArchiveFailed",
    "ArchiveRefused",
    "Month",
    "MonthExported",
    "MonthImported",
    "Place",
    "archives_found",
    "closed_months",
    "first_month",
    "month_export",
    "month_export_next",
    "month_import",
    "month_verify",
    "months_refresh",
    "place_open",
]
