"""What is found in a repository of codecs, and what its examples gave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from beffroi.city.codecs.engine.contracts import Problem
from beffroi.sdk.declarations import translatable as _


class Layout(StrEnum):
    """Whose conventions a repository follows; the first part of the key of what is in it."""

    TTN = "ttn"
    """The Things Network: ``vendor/<vendor>/<codec>.yaml`` names the scripts and has examples."""
    CHIRPSTACK = "chirpstack"
    """ChirpStack: ``vendors/<vendor>/devices/*.toml`` and ``codecs/*.js`` with ``test_*.json``."""
    THINGPARK = "thingpark"
    """Actility: a folder with ``driver.yaml``, ``package.json`` and its examples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A published example: what a function is given, and what it must answer.

    ``input`` is as JSON has it, its ``bytes`` a list of octets.
    """

    name: str
    function: str
    input: Mapping[str, Any]
    expected: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCodec:
    """A codec of a repository; ``missing`` says why it has no source, if it has none."""

    key: str
    layout: Layout
    vendor: str
    name: str
    source: str
    dialect: str = ""
    origin: str = ""
    licence: str = ""
    functions: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()
    missing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundModel:
    """A device that a repository describes, and the key of the codec that it names."""

    key: str
    vendor: str
    name: str
    codec_key: str
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A file that cannot be read; ``sentence`` is English with fields in ``params``."""

    path: str
    sentence: str
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """All that was found under a path."""

    codecs: tuple[FoundCodec, ...] = ()
    models: tuple[FoundModel, ...] = ()
    refused: tuple[Refused, ...] = ()


class Verdict(StrEnum):
    """What an example came to."""

    PASSED = "passed"
    DIFFERENT = "different"
    NO_SCRIPT = "no_script"
    THROWN = "thrown"
    SYNTAX = "syntax"
    MISSING_FUNCTION = "missing_function"
    TIME = "time"
    MEMORY = "memory"
    CRASH = "crash"
    OUTPUT = "output"


VERDICT_OF = {
    Problem.SYNTAX: Verdict.SYNTAX,
    Problem.MISSING_FUNCTION: Verdict.MISSING_FUNCTION,
    Problem.THROWN: Verdict.THROWN,
    Problem.TIME: Verdict.TIME,
    Problem.MEMORY: Verdict.MEMORY,
    Problem.CRASH: Verdict.CRASH,
    Problem.OUTPUT: Verdict.OUTPUT,
}

WORDS = {
    Verdict.PASSED: _("as published"),
    Verdict.DIFFERENT: _("another value than the one published"),
    Verdict.NO_SCRIPT: _("the script is not in the repository"),
    Verdict.THROWN: _("the script stops on an error of its own"),
    Verdict.SYNTAX: _("the script cannot be loaded"),
    Verdict.MISSING_FUNCTION: _("the script lacks the function"),
    Verdict.TIME: _("stopped: too much time"),
    Verdict.MEMORY: _("stopped: too much memory"),
    Verdict.CRASH: _("stopped: the process ended"),
    Verdict.OUTPUT: _("nothing readable was returned"),
}
"""How each verdict is said; English, translated at the edge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What one example gave."""

    example: Example
    verdict: Verdict
    given: Any = None
    detail: str = ""
