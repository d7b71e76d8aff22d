"""Good inputs, from the samples of the tests: what a search begins with."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import shapely

from beffroi.foundation.files.tests.builders import dbf, geopackage, shared_text

SOURCE = Path(__file__).resolve().parents[2] / "src" / "beffroi"
SAMPLES = SOURCE / "foundation" / "files" / "tests" / "samples"
LONGEST = 16_384
"""Longer samples are cut: a search is faster on short ones."""

AT = "2026-03-02T07:31:22Z"
_CSV = (
    f'device;time;a;b\nd1;{AT};1,5;2\n"d;2";25/10/2026 02:30;1 200,5;n/a\n',
    f"sep=,\ndevice,time,measure,value\nd,{AT},PM10,12.5\n",
    "Station\tDate\tHeure\tTempérature\nS1\t14/07/2026\t12:00\t21.5\n",
)
_JSON = (
    {"device": "d", "time": AT, "values": {"x": 1, "y": True, "z": "2,5"}, "lon": 3.8, "lat": 43},
    [{"device": "d", "time": 1772436682, "values": {"x": 1}}, {"device": 2}],
    {"data": {"list": [{"meta": {"id": 7}, "ts": 1772436682000, "v": [215], "x": "1"}]}},
    {"type": "FeatureCollection", "features": [
        {"type": "Feature", "id": "x", "geometry": {"type": "Point", "coordinates": [3.8, 43.6]},
         "properties": {"device": "p", "time": AT, "pm10": 12}}]},
)  # fmt: skip
MAPPING_WORDS = tuple(
    f'"{word}"'.encode()
    for word in ("items", "device", "device_name", "time", "time_of_day", "time_format", "epoch_s",
                 "time_zone", "Europe/Paris", "repeated_hour", "skipped_hour", "key", "measure",
                 "value", "values", "delimiter", "decimal", "measures", "path", "factor", "offset",
                 "unit", "words", "temperature_c", "K", "a.b.0", "a", "b")
)  # fmt: skip


def of_connector(key: str) -> list[bytes]:
    """Return published messages and samples of a connector; the first octet chooses settings."""
    found: list[bytes] = []
    if key == "plain_json":
        found += [bytes([rank]) + _encoded(body) for rank in (0, 8, 16) for body in _JSON]
        found += [bytes([1]) + b"\n".join(_encoded(body) for body in _JSON)]
        found += [bytes([rank]) + text.encode() for rank in (5, 13, 29) for text in _CSV]
    if key == "csv_history":
        found += [bytes([rank]) + text.encode() for rank in (0, 4) for text in _CSV]
    published = SOURCE / "connectors" / "tests" / "published.json"
    cases = json.loads(published.read_text(encoding="utf-8"))["cases"]
    found += [b"\x00" + _encoded(case["body"]) for case in cases if case["connector"] == key]
    folder = SOURCE / "connectors" / key / "tests" / "samples"
    for path in sorted(folder.glob("*")):
        if path.suffix in {".json", ".ndjson", ".txt"}:
            found.append(b"\x00" + path.read_bytes())
        elif path.suffix == ".xml":
            found += [bytes([rank]) + path.read_bytes() for rank in (1, 129)]
    return _cut(found)


def of_mappings() -> list[bytes]:
    """Return declared mappings."""
    return [
        _encoded(mapping)
        for mapping in (
            {"device": "device", "time": "time", "time_zone": "Europe/Paris", "values": "a"},
            {"items": "a.b", "device_name": "d", "time_format": "epoch_s"},
            {"measures": {"temperature_c": {"path": "a.b.0", "unit": "°F", "factor": 0.1}},
             "key": "time", "decimal": ",", "delimiter": ";"},
            {"measures": {"x": {"path": "b", "words": {"x": 1, "y": 0}}}, "time_of_day": "b",
             "repeated_hour": "second", "skipped_hour": "forward"},
            {"measure": "b", "value": "a"},
        )
    ]  # fmt: skip


def of_samples() -> list[bytes]:
    """Return samples whose mapping is guessed."""
    return [b"\x00" + _encoded(body) for body in _JSON] + [b"\x05" + one.encode() for one in _CSV]


def of_texts() -> list[bytes]:
    """Return instants and numbers as people write them."""
    return [
        text.encode()
        for text in (
            AT, "2026-03-02 08:31:22.123456789+01:00", "02/03/2026 07:31", "2/3/2026 à 7h31",
            "25/10/2026 02:30", "29/03/2026 02:30:00", "2016-12-31T23:59:60Z", "20260302073122",
            "1772436682", "1772436682000000", "29/02/2024", "1 234,56", "-1.234.567,8", "12e-3",
        )
    ]  # fmt: skip


def of_codecs(keys: tuple[str, ...]) -> list[bytes]:
    """Return the vectors of every codec, after its rank and the port."""
    found: list[bytes] = []
    for path in sorted((SOURCE / "domains").glob("*/vectors/*.json")):
        for vector in json.loads(path.read_text(encoding="utf-8")).get("vectors", ()):
            key, payload = vector.get("codec"), vector.get("payload")
            if key in keys and isinstance(payload, str):
                octets = bytes.fromhex(payload)
                found.append(bytes([keys.index(key), vector.get("f_port", 1)]) + octets)
    return found or [bytes([rank, 1]) + bytes(8) for rank in range(len(keys))]


def of_mqtt() -> list[bytes]:
    """Return declared topics, topics and payloads."""
    return [
        b"t/{device}/up\nt/d1/up\n" + _encoded(_JSON[0]),
        b"t/{device}/{measure}\nt/d1/temperature\n21,5",
        b"+/{device}/{event}/#\nx/d1/up/a/b\n" + _encoded(_JSON[1]),
        b"#\na\n" + _encoded(_JSON[2]),
    ]


def of_rules() -> list[bytes]:
    """Return rules of a device model with decoded fields."""
    rules = {
        "t": {"measure": "temperature_c", "factor": 0.1, "offset": -5, "unit": "°C"},
        "door": {"measure": "door", "choices": {"open": 1, "closed": 0}},
        "log[].v": {"measure": "x", "time": "at"},
    }
    values = {"t": 215, "door": "Open", "log": [{"v": "1,5 V", "at": AT}, {"v": 2, "at": 12}]}
    return [_encoded({"rules": rules, "values": values}), _encoded({"rules": {}, "values": values})]


def of_heads() -> list[bytes]:
    """Return request heads."""
    return [
        b"GET /t/ville/?q=1 HTTP/1.1\r\nHost: ville.example.fr\r\nAccept: */*\r\n\r\n",
        (
            b"POST /ingest/a/b HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 12\r\n"
            b"X-Forwarded-For: 192.0.2.1\r\nConnection: close, x-a\r\nX-A: b\r\n\r\n"
        ),
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\n\r\n",
        b"GET / HTTP/1.0\r\nHost: a\r\n\r\n",
    ]


def of_gzip() -> list[bytes]:
    """Return packed bodies."""
    return [gzip.compress(b"{}"), gzip.compress(b"0" * 99_000) + gzip.compress(b"1" * 2_000)]


def of_csv_files() -> list[bytes]:
    """Return the CSV of portals, and of every style."""
    found = [path.read_bytes() for path in sorted(SAMPLES.glob("*.csv"))]
    found += [one.encode() for one in _CSV]
    found += ["nom;lon;lat\nÉcole;3,87;43,61\n".encode("cp1252"), "a\tb\n1\t2\n".encode("utf-16")]
    return _cut(found, longest=3_000)


def of_geojson_files() -> list[bytes]:
    """Return GeoJSON and plain JSON tables."""
    found = [path.read_bytes() for path in sorted(SAMPLES.glob("*.geojson"))]
    shapes = (
        {"type": "Point", "coordinates": [3.8, 43.6]},
        {"type": "LineString", "coordinates": [[3.8, 43.6], [3.9, 43.7]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]},
        {"type": "MultiPoint", "coordinates": [[3, 43, 1]]},
        {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [1, 2]}]},
    )
    features = [{"type": "Feature", "properties": {"n": 1}, "geometry": one} for one in shapes]
    found += [_encoded({"type": "FeatureCollection", "features": features})]
    found += [_encoded([{"nom": "a", "lon": 3.8, "lat": 43.6}, {"nom": "b"}])]
    return [one for one in found if len(one) <= LONGEST]


def of_esri_files() -> list[bytes]:
    """Return the JSON of ArcGIS."""
    shapes = (
        {"x": 770_000, "y": 6_280_000},
        {"paths": [[[0, 0], [1, 1]]]},
        {"rings": [[[0, 0], [0, 1], [1, 1], [0, 0]]]},
        {"points": [[0, 0], [1, 1]]},
    )
    return [
        _encoded(
            {
                "geometryType": "esriGeometryPoint",
                "spatialReference": {"wkid": 2154, "latestWkid": 2154},
                "fields": [{"name": "nom", "type": "esriFieldTypeString"},
                           {"name": "jour", "type": "esriFieldTypeDate"}],
                "features": [{"attributes": {"nom": "a", "jour": 1_772_436_682_000},
                              "geometry": shape}],
            }
        )
        for shape in shapes
    ]  # fmt: skip


def of_kml_files() -> list[bytes]:
    """Return KML."""
    return [
        (
            b'<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><Folder>'
            b"<Placemark><name>a</name><Point><coordinates>3.8,43.6,0</coordinates></Point>"
            b'<ExtendedData><Data name="n"><value>1</value></Data></ExtendedData></Placemark>'
            b"<Placemark><LineString><coordinates>1,2 3,4</coordinates></LineString></Placemark>"
            b"<Placemark><Polygon><outerBoundaryIs><LinearRing><coordinates>0,0 1,0 1,1 0,0"
            b"</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark>"
            b"</Folder></Document></kml>"
        ),
    ]


def of_gpx_files() -> list[bytes]:
    """Return GPX."""
    return [
        (
            b'<?xml version="1.0"?><gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1">'
            b'<wpt lat="43.6" lon="3.8"><ele>12</ele><time>2026-03-02T07:31:22Z</time>'
            b'</wpt><trk><trkseg><trkpt lat="1" lon="2"/><trkpt lat="3" lon="4"/></trkseg></trk>'
            b'<rte><rtept lat="1" lon="2"/><rtept lat="1" lon="3"/></rte></gpx>'
        ),
    ]


def of_shapefiles() -> list[bytes]:
    """Return shapefiles, the length of each part before it."""
    found: list[bytes] = []
    for path in sorted(SAMPLES.glob("*.zip")):
        with zipfile.ZipFile(path) as archive:
            parts = {name.rpartition(".")[2].lower(): name for name in archive.namelist()}
            joined = b""
            for extension in ("shp", "dbf", "prj"):
                part = archive.read(parts[extension]) if extension in parts else b""
                joined += len(part).to_bytes(3, "big") + part
            found.append(joined)
    return [one for one in found if len(one) <= 4 * LONGEST]


def of_dbase_files() -> list[bytes]:
    """Return tables of shapefiles."""
    fields = ((b"NOM", "C", 10), (b"N", "N", 8), (b"JOUR", "D", 8), (b"OUI", "L", 1))
    return [
        dbf(fields, [(b"a", b"12.5", b"20260302", b"T"), ("é".encode("cp1252"), b"", b"", b"?")]),
        dbf(fields[:1], [(b"a",), (b"b",)]),
    ]


def of_geopackages() -> list[bytes]:
    """Return a GeoPackage."""
    return [geopackage({"lampes": [("a", shapely.Point(770_000, 6_280_000)), ("b", None)]})]


@cache
def workbook_members() -> Mapping[str, bytes]:
    """Return the parts of a small workbook."""
    with zipfile.ZipFile(io.BytesIO(shared_text("ville", rows=3))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def of_workbooks() -> list[bytes]:
    """Return each part of the workbook, after its rank."""
    members = workbook_members()
    return [bytes([rank]) + members[name] for rank, name in enumerate(sorted(members))]


def _encoded(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode()


def _cut(found: Iterable[bytes], *, longest: int = LONGEST) -> list[bytes]:
    return [one[:longest] for one in found]
