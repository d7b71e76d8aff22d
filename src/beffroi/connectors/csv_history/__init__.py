"""CSV of past values: what a town already has in files, kept at its own time."""

from __future__ import annotations

from beffroi.connectors.csv_history.table import parse
from beffroi.sdk.connectors import Connector, SourceSetting
from beffroi.sdk.declarations import translatable as _

CONNECTOR = Connector(
    key="csv_history",
    label=_("CSV history"),
    parse=parse,
    content_types=("text/csv",),
    settings=(
        SourceSetting(key="device", label=_("Column of the device"), default="device"),
        SourceSetting(key="time", label=_("Column of the time"), default="time"),
        SourceSetting(
            key="time_zone",
            label=_("Time zone of times without offset"),
            default="Europe/Paris",
        ),
        SourceSetting(
            key="measures",
            label=_("Measures"),
            kind="json",
            default={},
            help=_(
                'Which column holds which measure, as in {"occupied_places": "vehiclecount"}. Left '
                "empty, columns named measure and value are read, else each other column is the "
                "measure of its name."
            ),
        ),
    ),
    help=_(
        "Send the file by POST to the address of the source with the content type text/csv, at "
        "most 10,000 rows at once; beffroi sources send cuts a longer file."
    ),
)

__all__ = ["CONNECTOR"]
