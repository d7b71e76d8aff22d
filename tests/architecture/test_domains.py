"""Every installed urban service keeps to its form; each check is shown to bite."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import domain_checks as checks
import pytest
from domain_checks import Subject

from beffroi.kernel.errors import DecodeError
from beffroi.kernel.units import Unit
from beffroi.sdk import registry
from beffroi.sdk.declarations import (
    AlarmRule,
    AssetCount,
    AssetType,
    Codec,
    DemoAsset,
    Domain,
    Fleet,
    Frame,
    Indicator,
    Measure,
    ParameterRow,
    ParameterTable,
    Pillar,
    Priority,
    Reading,
)


def _installed() -> list[Subject]:
    subjects = []
    for point in entry_points(group=registry.DOMAIN_GROUP):
        spec = find_spec(point.module)
        assert spec is not None
        assert spec.submodule_search_locations
        folder = Path(spec.submodule_search_locations[0])
        subjects.append(Subject(registry.domains()[point.name], folder))
    return subjects


INSTALLED = _installed()


@pytest.mark.parametrize("subject", INSTALLED, ids=lambda subject: subject.domain.key)
@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.__name__)
def test_an_urban_service_keeps_to_its_form(
    subject: Subject, check: Callable[[Subject], list[str]]
) -> None:
    assert check(subject) == []


def test_the_same_measure_means_the_same_quantity_everywhere() -> None:
    meanings: dict[str, set[tuple[Unit, str]]] = {}
    for subject in INSTALLED:
        for key, measure in subject.measures().items():
            meanings.setdefault(key, set()).add((measure.unit, measure.label))
    assert {key: found for key, found in meanings.items() if len(found) > 1} == {}


def test_the_same_indicator_is_declared_once() -> None:
    keys = [item.key for subject in INSTALLED for item in subject.domain.indicators]
    assert sorted(keys) == sorted(set(keys))


def test_a_domain_knows_only_the_sdk_and_the_kernel() -> None:
    banned = ("django", "beffroi.foundation", "beffroi.city", "beffroi.connectors")
    for subject in INSTALLED:
        for path in subject.folder.rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            for name in banned:
                assert f"import {name}" not in text, path
                assert f"from {name}" not in text, path


# A small service without fault, from which each fault is planted.


def _decode(frame: Frame) -> tuple[Reading, ...]:
    if len(frame.payload) != 1:
        raise DecodeError("A lamp sends one octet.")
    return (Reading("power_w", float(frame.payload[0])),)


def _lamp_out(state: object) -> bool:
    assert isinstance(state, dict)
    return bool(state["power_w"] < 2)


def _count(*, lamps: float) -> float:
    return lamps


def _report(asset: DemoAsset, at: datetime) -> dict[str, float]:
    return {"power_w": float(len(asset.key) + at.hour)}


LAMP = AssetType(
    key="lamp",
    label="Lamp",
    label_plural="Lamps",
    ngsi_type="Streetlight",
    measures=(
        Measure(
            key="power_w",
            label="Power",
            unit=Unit.WATT,
            valid=(0, 300),
            source="meter of the lamp",
        ),
    ),
)
CODEC = Codec(
    key="one_octet",
    label="One octet",
    vendor="Nobody",
    models=("A",),
    decode=_decode,
    recognises=lambda frame: len(frame.payload) == 1,
    source="this test",
)
RULE = AlarmRule(
    key="lamp_out",
    label="Lamp out",
    asset_type="lamp",
    reads=("power_w",),
    when=_lamp_out,
    priority=Priority.LOW,
    on_delay=timedelta(0),
    off_delay=timedelta(0),
    playbook="README.md#lamp-out",
)
INDICATOR = Indicator(
    key="lamps",
    label="Number of lamps",
    definition="How many lamps there are.",
    unit=Unit.COUNT,
    source="asset register",
    inputs={"lamps": AssetCount(asset_type="lamp")},
    compute=_count,
)
FLEET = Fleet(asset_type="lamp", every=timedelta(hours=1), report=_report)
DOMAIN = Domain(
    key="lamps",
    label="Lighting",
    description="Lamps of a town.",
    pillar=Pillar.RESOURCES,
    asset_types=(LAMP,),
    codecs=(CODEC,),
    rules=(RULE,),
    indicators=(INDICATOR,),
    fleets=(FLEET,),
)

VECTORS = {
    "vectors": [
        {
            "codec": "one_octet",
            "name": "seventy watts",
            "source": "this test",
            "f_port": 1,
            "payload": "46",
            "readings": [{"measure": "power_w", "value": 70}],
        },
        {
            "codec": "one_octet",
            "name": "cut",
            "source": "this test",
            "f_port": 1,
            "payload": "",
            "error": "decode",
        },
    ]
}
STATES = {"rules": {"lamp_out": {"yes": [{"power_w": 0}], "no": [{"power_w": 70}]}}}
FRENCH = {
    "Lighting": "Éclairage",
    "Lamps of a town.": "Lampes d’une commune.",
    "Lamp": "Lampe",
    "Lamps": "Lampes",
    "Power": "Puissance",
    "Lamp out": "Lampe éteinte",
    "Number of lamps": "Nombre de lampes",
    "How many lamps there are.": "Combien il y a de lampes.",
    "asset register": "Registre des équipements",
}
README = (
    "# Lamps\n\n## What it covers\n\n## Sources\n\n## Playbooks\n\n"
    "### Lamp out\n\n1. Look at its cabinet.\n2. Create a job.\n"
)
PLAYBOOKS = (
    "# Fiches réflexes\n\n## Lampe éteinte {#lamp-out}\n\n"
    "1. Regardez son armoire.\n2. Créez une demande d’intervention.\n"
)


@pytest.fixture
def sound(tmp_path: Path) -> Subject:
    (tmp_path / "vectors").mkdir()
    (tmp_path / "vectors" / "one_octet.json").write_text(json.dumps(VECTORS), encoding="utf-8")
    (tmp_path / "vectors" / "rules.json").write_text(json.dumps(STATES), encoding="utf-8")
    (tmp_path / "README.md").write_text(README, encoding="utf-8")
    (tmp_path / "playbooks.fr.md").write_text(PLAYBOOKS, encoding="utf-8")
    lines = [f'{area} = "done"' for area in checks.AREAS if area != "parameters"]
    lines.append('parameters = { status = "exempt", reason = "no law sets a number here" }')
    (tmp_path / "quality.toml").write_text("\n".join(lines), encoding="utf-8")
    catalogue = tmp_path / "locale" / "fr" / "LC_MESSAGES"
    catalogue.mkdir(parents=True)
    head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n'
    body = "".join(f'\nmsgid "{text}"\nmsgstr "{french}"\n' for text, french in FRENCH.items())
    (catalogue / "django.po").write_text(head + body, encoding="utf-8")
    return Subject(DOMAIN, tmp_path)


def test_a_sound_service_passes_every_check(sound: Subject) -> None:
    assert {check.__name__: check(sound) for check in checks.CHECKS} == {
        check.__name__: [] for check in checks.CHECKS
    }


def _rewrite(subject: Subject, file: str, *, old: str, new: str) -> Subject:
    path = subject.folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return subject


def _with(subject: Subject, **changes: Any) -> Subject:
    return replace(subject, domain=replace(subject.domain, **changes))


def _ten_times(frame: Frame) -> tuple[Reading, ...]:
    return tuple(Reading(item.measure, 10 * item.value) for item in _decode(frame))


def _careless(frame: Frame) -> tuple[Reading, ...]:
    return tuple(Reading("power_w", float(octet)) for octet in frame.payload)


def _unseeded(asset: DemoAsset, at: datetime) -> dict[str, float]:
    del asset, at
    return {"power_w": random.random()}  # noqa: S311 - the fault that is planted


def _table(*rows: tuple[date | None, str]) -> ParameterTable:
    return ParameterTable(
        key="hours",
        label="Hours",
        unit=Unit.HOUR,
        rows=tuple(
            ParameterRow(valid_from=date(2019 + rank, 1, 1), valid_to=end, value=1, text=text)
            for rank, (end, text) in enumerate(rows)
        ),
    )


PLANTED: dict[str, tuple[Callable[[Subject], list[str]], Callable[[Subject], Subject], str]] = {
    "a unit slips by ten": (
        checks.codecs,
        lambda subject: _with(
            _rewrite(subject, "vectors/one_octet.json", old='"value": 70', new='"value": 700'),
            codecs=(replace(CODEC, decode=_ten_times),),
        ),
        "outside",
    ),
    "a value differs from its vector": (
        checks.codecs,
        lambda subject: _with(subject, codecs=(replace(CODEC, decode=_ten_times),)),
        "instead of 70",
    ),
    "a malformed frame is read": (
        checks.codecs,
        lambda subject: _with(subject, codecs=(replace(CODEC, decode=_careless),)),
        "malformed",
    ),
    "no malformed vector": (
        checks.codecs,
        lambda subject: _rewrite(
            subject, "vectors/one_octet.json", old='"error": "decode"', new='"readings": []'
        ),
        "no malformed vector",
    ),
    "a measure without a range": (
        checks.declarations,
        lambda subject: _with(
            subject,
            asset_types=(replace(LAMP, measures=(replace(LAMP.measures[0], valid=None),)),),
        ),
        "no valid range",
    ),
    "a rule reads what is not measured": (
        checks.rules,
        lambda subject: _with(subject, rules=(replace(RULE, reads=("power_w", "colour")),)),
        "colour",
    ),
    "a rule reads more than it says": (
        checks.rules,
        lambda subject: _with(subject, rules=(replace(RULE, reads=()),)),
        "without saying so",
    ),
    "a rule links a dead playbook": (
        checks.rules,
        lambda subject: _with(subject, rules=(replace(RULE, playbook="README.md#nowhere"),)),
        "nowhere",
    ),
    "a playbook without French": (
        checks.playbooks,
        lambda subject: _rewrite(subject, "playbooks.fr.md", old=" {#lamp-out}", new=""),
        "has no lamp-out",
    ),
    "a step that the French forgets": (
        checks.playbooks,
        lambda subject: _rewrite(subject, "playbooks.fr.md", old="2. Créez", new="Créez"),
        "1 steps in French and 2",
    ),
    "a French playbook of nothing": (
        checks.playbooks,
        lambda subject: _rewrite(subject, "README.md", old="Lamp out", new="Lamp dark"),
        "which the README has not",
    ),
    "a playbook typed in a hurry": (
        checks.playbooks,
        lambda subject: _rewrite(subject, "playbooks.fr.md", old="d’inter", new="d'inter"),
        "apostrophe",
    ),
    "a rule always says yes": (
        checks.rules,
        lambda subject: _with(subject, rules=(replace(RULE, when=lambda _state: True),)),
        "says True",
    ),
    "an indicator without a source": (
        checks.indicators,
        lambda subject: _with(subject, indicators=(replace(INDICATOR, source="?"),)),
        "source",
    ),
    "an indicator of an unknown type": (
        checks.indicators,
        lambda subject: _with(
            subject,
            indicators=(replace(INDICATOR, inputs={"lamps": AssetCount(asset_type="moon")}),),
        ),
        "moon",
    ),
    "an indicator takes other inputs": (
        checks.indicators,
        lambda subject: _with(
            subject,
            indicators=(replace(INDICATOR, inputs={"bulbs": AssetCount(asset_type="lamp")}),),
        ),
        "takes",
    ),
    "an unseeded demo": (
        checks.fleets,
        lambda subject: _with(subject, fleets=(replace(FLEET, report=_unseeded),)),
        "does not repeat itself",
    ),
    "a demo beyond the range": (
        checks.fleets,
        lambda subject: _with(
            subject, fleets=(replace(FLEET, report=lambda _asset, _at: {"power_w": 3_000.0}),)
        ),
        "outside",
    ),
    "a demo of an undeclared measure": (
        checks.fleets,
        lambda subject: _with(
            subject, fleets=(replace(FLEET, report=lambda _asset, _at: {"colour": 1.0}),)
        ),
        "undeclared",
    ),
    "an exemption without a reason": (
        checks.quality,
        lambda subject: _rewrite(
            subject, "quality.toml", old='reason = "no law sets a number here"', new='reason = ""'
        ),
        "no reason",
    ),
    "what is missing is called done": (
        checks.quality,
        lambda subject: _with(subject, fleets=()),
        "demo done",
    ),
    "a number without its text": (
        checks.parameters,
        lambda subject: _with(subject, parameters=(_table((None, "")),)),
        "without its text",
    ),
    "numbers that overlap": (
        checks.parameters,
        lambda subject: _with(
            subject,
            parameters=(_table((None, "decree of 2019"), (None, "decree of 2020")),),
        ),
        "overlap",
    ),
    "a README without sources": (
        checks.readme,
        lambda subject: _rewrite(subject, "README.md", old="## Sources", new="## Thanks"),
        "sources",
    ),
    "a source without French": (
        checks.translations,
        lambda subject: _with(subject, indicators=(replace(INDICATOR, source="list of lamps"),)),
        "list of lamps",
    ),
    "a label without French": (
        checks.translations,
        lambda subject: _with(subject, label="Lights of the town"),
        "Lights of the town",
    ),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found(sound: Subject, fault: str) -> None:
    check, plant, told = PLANTED[fault]
    found = check(plant(sound))
    assert any(told in sentence for sentence in found), found
