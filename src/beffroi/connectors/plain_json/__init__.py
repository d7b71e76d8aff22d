"""Plain JSON with a declared mapping: for integrators, operators' own servers, small scripts."""

from __future__ import annotations

from beffroi.connectors.plain_json.message import parse
from beffroi.sdk.connectors import Connector, SourceSetting
from beffroi.sdk.declarations import translatable as _

CONNECTOR = Connector(
    key="plain_json",
    label=_("Plain JSON"),
    parse=parse,
    content_types=("application/json", "application/x-ndjson"),
    settings=(
        SourceSetting(
            key="mapping",
            label=_("Mapping"),
            kind="json",
            default={},
            help=_(
                "Where each thing stands in a message, as paths with dots: device, time, "
                "time_format (iso, epoch_s or epoch_ms), time_zone (of times written without "
                'offset), items, measures, as in {"device": "id", '
                '"time": "ts", "measures": {"temperature_c": "data.temp"}}. Left empty, a message '
                "reads {device, time, values: {measure: number}}."
            ),
        ),
    ),
    help=_(
        "Send one object, a list, or one object a line, by POST to the address of the source, "
        "with a header Authorization holding the word Bearer and the secret."
    ),
)

__all__ = ["CONNECTOR"]
