"""The layout of Actility's ThingPark drivers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from beffroi.city.codecs.engine.contracts import (
    DECODE_DOWNLINK,
    DECODE_UPLINK,
    ENCODE_DOWNLINK,
    Dialect,
)
from beffroi.city.codecs.library.contracts import Example, FoundCodec, FoundModel, Layout
from beffroi.city.codecs.library.files import Tree, Unreadable, octets_of
from beffroi.city.codecs.library.findings import Findings

SIGNATURES = {
    "actility": Dialect.THINGPARK,
    "thingpark-x-js": Dialect.THINGPARK,
    "ttn": Dialect.TTN,
    "chirpstack": Dialect.CHIRPSTACK3,
}
"""Values of ``signature`` in ``driver.yaml``; any other, or none, is the LoRa Alliance's."""

TYPES = {
    "uplink": DECODE_UPLINK,
    "downlink-decode": DECODE_DOWNLINK,
    "downlink-encode": ENCODE_DOWNLINK,
    "downlink": ENCODE_DOWNLINK,
}
_OUTSIDE_INPUT = frozenset({"type", "description", "data", "output", "input", "points", "bytes"})
_MARKS = ("driver.yaml", "driver.yml")


def read_thingpark(tree: Tree, paths: Iterable[Path], found: Findings) -> None:
    """Add each folder that has a driver, and the models whose protocol it speaks."""
    every = list(paths)
    protocols: dict[str, str] = {}
    folders = {path.parent for path in every if path.name in _MARKS}
    named = {path.parent for path in every if path.name == "package.json"}
    exampled = {path.parent for path in every if path.name == "examples.json"}
    exampled |= {path.parent.parent for path in every if path.parent.name == "examples"}
    for folder in sorted(folders | (named & exampled)):
        if found.wants(_vendor(folder)):
            codec, protocol = _driver(tree, folder, found)
            key = found.add_codec(codec)
            protocols.update(dict.fromkeys(protocol, key))
    for path in every:
        if path.name in {"model.yaml", "model.yml"} and found.wants(_vendor(path.parent)):
            _model(tree, path, protocols, found)


def _driver(tree: Tree, folder: Path, found: Findings) -> tuple[FoundCodec, list[str]]:
    about = _mapping(tree, [folder / mark for mark in _MARKS], found)
    package = _mapping(tree, [folder / "package.json"], found)
    vendor = _vendor(folder)
    source, origin, missing = "", tree.relative(folder), ""
    try:
        main = tree.beside(folder, package.get("main") or "index.js")
        if not main.suffix and not main.is_file():
            main = main.with_suffix(".js") if not main.is_dir() else main / "index.js"
        origin = tree.relative(main)
        source = tree.text(main)
    except Unreadable as problem:
        missing = str(problem.params.get("name") or problem)
    licence = package.get("license")
    examples = _examples(tree, folder, found)
    codec = FoundCodec(
        key=f"{Layout.THINGPARK}/{vendor}/{folder.name}",
        layout=Layout.THINGPARK,
        vendor=vendor,
        name=folder.name,
        source=source,
        dialect=SIGNATURES.get(str(about.get("signature") or "").strip().lower(), Dialect.ANY),
        origin=origin,
        licence=licence[:80] if isinstance(licence, str) else "",
        functions=tuple(
            name
            for name in (DECODE_UPLINK, ENCODE_DOWNLINK, DECODE_DOWNLINK)
            if name in source or any(example.function == name for example in examples)
        ),
        examples=tuple(examples),
        missing=missing,
    )
    return codec, _texts(about.get("protocolId"))


def _examples(tree: Tree, folder: Path, found: Findings) -> list[Example]:
    """Read ``examples.json``, or the older ``examples/`` where there is none."""
    paths = [folder / "examples.json"]
    if not paths[0].is_file():
        inner = folder / "examples"
        is_folder = inner.is_dir() and not inner.is_symlink()
        paths = sorted(inner.glob("*.json")) if is_folder else []
    examples: list[Example] = []
    for path in paths:
        try:
            value = tree.data(path)
        except Unreadable as problem:
            found.refuse(tree.relative(path), problem)
            continue
        items = value if isinstance(value, list) else [value]
        examples += [
            example
            for rank, item in enumerate(items)
            if isinstance(item, dict)
            for example in [_example(item, rank)]
            if example is not None
        ]
    return examples


def _example(item: Mapping[str, Any], rank: int) -> Example | None:
    function = TYPES.get(str(item.get("type") or "").strip().lower())
    if function is None:
        return None
    given = item.get("input")
    if isinstance(given, dict):
        given = dict(given)
        expected = item.get("output", item.get("data"))
    elif function == ENCODE_DOWNLINK:
        given = {"data": item.get("data"), "fPort": item.get("fPort")}
        expected = {"bytes": item.get("bytes"), "fPort": item.get("fPort")}
    else:
        # The older form keeps everything side by side.
        given = {key: value for key, value in item.items() if key not in _OUTSIDE_INPUT}
        given["bytes"] = item.get("bytes")
        expected = item.get("data", item.get("output"))
    if "bytes" in given:
        octets = octets_of(given["bytes"])
        given["bytes"] = given["bytes"] if octets is None else octets
    return Example(
        name=str(item.get("description") or rank + 1),
        function=function,
        input=given,
        expected=expected,
    )


def _model(tree: Tree, path: Path, protocols: Mapping[str, str], found: Findings) -> None:
    value = _mapping(tree, [path], found)
    codec = next(
        (protocols[name] for name in _texts(value.get("protocolId")) if name in protocols), ""
    )
    vendor = _vendor(path.parent)
    if codec:
        found.add_model(
            FoundModel(
                key=f"{Layout.THINGPARK}/{vendor}/{path.parent.name}",
                vendor=vendor,
                name=str(value.get("name") or path.parent.name),
                description=str(value.get("description") or ""),
                codec_key=codec,
            )
        )


def _mapping(tree: Tree, paths: list[Path], found: Findings) -> dict[str, Any]:
    for path in paths:
        if not path.is_file():
            continue
        try:
            value = tree.data(path)
        except Unreadable as problem:
            found.refuse(tree.relative(path), problem)
            continue
        if isinstance(value, dict):
            return value
    return {}


def _texts(value: object) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [item.strip() for item in items if isinstance(item, str) and item.strip()]


def _vendor(folder: Path) -> str:
    """Return the vendor of ``vendors/<vendor>/drivers/<driver>``, or of a lone driver."""
    parent = folder.parent
    return parent.parent.name if parent.name in {"drivers", "models"} else parent.name
