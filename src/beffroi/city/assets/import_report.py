"""An import on the command line, and its report in words."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path

from django.utils.translation import gettext, ngettext

from beffroi.city.assets.import_contracts import Absent, ImportOptions, ImportReport, RowRefusal
from beffroi.city.assets.importing import Progress, import_run
from beffroi.foundation.database.api import acting_for
from beffroi.sdk.registry import asset_types

PRINTED_REFUSALS = 20


def import_file(
    path: str | PathLike[str],
    *,
    territory_id: int,
    type_key: str,
    mapping_overrides: Mapping[str, str] | None = None,
    options: ImportOptions | None = None,
    dry_run: bool = False,
    report: Progress | None = None,
) -> ImportReport:
    """Import a file for a territory, as the command line does; print with :func:`report_text`.

    Raises:
        FileRefused, ImportRefused, InvalidInput: as :func:`~.importing.import_run`.
    """
    with acting_for(territory_id):
        return import_run(
            str(path),
            name=Path(path).name,
            type_key=type_key,
            mapping=mapping_overrides,
            options=options,
            dry_run=dry_run,
            progress=report,
        )


def report_text(report: ImportReport) -> str:
    """Return what an import did as lines of text, in the active language."""
    declared = asset_types().get(report.type_key)
    lines = [
        gettext("{file}: import of “{type}”").format(
            file=report.file_name,
            type=report.type_key if declared is None else gettext(declared.label_plural),
        )
    ]
    if report.dry_run:
        lines.append("  " + gettext("Trial: nothing was written."))
    lines.extend(
        f"  {'!' if finding.tone == 'attention' else '·'} {finding.text}"
        for finding in report.findings
    )
    lines.extend(f"  {label} : {count}" for label, count in report_counts(report))
    shown = report.refusals[:PRINTED_REFUSALS]
    lines.extend(f"    {refusal_text(refusal)}" for refusal in shown)
    more = report.refused + report.dropped + report.doubts - len(shown)
    if shown and more > 0:
        lines.append(
            "    " + ngettext("and {count} other", "and {count} others", more).format(count=more)
        )
    lines.append("  " + gettext("Done in {seconds} s").format(seconds=f"{report.seconds:.1f}"))
    return "\n".join(lines)


def report_counts(report: ImportReport) -> list[tuple[str, int]]:
    """Return the labels and counts of a report; those of rare cases only when not zero."""
    counts = report.counts
    rows = [
        (gettext("Created"), counts.created),
        (gettext("Updated"), counts.updated),
        (gettext("Unchanged"), counts.unchanged),
    ]
    if counts.restored:
        rows.append((gettext("Put back in service"), counts.restored))
    if report.absent.count:
        said = {
            Absent.CHECK: gettext("Absent from the file, to check"),
            Absent.REMOVE: gettext("Absent from the file, out of service"),
        }
        rows.append((said[report.options.absent], report.absent.count))
    rows.append((gettext("Rows refused"), report.refused))
    if report.dropped:
        rows.append((gettext("Values left out"), report.dropped))
    if report.doubts:
        rows.append((gettext("Imported, to be looked at"), report.doubts))
    return rows


def refusal_text(refusal: RowRefusal) -> str:
    """Return a refusal as sentences: which row, what is wrong, what to do."""
    said = f"{refusal_reason(refusal)} {refusal_way_out(refusal)}".strip()
    where = gettext("Row {row}").format(row=refusal.row)
    if refusal.field:
        where += gettext(", “{field}”").format(field=refusal.field)
    # The reader's own sentences already begin with the row.
    return (
        said
        if "{row}" in refusal.reason
        else gettext("{where}: {said}").format(where=where, said=said)
    )


def refusal_reason(refusal: RowRefusal) -> str:
    """Return what is wrong, in the active language."""
    return _filled(refusal.reason, refusal)


def refusal_way_out(refusal: RowRefusal) -> str:
    """Return what to do about it, in the active language."""
    return _filled(refusal.way_out, refusal)


def _filled(sentence: str, refusal: RowRefusal) -> str:
    if not sentence:
        return ""
    fields = {
        "row": refusal.row,
        "field": refusal.field,
        "column": refusal.field,
        "value": refusal.value,
        **refusal.params,
    }
    return gettext(sentence).format_map(fields)
