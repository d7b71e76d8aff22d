"""The plain door: JSON, lines, CSV or GeoJSON with a declared mapping, for integrators."""

from __future__ import annotations

from beffroi.connectors.plain_json.bodies import CONTENT_TYPES
from beffroi.connectors.plain_json.guessing import examine
from beffroi.connectors.plain_json.message import parse
from beffroi.sdk.connectors import Connector, SourceSetting
from beffroi.sdk.declarations import translatable as _

_PARTS = (
    SourceSetting(
        key="items",
        label=_("List of messages"),
        kind="path",
        help=_("Where the list stands in what is sent; empty when it is the whole of it."),
    ),
    SourceSetting(key="device", label=_("Device"), kind="path", default="device"),
    SourceSetting(
        key="device_name",
        label=_("Device of messages that name none"),
        help=_("For a program that speaks for one device only."),
    ),
    SourceSetting(key="time", label=_("Time"), kind="path", default="time"),
    SourceSetting(
        key="time_of_day",
        label=_("Time of day, when it stands apart from the date"),
        kind="path",
    ),
    SourceSetting(
        key="time_format",
        label=_("How the time is written"),
        kind="choice",
        default="auto",
        choices=(
            ("auto", _("Any form: ISO 8601, day/month/year, number since 1970")),
            ("iso", _("ISO 8601")),
            ("epoch_s", _("Seconds since 1970")),
            ("epoch_ms", _("Milliseconds since 1970")),
            ("epoch_us", _("Microseconds since 1970")),
        ),
    ),
    SourceSetting(
        key="time_zone",
        label=_("Time zone of times written without offset"),
        help=_("For example Europe/Paris. Left empty, such times are refused."),
    ),
    SourceSetting(
        key="repeated_hour",
        label=_("The hour that exists twice, in October"),
        kind="choice",
        default="auto",
        choices=(
            ("auto", _("By the time of reception, else by the order of the rows")),
            ("first", _("The first, in summer time")),
            ("second", _("The second, in winter time")),
            ("refuse", _("Refuse it")),
        ),
    ),
    SourceSetting(
        key="skipped_hour",
        label=_("The hour that does not exist, in March"),
        kind="choice",
        default="refuse",
        choices=(
            ("refuse", _("Refuse it")),
            ("forward", _("The clock had not been moved: add an hour")),
        ),
    ),
    SourceSetting(
        key="key",
        label=_("Identifier of the message"),
        kind="path",
        help=_(
            "The same message sent again has the same one, and counts once. Left empty, device, "
            "time and values tell messages apart."
        ),
    ),
    SourceSetting(
        key="measure",
        label=_("Name of the measure"),
        kind="path",
        help=_("For messages of one value each, that name their measure beside it."),
    ),
    SourceSetting(key="value", label=_("Value of the measure"), kind="path"),
    SourceSetting(key="name", label=_("Name of the device"), kind="path", default="name"),
    SourceSetting(key="lon", label=_("Longitude"), kind="path", default="lon"),
    SourceSetting(key="lat", label=_("Latitude"), kind="path", default="lat"),
    SourceSetting(
        key="values",
        label=_("Object whose numbers are all taken"),
        kind="path",
        default="values",
        help=_("When no measure is declared below."),
    ),
    SourceSetting(
        key="delimiter",
        label=_("Delimiter of CSV"),
        kind="choice",
        choices=(
            ("", _("To be found")),
            (";", _("Semicolon")),
            (",", _("Comma")),
            ("\t", _("Tabulation")),
            ("|", _("Vertical bar")),
        ),
    ),
    SourceSetting(
        key="decimal",
        label=_("Decimal mark"),
        kind="choice",
        choices=(("", _("To be found")), (",", _("Comma")), (".", _("Point"))),
    ),
    SourceSetting(key="measures", label=_("Measures"), kind="measures", default={}),
)

CONNECTOR = Connector(
    key="plain_json",
    label=_("Plain JSON or CSV"),
    parse=parse,
    mqtt_topics=(
        "t/{device}/up",
        "t/{device}/value/{measure}",
    ),
    examine=examine,
    content_types=CONTENT_TYPES,
    settings=(
        SourceSetting(
            key="mapping",
            label=_("Mapping"),
            kind="mapping",
            default={},
            parts=_PARTS,
            help=_(
                "Where each thing stands in a message. Try a sample on the page of the source: the "
                "mapping is guessed from it, and you see what would be understood. Left empty, a "
                "message reads {device, time, values: {measure: number}}."
            ),
        ),
    ),
    help=_(
        "Send JSON (one object, a list, one object a line), CSV with a header, or GeoJSON, by POST "
        "to the address of the source, with a header Authorization holding the word Bearer and the "
        "secret."
    ),
)

__all__ = ["CONNECTOR"]
