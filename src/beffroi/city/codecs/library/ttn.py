"""The layout of The Things Network's device repository."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from beffroi.city.codecs.engine.contracts import (
    DECODE_DOWNLINK,
    DECODE_UPLINK,
    ENCODE_DOWNLINK,
)
from beffroi.city.codecs.library.contracts import Example, FoundCodec, FoundModel, Layout
from beffroi.city.codecs.library.examples import examples_of
from beffroi.city.codecs.library.files import Tree, Unreadable
from beffroi.city.codecs.library.findings import Findings

SECTIONS = {
    "uplinkDecoder": DECODE_UPLINK,
    "downlinkEncoder": ENCODE_DOWNLINK,
    "downlinkDecoder": DECODE_DOWNLINK,
}
_SIGNS = tuple(name.encode() for name in (*SECTIONS, "firmwareVersions", "endDevices", "vendors"))


def read_ttn(tree: Tree, paths: Iterable[Path], found: Findings) -> None:
    """Add codecs and devices of the YAML files among these paths."""
    names: dict[str, str] = {}
    devices: list[tuple[Path, Mapping[str, Any]]] = []
    for path in paths:
        if path.suffix.lower() not in {".yaml", ".yml"} or not found.wants(_vendor(path)):
            continue
        try:
            # Most files are radio profiles: looking for a word costs less than reading YAML.
            octets = tree.octets(path)
            if not any(sign in octets for sign in _SIGNS):
                continue
            value = tree.data(path)
        except Unreadable as problem:
            found.refuse(tree.relative(path), problem)
            continue
        if not isinstance(value, dict):
            continue
        if path.stem == "index" and isinstance(value.get("vendors"), list):
            names.update(_names(value["vendors"]))
        elif any(isinstance(value.get(section), dict) for section in SECTIONS):
            found.add_codec(_codec(tree, path, value))
        elif isinstance(value.get("firmwareVersions"), list):
            devices.append((path, value))
    for path, value in devices:
        _device(path, value, found)
    found.name_vendors(names)


def _codec(tree: Tree, path: Path, value: Mapping[str, Any]) -> FoundCodec:
    texts: dict[str, str] = {}
    origins: dict[str, str] = {}
    functions: list[str] = []
    examples: list[Example] = []
    missing = ""
    for section, function in SECTIONS.items():
        part = value.get(section)
        if not isinstance(part, dict):
            continue
        functions.append(function)
        examples += examples_of(
            part.get("examples"), function, name="description", expected="output"
        )
        try:
            script = tree.beside(path.parent, part.get("fileName"))
            texts[function] = tree.text(script)
            origins[function] = tree.relative(script)
        except Unreadable as problem:
            missing = missing or str(problem.params.get("name") or problem)
    return FoundCodec(
        key=f"{Layout.TTN}/{_vendor(path)}/{path.stem}",
        layout=Layout.TTN,
        vendor=_vendor(path),
        name=path.stem,
        source=_joined(texts, origins),
        origin=tree.relative(path),
        functions=tuple(functions),
        examples=tuple(examples),
        # What one file lacks, the functions of the other do not make up for.
        missing=missing if not texts else "",
    )


def _joined(texts: Mapping[str, str], origins: Mapping[str, str]) -> str:
    """Return one script of several files: each keeps names of its own."""
    if len(set(origins.values())) <= 1:
        return next(iter(texts.values()), "")
    return "\n".join(
        f"var {function} = (function () {{{text}\nreturn {function};\n}})();"
        for function, text in texts.items()
    )


def _device(path: Path, value: Mapping[str, Any], found: Findings) -> None:
    vendor = _vendor(path)
    codec = ""
    for version in value["firmwareVersions"]:
        profiles = version.get("profiles") if isinstance(version, dict) else None
        for profile in profiles.values() if isinstance(profiles, dict) else ():
            if isinstance(profile, dict) and isinstance(profile.get("codec"), str):
                # The last firmware's codec reads what devices sold today send.
                codec = f"{Layout.TTN}/{profile.get('vendorID') or vendor}/{profile['codec']}"
    if codec:
        found.add_model(
            FoundModel(
                key=f"{Layout.TTN}/{vendor}/{path.stem}",
                vendor=vendor,
                name=str(value.get("name") or path.stem),
                description=str(value.get("description") or ""),
                codec_key=codec,
            )
        )


def _vendor(path: Path) -> str:
    return path.parent.name


def _names(vendors: list[Any]) -> dict[str, str]:
    return {
        str(item["id"]): str(item["name"])
        for item in vendors
        if isinstance(item, dict) and item.get("id") and item.get("name")
    }
