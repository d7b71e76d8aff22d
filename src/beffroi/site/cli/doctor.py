"""``beffroi doctor``: what is wrong, and what to do."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from beffroi.site.cli.output import line
from beffroi.site.cli.program import Command
from beffroi.site.cli.words import gettext as _

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_commands(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``doctor``."""
    parser = subparsers.add_parser("doctor", help=_("says what is wrong and what to do"))
    parser.set_defaults(command=Command(run_doctor))


def run_doctor(_options: argparse.Namespace) -> int:
    """Print every check; 1 when one of them is serious."""
    from beffroi.site.health import Severity, examine

    words = {Severity.OK: "✓", Severity.WARNING: _("! warning"), Severity.SERIOUS: _("✗ serious")}
    findings = examine()
    for finding in findings:
        line(finding.subject, words[finding.severity], finding.sentence)
        if finding.way_out:
            line("", "", f"→ {finding.way_out}")
    return 1 if any(one.severity is Severity.SERIOUS for one in findings) else 0
