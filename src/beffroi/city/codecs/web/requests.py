"""What pages of this room share: who asks, and how outputs are written."""

from __future__ import annotations

import json
from typing import Any, TypedDict, cast

from django.http import HttpRequest
from django.utils.translation import gettext

from beffroi.city.codecs.api import ExampleResult, ScriptCheck
from beffroi.foundation.accounts.api import actor_of, client_address
from beffroi.foundation.accounts.contracts import Access
from beffroi.foundation.audit.api import Actor

SHOWN_OUTPUT = 4_000


class Who(TypedDict):
    """Who does it, as services take it."""

    actor: Actor
    ip: str


def access_of(request: HttpRequest) -> Access:
    """Return what the agent may do."""
    return cast("Access", request.access)  # type: ignore[attr-defined]  # set by @agent


def who(request: HttpRequest) -> Who:
    """Return who does it, for the audit log."""
    return {"actor": actor_of(access_of(request)), "ip": client_address(request)}


def may_manage(request: HttpRequest) -> bool:
    """Tell whether the agent may change anything here."""
    return "sources.manage" in access_of(request).verbs


def shown_json(value: Any) -> str:
    """Return a decoded output as text with indents, cut to what a page can show."""
    if value is None:
        return ""
    text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    return text if len(text) <= SHOWN_OUTPUT else f"{text[:SHOWN_OUTPUT]} …"


def shown_results(results: tuple[ExampleResult, ...]) -> list[dict[str, Any]]:
    """Return examples as a table shows them."""
    return [
        {
            "name": result.name or gettext("Example %(rank)s") % {"rank": rank},
            "payload": result.payload,
            "f_port": result.f_port,
            "passed": result.passed,
            "expected": shown_json(result.expected),
            "given": shown_json(result.given),
            "sentence": result.sentence,
        }
        for rank, result in enumerate(results, start=1)
    ]


def fault_sentence(check: ScriptCheck) -> str:
    """Return what stops a script, with its line, or an empty text."""
    if not check.fault or check.line is None:
        return check.fault
    return gettext("Line %(line)s: %(fault)s") % {"line": check.line, "fault": check.fault}
