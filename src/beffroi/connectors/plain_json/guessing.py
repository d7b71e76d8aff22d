"""A first mapping, guessed from a sample; an agent corrects it on the page of the source."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec

from beffroi.connectors.plain_json.bodies import is_table, items_of
from beffroi.connectors.plain_json.mapping import PlainMapping, as_number
from beffroi.connectors.plain_json.table import open_csv
from beffroi.kernel.errors import ParseError
from beffroi.kernel.identifiers import slug_of
from beffroi.sdk import registry
from beffroi.sdk.connectors import Delivery, Sample, SampleField
from beffroi.sdk.local_time import placed_instant, zone_of
from beffroi.sdk.numbers import MISSING

ITEMS_LOOKED_AT = 50
MAX_FIELDS = 60
MAX_DEPTH = 5
MAX_EXAMPLE = 60
HOUSE_ZONE = "Europe/Paris"
_HOUR = re.compile(r"\d{1,2}[:h]\d{2}(:\d{2})?", re.ASCII)

_NAMES: dict[str, tuple[str, ...]] = {
    "device": (
        "device", "deviceid", "deveui", "deviceeui", "devicename", "appareil", "capteur",
        "idcapteur", "sensor", "sensorid", "identifiant", "station", "stationid",
        "codestation", "nomstation", "compteur", "idcompteur", "equipement", "objet",
        "source", "site", "ref", "reference", "serial", "mac", "imei", "id", "name", "nom",
    ),
    "time": (
        "time", "timestamp", "ts", "datetime", "observedat", "measuredat", "horodatage",
        "horodate", "dateheure", "datemesure", "datereleve", "dateobs", "datetimeutc",
        "date", "jour", "heure", "at", "when", "created", "createdat", "receivedat",
    ),
    "time_of_day": (
        "heure", "hour", "timeofday", "heuremesure", "heurereleve",
    ),
    "key": (
        "messageid", "msgid", "messageuuid", "uuid", "eventid", "seq", "idmesure",
    ),
    "name": (
        "devicename", "nom", "name", "label", "libelle", "nomstation",
    ),
    "lon": (
        "lon", "lng", "long", "longitude", "x",
    ),
    "lat": (
        "lat", "latitude", "y",
    ),
    "measure": (
        "measure", "mesure", "variable", "parametre", "parameter", "grandeur", "metric",
        "type", "polluant", "indicateur", "property", "nomparametre",
    ),
    "value": (
        "value", "valeur", "val", "reading", "resultat", "mesurevaleur",
    ),
}  # fmt: skip
_NOT_A_MEASURE = frozenset({"fcnt", "fport", "port", "version", "counter", "quality", "status"})


def examine(delivery: Delivery) -> Sample:
    """Guess the mapping of a sample, and list all that stands in it.

    Raises:
        ParseError: the sample cannot be read.
    """
    mapping: dict[str, Any] = {}
    if is_table(delivery):
        table = open_csv(delivery.body, content_type=delivery.content_type)
        mapping["delimiter"] = table.delimiter
        items: list[Mapping[str, Any]] = [
            row.cells for row in islice(table.rows(), ITEMS_LOOKED_AT) if row.problem is None
        ]
    else:
        mapping, items = _of_json(delivery)
    if not items:
        raise ParseError(
            "The sample holds no message.", way_out="Paste at least one message of the sender."
        )
    found = _fields(items)
    mapping.update(_places(items, found))
    measures = _measures(found, mapping)
    if measures:
        mapping["measures"] = measures
    return Sample(
        settings={"mapping": mapping},
        fields=tuple(
            SampleField(
                path=path, example=_shown(_written(values)[0]), is_number=_are_numbers(values)
            )
            for path, values in found.items()
        ),
    )


def _of_json(delivery: Delivery) -> tuple[dict[str, Any], list[Mapping[str, Any]]]:
    whole = list(islice(items_of(delivery, PlainMapping()), ITEMS_LOOKED_AT))
    items = [item.content for item in whole if item.problem is None]
    if not items and whole and whole[0].problem is not None:
        raise whole[0].problem
    lists = _lists(items[0]) if len(items) == 1 else []
    if not lists:
        return {}, items
    path, inner = max(lists, key=lambda one: len(one[1]))
    # A list of one message with values beside it may be part of the message itself.
    if len(inner) < 2 and any(_is_named(key, "device") for key in items[0]):
        return {}, items
    return {"items": path}, list(inner[:ITEMS_LOOKED_AT])


def _lists(
    item: Mapping[str, Any], prefix: str = "", depth: int = 3
) -> list[tuple[str, list[Any]]]:
    """Return the lists of objects that stand in a message, with their paths."""
    found: list[tuple[str, list[Any]]] = []
    for key, value in item.items():
        path = f"{prefix}{key}"
        if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
            found.append((path, value))
        elif isinstance(value, dict) and depth:
            found += _lists(value, f"{path}.", depth - 1)
    return found


def _fields(items: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return what stands at each path of some items, in the order in which they are met."""
    found: dict[str, list[Any]] = {}
    for item in items:
        inside = item
        if item.get("type") == "Feature" and isinstance(item.get("properties"), Mapping):
            inside = {**{key: item[key] for key in ("id",) if key in item}, **item["properties"]}
        for path, value in _leaves(inside):
            if path in found or len(found) < MAX_FIELDS:
                found.setdefault(path, []).append(value)
    return {path: values for path, values in found.items() if _written(values)}


def _leaves(value: Any, path: str = "", depth: int = MAX_DEPTH) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and depth:
        for key, inner in list(value.items())[: 4 * MAX_FIELDS]:
            yield from _leaves(inner, f"{path}.{key}" if path else str(key), depth - 1)
    elif isinstance(value, list) and depth:
        for rank, inner in enumerate(value[:4]):
            yield from _leaves(inner, f"{path}.{rank}", depth - 1)
    elif not isinstance(value, Mapping | list) and 0 < len(path) <= 200:
        yield path, value


def _written(values: Sequence[Any]) -> list[Any]:
    return [
        value
        for value in values
        if value is not None and not (isinstance(value, str) and value.strip().lower() in MISSING)
    ]


def _mostly(values: Sequence[Any], test: Callable[[Any], bool]) -> bool:
    """Tell whether at least half of what is written passes: a sample has faults too."""
    written = _written(values)
    return bool(written) and 2 * sum(map(test, written)) >= len(written)


def _are_numbers(values: Sequence[Any]) -> bool:
    return _mostly(values, lambda value: as_number(value) is not None)


def _shown(value: Any) -> str:
    return (value if isinstance(value, str) else msgspec.json.encode(value).decode())[:MAX_EXAMPLE]


def _places(items: Sequence[Mapping[str, Any]], found: Mapping[str, list[Any]]) -> dict[str, Any]:
    """Guess where everything but the measures stands."""
    mapping: dict[str, Any] = {}
    times = [path for path, values in found.items() if _are_times(values)]
    if time := _best("time", times) or (times[0] if len(times) == 1 else ""):
        mapping["time"] = time
        if any(_needs_zone(value) for value in _written(found[time])):
            mapping["time_zone"] = HOUSE_ZONE
        hour = _best("time_of_day", [path for path in found if path != time])
        if hour and _mostly(found[hour], lambda one: bool(_HOUR.fullmatch(str(one)))):
            mapping["time_of_day"] = hour
    left = [path for path in found if path not in mapping.values()]
    names = [path for path in left if _may_name(found[path])]
    if device := _best("device", names) or (names[0] if len(names) == 1 else ""):
        mapping["device"] = device
    long = _best("measure", [path for path in names if path != device])
    value = _best("value", [path for path in left if _are_numbers(found[path])])
    if long and value and len(items) > 1:
        mapping["measure"], mapping["value"] = long, value
    for part in ("key", "name", "lon", "lat"):
        free = [path for path in left if path not in mapping.values()]
        if part in {"lon", "lat"}:
            free = [path for path in free if _are_numbers(found[path])]
        if best := _best(part, free):
            mapping[part] = best
    if ("lon" in mapping) != ("lat" in mapping):
        mapping.pop("lon", mapping.pop("lat", None))
    return mapping


def _measures(found: Mapping[str, list[Any]], mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Name each number that is left by the measure it seems to be, else by its own name."""
    if "measure" in mapping:
        return {}
    known = registry.measures()
    taken = set(mapping.values()) | {
        path for path, values in found.items() if _are_times(values) and _is_named(path, "time")
    }
    measures: dict[str, Any] = {}
    for path, values in found.items():
        last = path.rpartition(".")[2] if not path.rpartition(".")[2].isdigit() else path
        if path in taken or not _are_numbers(values) or _plain(last) in _NOT_A_MEASURE:
            continue
        own = slug_of(last).replace("-", "_")[:63] or "value"
        name = own if own in known else _declared_alike(own, known) or own
        while name in measures:
            name = f"{name[:60]}_{len(measures)}"
        measures[name] = path
    return measures


def _declared_alike(own: str, known: Mapping[str, Any]) -> str:
    """Return the one declared measure whose name begins with this one, its unit left out."""
    alike = [
        key for key in known if key.startswith(f"{own}_") and key.count("_") == own.count("_") + 1
    ]
    return alike[0] if len(alike) == 1 else ""


def _best(part: str, paths: Sequence[str]) -> str:
    """Return the path whose last name says most surely that it is this part."""
    ranked = sorted(
        (_NAMES[part].index(name), rank, path)
        for rank, path in enumerate(paths)
        if (name := _plain(path.rpartition(".")[2])) in _NAMES[part]
    )
    return ranked[0][2] if ranked else ""


def _is_named(path: str, part: str) -> bool:
    return _plain(path.rpartition(".")[2]) in _NAMES[part]


def _plain(name: str) -> str:
    return slug_of(name).replace("-", "")


def _may_name(values: Sequence[Any]) -> bool:
    return all(
        isinstance(value, str | int) and not isinstance(value, bool) and len(str(value)) <= 120
        for value in values
    ) and bool(_written(values))


def _are_times(values: Sequence[Any]) -> bool:
    return _mostly(values, _is_time)


def _is_time(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    if not isinstance(value, str):
        # From 2001 to 2033, in seconds or finer.
        return any(1e9 * scale <= value < 2e9 * scale for scale in (1, 1e3, 1e6, 1e9))
    text = value.strip()
    if len(text) < 8 or len(text) > 40:
        return False
    try:
        found = placed_instant(text, zone_of(HOUSE_ZONE))
    except ParseError:
        return False
    return 2000 <= found.instant.year < 2100


def _needs_zone(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        placed_instant(value.strip(), None)
    except ParseError:
        return True
    return False
