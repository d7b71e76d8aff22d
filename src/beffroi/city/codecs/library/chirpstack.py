"""The layout of ChirpStack's device profiles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from beffroi.city.codecs.engine.contracts import DECODE_UPLINK, ENCODE_DOWNLINK
from beffroi.city.codecs.library.contracts import Example, FoundCodec, FoundModel, Layout
from beffroi.city.codecs.library.examples import examples_of
from beffroi.city.codecs.library.files import Tree, Unreadable
from beffroi.city.codecs.library.findings import Findings

TESTS = {"test_decode_": DECODE_UPLINK, "test_encode_": ENCODE_DOWNLINK}
FOLDER = "codecs"


def read_chirpstack(tree: Tree, paths: Iterable[Path], found: Findings) -> None:
    """Add the scripts of ``codecs`` folders with their tests, and the devices that name them."""
    every = list(paths)
    vendors = {path.parent for path in every if path.name == "vendor.toml"}
    vendors |= {
        path.parent.parent
        for path in every
        if path.suffix == ".toml" and path.parent.name == "devices"
    }
    if not vendors:
        return
    for path in every:
        if path.name == "vendor.toml" and found.wants(path.parent.name):
            _vendor_name(tree, path, found)
        in_codecs = path.parent.name == FOLDER and path.parent.parent in vendors
        if in_codecs and path.suffix == ".js" and found.wants(path.parent.parent.name):
            found.add_codec(_codec(tree, path, found))
    for path in every:
        if (
            path.suffix == ".toml"
            and path.parent.name == "devices"
            and found.wants(path.parent.parent.name)
        ):
            _device(tree, path, found)


def _codec(tree: Tree, path: Path, found: Findings) -> FoundCodec:
    vendor = path.parent.parent.name
    source, missing = "", ""
    try:
        source = tree.text(path)
    except Unreadable as problem:
        missing = str(problem.params.get("name") or problem)
    examples: list[Example] = []
    for prefix, function in TESTS.items():
        tests = path.parent / f"{prefix}{path.stem}.json"
        if not tests.is_file():
            continue
        try:
            examples += examples_of(tree.data(tests), function, name="name", expected="expected")
        except Unreadable as problem:
            found.refuse(tree.relative(tests), problem)
    functions = tuple(name for name in (DECODE_UPLINK, ENCODE_DOWNLINK) if name in source)
    return FoundCodec(
        key=f"{Layout.CHIRPSTACK}/{vendor}/{path.stem}",
        layout=Layout.CHIRPSTACK,
        vendor=vendor,
        name=path.stem,
        source=source,
        origin=tree.relative(path),
        functions=functions,
        examples=tuple(examples),
        missing=missing,
    )


def _vendor_name(tree: Tree, path: Path, found: Findings) -> None:
    try:
        vendor = tree.data(path).get("vendor")
    except Unreadable as problem:
        found.refuse(tree.relative(path), problem)
        return
    if isinstance(vendor, dict) and isinstance(vendor.get("name"), str):
        found.name_vendors({path.parent.name: vendor["name"]})


def _device(tree: Tree, path: Path, found: Findings) -> None:
    try:
        device = tree.data(path).get("device")
    except Unreadable as problem:
        found.refuse(tree.relative(path), problem)
        return
    if not isinstance(device, dict):
        return
    vendor = path.parent.parent.name
    codec = _named_codec(device)
    if codec:
        found.add_model(
            FoundModel(
                key=f"{Layout.CHIRPSTACK}/{vendor}/{path.stem}",
                vendor=vendor,
                name=str(device.get("name") or path.stem),
                description=str(device.get("description") or ""),
                codec_key=f"{Layout.CHIRPSTACK}/{vendor}/{Path(codec).stem}",
            )
        )


def _named_codec(device: Mapping[str, Any]) -> str:
    """Return the codec of the last firmware that names one."""
    firmware = device.get("firmware")
    for version in reversed(firmware if isinstance(firmware, list) else []):
        if isinstance(version, dict) and isinstance(version.get("codec"), str):
            return str(version["codec"])
    return ""
