"""What every urban service must keep to, as functions of a domain and its folder.

Each returns sentences about what is wrong; an empty list is a pass. A city that writes its own
service may run them too: they read nothing but the declarations and the folder.
"""

from __future__ import annotations

import inspect
import json
import math
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from babel.messages.pofile import read_po

from beffroi.kernel.clock import frozen_at, parse_instant
from beffroi.kernel.errors import DecodeError
from beffroi.sdk.declarations import (
    AssetCount,
    AssetType,
    DemoAsset,
    Domain,
    Fleet,
    Frame,
    Kind,
    Measure,
    MeasureShare,
    MeasureTotal,
    PropertySum,
    Reading,
    TerritoryFact,
)
from beffroi.sdk.device_measures import DEVICE_MEASURES

AREAS = (
    "types", "sources", "codecs", "vectors", "rules", "indicators", "parameters", "demo",
    "translations", "commands", "panels",
)  # fmt: skip
"""What ``quality.toml`` speaks of."""

FACTS = {"population", "area_km2"}
NOW = datetime(2026, 11, 16, 9, 30, tzinfo=UTC)
_INSTANTS = tuple(NOW + timedelta(days=17 * rank, minutes=97 * rank) for rank in range(22))


@dataclass(frozen=True, slots=True)
class Subject:
    """A domain and where it lives."""

    domain: Domain
    folder: Path

    def type(self, key: str) -> AssetType | None:
        return next((item for item in self.domain.asset_types if item.key == key), None)

    def measure(self, asset_type: str, key: str) -> Measure | None:
        declared = self.type(asset_type)
        measures = (*(declared.measures if declared else ()), *DEVICE_MEASURES)
        return next((measure for measure in measures if measure.key == key), None)

    def measures(self) -> dict[str, Measure]:
        found = {measure.key: measure for measure in DEVICE_MEASURES}
        for item in self.domain.asset_types:
            found.update({measure.key: measure for measure in item.measures})
        return found

    def file(self, name: str) -> dict[str, Any]:
        path = self.folder / "vectors" / name
        if not path.exists():
            return {}
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return content


def declarations(subject: Subject) -> list[str]:
    """Types, labels, units and sources are there, and what refers to a type finds it."""
    wrong = []
    keys = {item.key for item in subject.domain.asset_types}
    for item in subject.domain.asset_types:
        if not (item.label and item.label_plural and item.ngsi_type):
            wrong.append(f"type {item.key} has no label or no NGSI type")
        if item.parent and item.parent not in keys:
            wrong.append(f"type {item.key} has parent {item.parent}, which is not declared here")
        for measure in item.measures:
            if measure.valid is None:
                wrong.append(f"measure {measure.key} of {item.key} has no valid range")
            if len(measure.source) < 4:
                wrong.append(f"measure {measure.key} of {item.key} states no source")
            if measure.kind is Kind.BOOLEAN and measure.valid != (0, 1):
                wrong.append(f"boolean {measure.key} of {item.key} ranges beyond 0 and 1")
        synonyms = [word for entry in item.properties for word in entry.synonyms]
        wrong.extend(
            f"type {item.key} takes the column {word!r} for two properties"
            for word in sorted({word for word in synonyms if synonyms.count(word) > 1})
        )
    wrong.extend(
        f"ranking {ranking.label!r} reads undeclared {ranking.measure}"
        for ranking in subject.domain.rankings
        if subject.measure(ranking.asset_type, ranking.measure) is None
    )
    return wrong


def parameters(subject: Subject) -> list[str]:
    """Numbers set by a text name it, and the rows of a table do not overlap."""
    wrong = []
    for table in subject.domain.parameters:
        if any(len(row.text) < 10 for row in table.rows):
            wrong.append(f"parameter {table.key} has a row without its text")
        ordered = sorted(table.rows, key=lambda row: row.valid_from)
        wrong.extend(
            f"parameter {table.key} has rows that overlap"
            for before, after in pairwise(ordered)
            if before.valid_to is None or before.valid_to >= after.valid_from
        )
    return wrong


def _vectors(subject: Subject) -> Iterator[dict[str, Any]]:
    for path in sorted((subject.folder / "vectors").glob("*.json")):
        yield from json.loads(path.read_text(encoding="utf-8")).get("vectors", ())


def codecs(subject: Subject) -> list[str]:
    """Each codec reads its vectors, within declared ranges, and refuses a malformed one."""
    wrong = []
    known = subject.measures()
    vectors = list(_vectors(subject))
    for codec in subject.domain.codecs:
        mine = [vector for vector in vectors if vector["codec"] == codec.key]
        if not any("readings" in vector for vector in mine):
            wrong.append(f"codec {codec.key} has no vector that it reads")
        if not any("error" in vector for vector in mine):
            wrong.append(f"codec {codec.key} has no malformed vector")
        for vector in mine:
            name = f"{codec.key}, {vector['name']!r}"
            if not vector.get("source"):
                wrong.append(f"vector {name} names no source")
            frame = Frame(
                payload=bytes.fromhex(vector["payload"]),
                f_port=vector["f_port"],
                observed_at=parse_instant(vector.get("observed_at", NOW.isoformat())),
            )
            try:
                readings = tuple(codec.decode(frame))
            except DecodeError:
                if "error" not in vector:
                    wrong.append(f"vector {name} cannot be read")
                continue
            if "error" in vector:
                wrong.append(f"malformed vector {name} is read")
                continue
            wrong.extend(f"vector {name}: {item}" for item in _compare(readings, vector, known))
    orphans = {vector["codec"] for vector in vectors} - {
        codec.key for codec in subject.domain.codecs
    }
    return wrong + [f"vectors name the codec {key}, which is not declared" for key in orphans]


def _compare(
    readings: Iterable[Reading], vector: Mapping[str, Any], known: Mapping[str, Measure]
) -> Iterator[str]:
    wanted = {
        (item["measure"], item.get("observed_at", "")): item["value"] for item in vector["readings"]
    }
    found = {
        (item.measure, item.observed_at.isoformat().replace("+00:00", "Z"))
        if item.observed_at
        else (item.measure, ""): item.value
        for item in readings
    }
    if wanted.keys() != found.keys():
        yield f"reads {sorted(found)} instead of {sorted(wanted)}"
        return
    for key, value in found.items():
        if not math.isclose(value, wanted[key], rel_tol=1e-6, abs_tol=1e-6):
            yield f"reads {key[0]} as {value} instead of {wanted[key]}"
        measure = known.get(key[0])
        if measure is None:
            yield f"reads {key[0]}, which no type declares"
        elif measure.valid and not measure.valid[0] <= value <= measure.valid[1]:
            yield f"reads {key[0]} as {value}, outside {measure.valid}"


def rules(subject: Subject) -> list[str]:
    """Rules read declared measures, link a playbook that exists, and tell yes from no."""
    wrong: list[str] = []
    readme = subject.folder / "README.md"
    anchors = _anchors(readme.read_text(encoding="utf-8")) if readme.exists() else set()
    states = subject.file("rules.json").get("rules", {})
    for rule in subject.domain.rules:
        wrong.extend(
            f"rule {rule.key} reads {key}, which {rule.asset_type} does not declare"
            for key in rule.reads
            if subject.type(rule.asset_type) is None
            or subject.measure(rule.asset_type, key) is None
        )
        file, _hash, anchor = rule.playbook.partition("#")
        if file != "README.md" or anchor not in anchors:
            wrong.append(f"rule {rule.key} links the playbook {rule.playbook}, which is not there")
        for answer, expected in (("yes", True), ("no", False)):
            given = states.get(rule.key, {}).get(answer, [])
            if not given:
                wrong.append(f"rule {rule.key} has no state that gives {answer}")
            for state in given:
                read = {key: float(value) for key, value in state.items() if key in rule.reads}
                try:
                    with frozen_at(NOW):
                        told = rule.when(read)
                except KeyError as missing:
                    wrong.append(f"rule {rule.key} reads {missing} without saying so")
                    continue
                if told is not expected:
                    wrong.append(f"rule {rule.key} says {told} of {state}")
    declared = {rule.key for rule in subject.domain.rules}
    return wrong + [f"states of an unknown rule {key}" for key in states.keys() - declared]


def _anchors(readme: str) -> set[str]:
    headings = re.findall(r"^#+ +(.+?) *$", readme, flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", text).strip().lower().replace(" ", "-") for text in headings}


def playbooks(subject: Subject) -> list[str]:
    """Every linked playbook is there in French, step for step, under the anchor of the English."""
    path = subject.folder / "playbooks.fr.md"
    if not path.exists():
        return ["there is no playbooks.fr.md"]
    text = path.read_text(encoding="utf-8")
    french = _steps(text, r"^## +.+? \{#([a-z0-9-]+)\} *$")
    readme = subject.folder / "README.md"
    english = _steps(readme.read_text(encoding="utf-8"), r"^### +(.+?) *$")
    english = {
        anchor: count for title, count in english.items() for anchor in _anchors(f"# {title}")
    }
    linked = {rule.playbook.partition("#")[2] for rule in subject.domain.rules}
    wrong = [f"playbooks.fr.md has no {anchor}" for anchor in sorted(linked - french.keys())]
    for anchor, count in french.items():
        if anchor not in english:
            wrong.append(f"playbooks.fr.md has {anchor}, which the README has not")
        elif count != english[anchor]:
            wrong.append(f"{anchor} has {count} steps in French and {english[anchor]} in English")
    wrong.extend(
        f"playbooks.fr.md has a typewriter's apostrophe or space: {line!r}"
        for line in text.splitlines()
        if re.search(r"'| [:;!?%»]|« ", line)
    )
    return wrong


def _steps(text: str, heading: str) -> dict[str, int]:
    """Return how many numbered steps stand under each heading."""
    parts = re.split(heading, text, flags=re.MULTILINE)[1:]
    return {
        title: len(re.findall(r"^\d+\. ", body, flags=re.MULTILINE))
        for title, body in zip(parts[::2], parts[1::2], strict=True)
    }


def indicators(subject: Subject) -> list[str]:
    """Indicators have a definition, a source and inputs that exist, and give a number."""
    wrong = []
    for item in subject.domain.indicators:
        if len(item.source.strip()) < 4 or len(item.definition.strip()) < 10:
            wrong.append(f"indicator {item.key} lacks a source or a definition")
        parameters = inspect.signature(item.compute).parameters
        if set(parameters) != set(item.inputs):
            wrong.append(f"indicator {item.key} takes {set(parameters)}, not {set(item.inputs)}")
            continue
        wrong.extend(
            f"indicator {item.key} reads {name}: {fault}"
            for name, source in item.inputs.items()
            if (fault := _fault_of_input(subject, source))
        )
        with frozen_at(NOW):
            value = item.compute(**dict.fromkeys(item.inputs, 7.0))
        if not math.isfinite(value):
            wrong.append(f"indicator {item.key} gives {value}")
    return wrong


def _fault_of_input(subject: Subject, source: object) -> str:
    if isinstance(source, TerritoryFact):
        return "" if source.fact in FACTS else f"no fact {source.fact}"
    if not isinstance(source, AssetCount | PropertySum | MeasureTotal | MeasureShare):
        return f"{source!r} is no input"
    declared = subject.type(source.asset_type)
    if declared is None:
        return f"no type {source.asset_type}"
    properties = {entry.key for entry in declared.properties}
    if isinstance(source, AssetCount):
        known = source.where is None or source.where[0] in properties
        return "" if known else f"no property {source.where}"
    if isinstance(source, PropertySum):
        return "" if source.property in properties else f"no property {source.property}"
    known = subject.measure(source.asset_type, source.measure) is not None
    return "" if known else f"no measure {source.measure}"


def _fleet_assets(declared: AssetType) -> Iterator[DemoAsset]:
    kinds: Mapping[type, Any] = {str: "x", int: 400, float: 50.0, bool: True}
    for rank in range(12):
        properties = {
            entry.key: kinds[entry.kind]
            for entry in declared.properties
            if entry.kind in kinds and rank % 3
        }
        yield DemoAsset(key=f"asset {rank}", lon=3.8 + rank / 100, lat=43.6, properties=properties)


def fleets(subject: Subject) -> list[str]:
    """The demo is deterministic and reports declared measures within their ranges."""
    wrong: list[str] = []
    for fleet in subject.domain.fleets:
        declared = subject.type(fleet.asset_type)
        if declared is None:
            wrong.append(f"the fleet of {fleet.asset_type} is of no declared type")
            continue
        assets = list(_fleet_assets(declared))
        first = [fleet.report(asset, at) for at in _INSTANTS for asset in assets]
        again = [
            fleet.report(replace(asset), at) for at in reversed(_INSTANTS) for asset in assets[::-1]
        ]
        if first != again[::-1]:
            wrong.append(f"the fleet of {fleet.asset_type} does not repeat itself")
        if not any(first):
            wrong.append(f"the fleet of {fleet.asset_type} reports nothing")
        wrong.extend(_faults_of_reports(subject, fleet, first))
    return wrong


def _faults_of_reports(
    subject: Subject, fleet: Fleet, reports: Iterable[Mapping[str, float]]
) -> Iterator[str]:
    seen = set()
    for report in reports:
        for key, value in report.items():
            measure = subject.measure(fleet.asset_type, key)
            fault = ""
            if measure is None:
                fault = f"the fleet of {fleet.asset_type} reports undeclared {key}"
            elif measure.valid and not measure.valid[0] <= value <= measure.valid[1]:
                fault = f"the fleet of {fleet.asset_type} reports {key} outside {measure.valid}"
            if fault and fault not in seen:
                seen.add(fault)
                yield fault


def quality(subject: Subject) -> list[str]:
    """``quality.toml`` speaks of every area, and says why what is not done is not done."""
    path = subject.folder / "quality.toml"
    if not path.exists():
        return ["there is no quality.toml"]
    stated = tomllib.loads(path.read_text(encoding="utf-8"))
    wrong = [f"quality.toml does not speak of {area}" for area in AREAS if area not in stated]
    for area, value in stated.items():
        if area not in AREAS:
            wrong.append(f"quality.toml speaks of {area}, which nobody knows")
        elif value != "done":
            status = value.get("status") if isinstance(value, dict) else value
            reason = value.get("reason", "") if isinstance(value, dict) else ""
            if status not in {"todo", "exempt"}:
                wrong.append(f"quality.toml says {status!r} of {area}")
            if len(reason.strip()) < 10:
                wrong.append(f"quality.toml gives no reason for {area}")
    empty = {
        "codecs": not subject.domain.codecs,
        "rules": not subject.domain.rules,
        "indicators": not subject.domain.indicators,
        "parameters": not subject.domain.parameters,
        "demo": not subject.domain.fleets,
    }
    wrong.extend(
        f"quality.toml calls {area} done, and there is none"
        for area, missing in empty.items()
        if missing and stated.get(area) == "done"
    )
    return wrong


def readme(subject: Subject) -> list[str]:
    """The README says what is covered, from which sources, and what to do."""
    path = subject.folder / "README.md"
    if not path.exists():
        return ["there is no README.md"]
    anchors = _anchors(path.read_text(encoding="utf-8"))
    return [
        f"the README has no section {wanted!r}"
        for wanted in ("what-it-covers", "sources", "playbooks")
        if wanted not in anchors
    ]


def labels(domain: Domain) -> list[str]:
    """Return every text that the domain shows to a person, once each."""
    texts = [domain.label, domain.description]
    for item in domain.asset_types:
        texts += [item.label, item.label_plural]
        for measure in item.measures:
            texts += [measure.label, *measure.choices]
        for entry in item.properties:
            texts += [entry.label, *entry.choices]
    texts += [rule.label for rule in domain.rules]
    for indicator in domain.indicators:
        texts += [indicator.label, indicator.definition, indicator.source]
    texts += [ranking.label for ranking in domain.rankings]
    for table in domain.parameters:
        texts += [table.label, *(row.text for row in table.rows)]
    return list(dict.fromkeys(text for text in texts if text))


def translations(subject: Subject) -> list[str]:
    """Every label has its French, complete and with French typography."""
    path = subject.folder / "locale" / "fr" / "LC_MESSAGES" / "django.po"
    if not path.exists():
        return ["there is no French catalogue"]
    with path.open("rb") as stream:
        catalogue = read_po(stream, abort_invalid=True)
    wrong = []
    for label in labels(subject.domain):
        message = catalogue.get(label)
        if message is None or not message.string or message.fuzzy:
            wrong.append(f"{label!r} has no French")
        elif re.search(r"'| [:;!?%]", str(message.string)):
            wrong.append(f"the French of {label!r} has a typewriter's apostrophe or space")
    return wrong


CHECKS = (
    declarations, parameters, codecs, rules, playbooks, indicators, fleets, quality, readme,
    translations,
)  # fmt: skip
