"""What a reader found out about a file, as an agent reads it."""

from __future__ import annotations

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from beffroi.city.assets.import_contracts import FindingView
from beffroi.foundation.files.reading import Finding, Table

_SUBJECTS = {
    "encoding": _("Encoding"),
    "separator": _("Separator"),
    "decimal": _("Decimal mark"),
    "thousands": _("Thousands"),
    "header": _("Names of columns"),
    "dates": _("Dates"),
    "position": _("Position"),
    "crs": _("Coordinate system"),
    "shapefile": _("Shapefile"),
}
_UNTOLD = frozenset({"line_end", "quote"})
"""Right or wrong, nobody can tell from the preview: said only when they need a look."""
_VALUES = {",": _("comma"), ";": _("semicolon"), "\t": _("tab"), "|": _("bar"), ".": _("point")}
_VALUES_SHOWN = frozenset({"encoding", "separator", "decimal", "crs"})


def findings_of(table: Table) -> tuple[FindingView, ...]:
    """Return what a person may want to check, in the active language."""
    return tuple(
        FindingView(
            code=f"{finding.about}:{finding.value}",
            text=_told(finding),
            tone="attention" if finding.warning else "info",
        )
        for finding in table.findings.all()
        if finding.warning or finding.about not in _UNTOLD
    )


def _told(finding: Finding) -> str:
    said = finding.say(gettext)
    subject = _SUBJECTS.get(finding.about)
    if subject is None:
        return said
    value = finding.value if finding.about in _VALUES_SHOWN else ""
    if not value or value in {"swapped", "ntf", "xml"}:
        return gettext("{subject}: {said}").format(subject=gettext(subject), said=said)
    return gettext("{subject}: {value}. {said}").format(
        subject=gettext(subject), value=gettext(_VALUES.get(value, value)), said=said
    )
