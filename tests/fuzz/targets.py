"""Every parser of what comes from outside, as a function of octets that must never fail.

A function tells whether something was read. It raises nothing for a refusal that its parser
declares, and :class:`BrokenContract`, or whatever the parser let through, for a fault. The same
functions run under Atheris (``make fuzz``) and, for a moment, in the ordinary suite.
"""

from __future__ import annotations

import contextlib
import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
import seeds
from contracts_of_parsers import (
    NOW,
    check_instant,
    check_number,
    check_parsed,
    check_refusal,
    must,
)

from beffroi.city.codecs.mapping import rules_of
from beffroi.city.ingest.catalogue import catalogue
from beffroi.city.ingest.contracts import DeliveryRefused, Status
from beffroi.city.ingest.decoding import AttachedAsset, DeviceEntry, decode_uplink
from beffroi.city.ingest.directory import SourceEntry
from beffroi.city.ingest.mqtt.payloads import Arrived, placed
from beffroi.city.ingest.mqtt.topics import topic_of
from beffroi.city.ingest.plain_values import number_of
from beffroi.city.ingest.requests import unpacked
from beffroi.foundation.files.reading import FileRefused, Limits, open_tables
from beffroi.kernel import clock
from beffroi.kernel.errors import BeffroiError, DecodeError, ParseError
from beffroi.sdk import registry
from beffroi.sdk.connectors import Connector, Delivery, Refusal, Uplink
from beffroi.sdk.declarations import Frame
from beffroi.sdk.local_time import RepeatedHour, SkippedHour, placed_instant
from beffroi.sdk.numbers import written_number
from beffroi.site.http_heads import (
    HOP_BY_HOP,
    RefusedRequest,
    checked_head,
    forwarded_headers,
    refusal_page,
)

Run = Callable[[bytes], bool]


@dataclass(frozen=True)
class Target:
    """One parser.

    Attributes:
        guided_by: packages whose branches guide the search.
        dictionary: words of its language.
        slow: each execution starts a process or opens a database: fewer are run.
    """

    name: str
    run: Run
    seeds: Callable[[], list[bytes]]
    guided_by: tuple[str, ...]
    dictionary: tuple[bytes, ...] = ()
    slow: bool = False


CONNECTORS = tuple(registry.connectors())
CODECS = tuple(sorted(registry.codecs()))

_MAPPINGS: tuple[Mapping[str, Any], ...] = (
    {},
    {"mapping": {"time_zone": "Europe/Paris"}},
    {"mapping": {"items": "data.list", "device": "meta.id", "time": "ts", "key": "id",
                 "measures": {"temperature_c": {"path": "v.0", "unit": "K"}, "x": "x"}}},
    {"mapping": {"device": "a", "time": "b", "time_of_day": "c", "time_zone": "Europe/Paris",
                 "repeated_hour": "refuse", "skipped_hour": "forward", "measure": "m",
                 "value": "v", "decimal": ","}},
    {"time_zone": "Europe/Paris", "measures": {"x": "a"}},
)  # fmt: skip


def run_connector(key: str, octets: bytes) -> bool:
    """Read a delivery: the first octet chooses the content type and the settings."""
    if not octets:
        return False
    connector, choice, body = registry.connectors()[key], octets[0], octets[1:]
    types = connector.content_types
    settings = _MAPPINGS[(choice // len(types)) % len(_MAPPINGS)]
    delivery = Delivery(
        body=body,
        content_type=types[choice % len(types)],
        received_at=NOW,
        headers={"idempotency-key": "k"} if choice & 64 else {},
        query={"LrnDevEui": "0018B20000000165", "LrnFPort": "2"} if choice & 128 else {},
        settings=settings if key in {"plain_json", "csv_history"} else {},
    )
    return _reads(connector, delivery)


def _reads(connector: Connector, delivery: Delivery) -> bool:
    try:
        parsed = connector.parse(delivery)
    except ParseError as problem:
        check_refusal(problem)
        return False
    check_parsed(parsed, body=delivery.body)
    return any(not isinstance(item, Refusal) for item in parsed)


def run_mapping(octets: bytes) -> bool:
    """Read messages with any declared mapping at all."""
    try:
        mapping = msgspec.json.decode(octets)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    connector, read = registry.connectors()["plain_json"], False
    for media, body in (
        ("application/json", b'{"a":{"b":[1,"2,5",null]},"device":"d","time":"2026-10-25 02:30"}'),
        ("text/csv", b"device;time;a;b\nd;25/10/2026 02:30;1,5;x\nd;25/10/2026 02:30;2;\n"),
    ):
        delivery = Delivery(
            body=body, content_type=media, received_at=NOW, settings={"mapping": mapping}
        )
        read |= _reads(connector, delivery)
    return read


def run_guess(octets: bytes) -> bool:
    """Guess a mapping from any sample; what is guessed must be a mapping that reads it."""
    if not octets:
        return False
    connector = registry.connectors()["plain_json"]
    types = connector.content_types
    delivery = Delivery(
        body=octets[1:], content_type=types[octets[0] % len(types)], received_at=NOW
    )
    if connector.examine is None:
        return False
    try:
        sample = connector.examine(delivery)
    except ParseError as problem:
        check_refusal(problem)
        return False
    must(len(sample.fields) <= 60, "more fields than a page shows")
    for one in sample.fields:
        must(0 < len(one.path) <= 300, "a path without name, or too long")
        must(len(one.example) <= 60, "an example that fills the page")
    guessed = replace(delivery, settings=dict(sample.settings))
    try:
        check_parsed(connector.parse(guessed), body=octets)
    except ParseError as problem:
        must(problem.code != "mapping", f"the mapping that was guessed is wrong: {problem}")
        check_refusal(problem)
    return True


def run_texts(octets: bytes) -> bool:
    """Read one text as an instant and as a number, in every way it may be asked."""
    text, read = octets.decode("utf-8", "replace"), False
    with contextlib.suppress(ValueError, OverflowError):
        check_instant(clock.parse_instant(text))
    for zone in (None, clock.PARIS):
        for repeated in RepeatedHour:
            for skipped in SkippedHour:
                try:
                    placed = placed_instant(
                        text, zone, repeated=repeated, skipped=skipped, received_at=NOW
                    )
                except ParseError as problem:
                    check_refusal(problem)
                else:
                    check_instant(placed.instant)
                    read = True
    for decimal in ("", ",", "."):
        number = written_number(text, decimal=decimal)
        if number is not None:
            check_number(number)
            read = True
    return read


def run_codec(octets: bytes) -> bool:
    """Decode a frame with the codec that the first octet chooses, down to measurements."""
    if len(octets) < 2:
        return False
    key = CODECS[octets[0] % len(CODECS)]
    codec = registry.codecs()[key]
    frame = Frame(payload=octets[2:], f_port=octets[1], observed_at=NOW)
    must(isinstance(codec.recognises(frame), bool), "whether it is recognised is not known")
    try:
        readings = codec.decode(frame)
    except DecodeError as problem:
        must(str(problem), "a refusal without sentence")
        return False
    must(len(readings) <= 2_000, "more readings than a frame can hold")
    for reading in readings:
        must(reading.measure, "a reading without measure")
        check_number(float(reading.value))
        if reading.observed_at is not None:
            check_instant(reading.observed_at)
    _run_decoding(key, octets)
    return bool(readings)


def _run_decoding(key: str, octets: bytes) -> None:
    """Take a frame through the decoding of the ingest path."""
    installed = catalogue()
    types = sorted(installed.asset_types)
    type_key = types[octets[1] % len(types)]
    asset = AttachedAsset(1, "u", type_key, "d", None, NOW, None)
    decoded = decode_uplink(
        Uplink(device="d", key="k", observed_at=NOW, payload=octets[2:], f_port=octets[1]),
        DeviceEntry(1, "d", key, {}, (asset,)),
        received_at=NOW,
        default_codec="",
        installed=installed,
    )
    must(decoded.status in Status, "a message without state")
    must(decoded.error_code != "codec.failed", f"the codec {key} failed: {decoded.error_params}")
    must(decoded.error_code != "decode.failed", f"decoding failed: {decoded.error_params}")
    for value in decoded.values:
        check_number(value.value)
        check_instant(value.observed_at)
        must(abs(value.value) <= 1e18, "a value that no sum can hold")


def run_file(octets: bytes) -> bool:
    """Open any file, with all its tables and rows."""
    limits = Limits(
        unpacked_bytes=5_000_000,
        sqlite_steps=500_000,
        sheet_memory_bytes=1_000_000_000,
        sheet_seconds=5,
    )
    try:
        opened = open_tables(octets, name="essai", limits=limits, near=(3.8767, 43.6111, 30.0))
    except FileRefused as refusal:
        must(refusal.code, "a refusal without code")
        return False
    must(opened.tables, "neither tables nor a refusal")
    for table in opened.tables:
        rows = list(table.rows())
        must(len(rows) == table.row_count, "rows that are counted are not there")
        keys = {column.key for column in table.columns}
        for row in rows:
            must(set(row.values) == keys, "a row has other columns than its table")
            shape = row.geometry
            must(shape is None or (shape.is_valid and not shape.is_empty), "a broken geometry")
            for value in row.values.values():
                if isinstance(value, float):
                    check_number(value)
    return True


def run_shapefile(octets: bytes) -> bool:
    """Open a shapefile whose three parts stand one after the other, each with its length."""
    parts, rest = {}, octets
    for extension in ("shp", "dbf", "prj"):
        size, rest = int.from_bytes(rest[:3], "big"), rest[3:]
        parts[extension], rest = rest[:size], rest[size:]
    return run_file(zipped({f"a.{extension}": part for extension, part in parts.items() if part}))


def run_workbook(octets: bytes) -> bool:
    """Open a workbook one of whose parts is replaced: outside, its checksums catch everything."""
    if not octets:
        return False
    members = dict(seeds.workbook_members())
    names = sorted(members)
    members[names[octets[0] % len(names)]] = octets[1:]
    return run_file(zipped(members))


def zipped(members: Mapping[str, bytes]) -> bytes:
    """Return an archive; stored, so that what is inside is what was given."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def run_http_head(octets: bytes) -> bool:
    """Read a request head; what is passed on must be readable in the same way."""
    try:
        head = checked_head(octets)
    except RefusedRequest as refusal:
        must(refusal_page(refusal.status), "a refusal without page")
        return False
    for scheme in ("http", "https"):
        headers = forwarded_headers(head, peer="127.0.0.1", scheme=scheme)
        for name, value in headers:
            must(name == name.lower() and b"\n" not in name + value, "a header that splits")
            must(b"\r" not in name + value and b"\x00" not in value, "a header that splits")
        must(sum(name == b"host" for name, _ in headers) == 1, "a request of several hosts")
        kept = {name for name, _ in headers} - {b"connection", b"transfer-encoding"}
        must(not kept & HOP_BY_HOP, "a header of one hop is passed on")
        again = b"\r\n".join(
            [b" ".join([head.method, head.target, b"HTTP/1.1"])]
            + [name + b": " + value for name, value in headers]
        )
        read = checked_head(again + b"\r\n\r\n")
        must(read.target == head.target and read.host == head.host, "it is read in two ways")
    return True


def run_gzip(octets: bytes) -> bool:
    """Unpack a body within its bound."""
    try:
        must(len(unpacked(octets, limit=100_000)) <= 100_000, "more than the limit")
    except DeliveryRefused:
        return False
    return True


def run_mqtt(octets: bytes) -> bool:
    """Read a message by MQTT: a declared topic, the topic it came on, and its payload, by lines."""
    declared, topic, payload = ([*octets.split(b"\n", 2), b"", b""])[:3]
    try:
        names = topic_of(declared.decode("utf-8", "replace")).read(topic.decode("utf-8", "replace"))
    except BeffroiError as problem:
        must(str(problem), "a refusal without sentence")
        return False
    if names is None:
        return False
    must(all("/" not in value for value in names.values()), "a level that is two")
    arrived = Arrived(topic.decode("utf-8", "replace"), payload, 1, 7, False, False, NOW)
    connector, read = registry.connectors()["plain_json"], False
    for settings in _MAPPINGS[:3]:
        delivery = placed(arrived, names, _source(connector, settings)).delivery
        # The topic's own words are added to what came.
        room = delivery.body + bytes(1_000)
        try:
            parsed = connector.parse(delivery)
        except ParseError as problem:
            check_refusal(problem)
            continue
        check_parsed(parsed, body=room)
        read |= any(not isinstance(item, Refusal) for item in parsed)
    return read


def _source(connector: Connector, settings: Mapping[str, Any]) -> SourceEntry:
    return SourceEntry(
        id=1,
        territory_id=1,
        uuid=UUID(int=0),
        key="k",
        connector=connector,
        authentication="secret",
        secret_hashes=(),
        shared_key="",
        settings=dict(settings),
        default_codec="",
    )


def run_rules(octets: bytes) -> bool:
    """Read decoded fields by stored rules: ``{"rules": {…}, "values": {…}}``, both anything."""
    try:
        given = msgspec.json.decode(octets, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    stored, values = given.get("rules"), given.get("values")
    if not isinstance(stored, dict) or not isinstance(values, dict):
        return False
    rules = rules_of(stored)
    fields = rules.read(values)
    must(len(fields) <= 10_000, "more fields than a message can hold")
    for path, value, at, rule, _dated in fields:
        must(isinstance(path, str), "a field without path")
        if at is not None:
            check_instant(at)
        if rule is not None:
            number_of(rule.converted(value))
    return bool(fields)


_TEXTS = ("beffroi.sdk.messages", "beffroi.sdk.local_time", "beffroi.sdk.numbers",
          "beffroi.kernel.clock")  # fmt: skip
_PLAIN = ("beffroi.connectors.plain_json", *_TEXTS)
_DECODING = ("beffroi.domains", "beffroi.city.ingest.decoding",
             "beffroi.city.ingest.plain_values")  # fmt: skip
_MQTT = ("beffroi.city.ingest.mqtt.topics", "beffroi.city.ingest.mqtt.payloads", *_PLAIN)
_RULES = ("beffroi.city.codecs.mapping", "beffroi.city.ingest.plain_values")
_HEADS = ("beffroi.site.http_heads", "beffroi.city.ingest.requests")
_FILES = ("beffroi.foundation.files.reading",)

_JSON_WORDS = (b'"', b":", b",", b"{", b"}", b"[", b"]", b"null", b"true", b"1e999", b"NaN", b"\\u")
_TIME_WORDS = (b"2026-03-02T07:31:22Z", b"25/10/2026 02:30", b"29/03/2026 02:30", b":60", b"+01:00",
               b"1772436682", b"20260302", b"29/02/2024", b"h")  # fmt: skip
_CSV_WORDS = (b";", b",", b'"', b"\n", b"\r\n", b"\t", b"sep=;", b"1,5", b"1 200", b"\xef\xbb\xbf")
_GEOMETRY = (b"POINT(", b"POLYGON((", b'"type"', b'"coordinates"', b'"Point"', b'"Polygon"',
             b'"FeatureCollection"', b'"Feature"', b'"geometry"', b'"properties"')  # fmt: skip


_ESRI_WORDS = (b'"rings"', b'"paths"', b'"attributes"', b'"wkid"')
_KML_WORDS = (b"<Placemark>", b"<Point>", b"<coordinates>", b"</", b"/>", b"&amp;")
_GPX_WORDS = (b"<wpt ", b"<trkpt ", b"<rte>", b"lat=", b"lon=", b"<ele>")
_HTTP_WORDS = (b"\r\n", b"Host: a", b"Transfer-Encoding: chunked", b"Content-Length: 1")


def targets() -> dict[str, Target]:
    """Return every target by name."""
    found: list[Target] = [
        Target(
            name=f"connector-{key}",
            run=partial(run_connector, key),
            seeds=partial(seeds.of_connector, key),
            guided_by=(f"beffroi.connectors.{key}", *_TEXTS),
            dictionary=(*_JSON_WORDS, *_TIME_WORDS, *_CSV_WORDS),
        )
        for key in CONNECTORS
    ]
    found += [
        Target(
            "mapping", run_mapping, seeds.of_mappings, _PLAIN, (*_JSON_WORDS, *seeds.MAPPING_WORDS)
        ),
        Target(
            "guess", run_guess, seeds.of_samples, _PLAIN, (*_JSON_WORDS, *_CSV_WORDS, *_TIME_WORDS)
        ),
        Target("instants-and-numbers", run_texts, seeds.of_texts, _TEXTS, _TIME_WORDS),
        Target("mqtt", run_mqtt, seeds.of_mqtt, _MQTT, (*_JSON_WORDS, b"{device}", b"+", b"#")),
        Target("field-rules", run_rules, seeds.of_rules, _RULES, (*_JSON_WORDS, *_TIME_WORDS)),
        Target("codecs", run_codec, partial(seeds.of_codecs, CODECS), _DECODING),
        Target("http-heads", run_http_head, seeds.of_heads, _HEADS, _HTTP_WORDS),
        Target("gzip", run_gzip, seeds.of_gzip, _HEADS),
        Target("file-csv", run_file, seeds.of_csv_files, _FILES, (*_CSV_WORDS, *_TIME_WORDS)),
        Target(
            "file-geojson", run_file, seeds.of_geojson_files, _FILES, (*_JSON_WORDS, *_GEOMETRY)
        ),
        Target(
            "file-esri-json", run_file, seeds.of_esri_files, _FILES, (*_JSON_WORDS, *_ESRI_WORDS)
        ),
        Target("file-kml", run_file, seeds.of_kml_files, _FILES, _KML_WORDS),
        Target("file-gpx", run_file, seeds.of_gpx_files, _FILES, _GPX_WORDS),
        Target("file-shapefile", run_shapefile, seeds.of_shapefiles, _FILES),
        Target("file-dbase", run_file, seeds.of_dbase_files, _FILES),
        Target("file-geopackage", run_file, seeds.of_geopackages, _FILES, slow=True),
        Target("file-workbook", run_workbook, seeds.of_workbooks, _FILES, slow=True),
    ]
    registry.connectors()  # loaded when asked: what guides a search must be there
    return {target.name: target for target in found}
