"""``beffroi codecs``: imports published codecs, lists them, and decodes one frame."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beffroi.kernel.clock import now
from beffroi.kernel.errors import DecodeError, InvalidInput
from beffroi.site.cli.output import line
from beffroi.site.cli.program import Command, database_at_hand, set_up_django
from beffroi.site.cli.words import counted, decimal
from beffroi.site.cli.words import gettext as _

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from beffroi.city.codecs.engine.contracts import ScriptOutcome
    from beffroi.city.codecs.library.contracts import FoundCodec, Repository, Tried

FAILED = 1


def add_commands(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands of ``codecs``."""
    codecs = subparsers.add_parser("codecs", help=_("what decodes the frames of devices"))
    inner = codecs.add_subparsers(metavar="ACTION", required=True)
    take = inner.add_parser(
        "import", help=_("imports a repository of codecs and runs the examples it carries")
    )
    take.add_argument("path", type=Path, metavar=_("FOLDER"))
    take.add_argument("--check", action="store_true", help=_("runs the examples, writes nothing"))
    take.add_argument(
        "--only", default="", metavar=_("VENDOR[/CODEC]"), help=_("one vendor, or one codec of it")
    )
    take.add_argument("--verbose", action="store_true", help=_("shows each example that fails"))
    take.add_argument("--json", action="store_true", help=_("prints JSON"))
    take.set_defaults(command=Command(run_import, needs_database=False, needs_django=False))
    run = inner.add_parser("run", help=_("decodes one frame and prints JSON"))
    run.add_argument(
        "--codec",
        required=True,
        metavar=_("NAME"),
        help=_("key of a codec, name of a script of the territory, or path of a .js file"),
    )
    run.add_argument("--fport", type=int, default=1, metavar="N")
    given = run.add_mutually_exclusive_group(required=True)
    given.add_argument("--hex", metavar=_("OCTETS"), help=_("the frame, in hexadecimal"))
    given.add_argument("--encode", metavar="JSON", help=_("a command to write as a downlink"))
    run.add_argument("--downlink", action="store_true", help=_("the frame goes to the device"))
    run.add_argument("--territory", metavar=_("TERRITORY"))
    run.set_defaults(command=Command(run_run, needs_database=False, needs_django=False))
    listing = inner.add_parser("list", help=_("lists the codecs that this installation has"))
    listing.add_argument("--vendor", default="", metavar=_("VENDOR"))
    listing.add_argument("--territory", metavar=_("TERRITORY"))
    listing.set_defaults(command=Command(run_list))


def run_import(options: argparse.Namespace) -> int:
    """Read a repository, run its examples, write its codecs; 1 where nothing was found."""
    from beffroi.city.codecs.engine.runner import ScriptRunner
    from beffroi.city.codecs.library.reading import licence_of, repository_read
    from beffroi.city.codecs.library.trying import tried_all

    repository = repository_read(options.path, only=options.only)
    if not repository.codecs:
        raise InvalidInput(
            "No codec was found under {value}.",
            field="PATH",
            value=str(options.path),
            way_out="Name a repository of The Things Network, ChirpStack or Actility.",
        )
    with ScriptRunner() as runner:
        tried = list(tried_all(repository.codecs, runner=runner))
    written: tuple[int, int] | None = None
    if not options.check:
        with database_at_hand():
            set_up_django()
            from beffroi.city.codecs.library_records import library_write
            from beffroi.foundation.database.connection import is_embedded
            from beffroi.site.migration import migrate, pending_migrations

            if is_embedded() and pending_migrations():
                migrate()  # our own database, perhaps made just now
            written = library_write(tried, repository.models, licence=licence_of(options.path))
    if options.json:
        _print_json(_as_json(repository, tried, written=written, verbose=options.verbose))
    else:
        _report(repository, tried, written=written, verbose=options.verbose)
    return 0


def run_run(options: argparse.Namespace) -> int:
    """Decode one frame, or encode one command, and print what came of it; 1 where it failed."""
    octets = _octets(options.hex) if options.hex is not None else None
    path = Path(options.codec)
    if path.suffix == ".js":
        return _print_outcome(_run_script(_text_of(path), "", octets=octets, options=options))
    with contextlib.ExitStack() as stack:
        stack.enter_context(database_at_hand())
        set_up_django()
        declared = _declared(options.codec)
        if declared is not None:
            return _run_declared(declared, octets, options)
        source, dialect = _stored(options)
    return _print_outcome(_run_script(source, dialect, octets=octets, options=options))


def run_list(options: argparse.Namespace) -> None:
    """Print the codecs: those of services, of the library, and of the territory."""
    from beffroi.city.codecs.library_records import library_list
    from beffroi.sdk.registry import codecs

    for codec in sorted(codecs().values(), key=lambda item: item.key):
        if options.vendor.casefold() in {"", codec.vendor.casefold()}:
            line(codec.key, _("built in"), f"{codec.vendor}: {', '.join(codec.models)}")
    for name in [] if options.vendor else _own_scripts(options.territory):
        line(name, _("script"))
    for card in library_list(vendor=options.vendor):
        told = f"{card.passed}/{card.passed + card.failed}" if card.passed + card.failed else "–"
        line(card.key, told, f"{card.vendor} {card.name}")


def _own_scripts(territory: str | None) -> list[str]:
    from beffroi.city.codecs.api import scripts_list
    from beffroi.foundation.database.api import acting_for
    from beffroi.foundation.territories.api import territories_all
    from beffroi.site.cli.choosing import chosen_territory

    if territory is None and len(list(territories_all())) != 1:
        return []
    with acting_for(chosen_territory(territory).id):
        return [script.name for script in scripts_list()]


def _declared(name: str) -> Any:
    from beffroi.sdk.registry import codecs

    return codecs().get(name)


def _stored(options: argparse.Namespace) -> tuple[str, str]:
    """Return the text and the dialect of a script of the territory, or of the library."""
    from beffroi.city.codecs.api import scripts_list
    from beffroi.city.codecs.library_records import library_text
    from beffroi.foundation.database.api import acting_for
    from beffroi.foundation.territories.api import territories_all
    from beffroi.site.cli.choosing import chosen_territory

    if options.territory or len(list(territories_all())) == 1:
        with acting_for(chosen_territory(options.territory).id):
            for script in scripts_list():
                if options.codec in {script.name, script.reference}:
                    return script.source, ""
    found = library_text(options.codec)
    return found.source, found.dialect


def _run_script(
    source: str, dialect: str, *, octets: bytes | None, options: argparse.Namespace
) -> ScriptOutcome:
    from beffroi.city.codecs.engine.contracts import (
        DECODE_DOWNLINK,
        DECODE_UPLINK,
        ENCODE_DOWNLINK,
        ScriptCall,
    )
    from beffroi.city.codecs.engine.runner import ScriptRunner

    given: dict[str, Any] = {"fPort": options.fport}
    if octets is None:
        function = ENCODE_DOWNLINK
        given["data"] = _command(options.encode)
    else:
        function = DECODE_DOWNLINK if options.downlink else DECODE_UPLINK
        given["bytes"] = octets
        given["recvTime"] = now().astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
    with ScriptRunner() as runner:
        return runner.run([ScriptCall(source, function, "", given, dialect)])[0]


def _run_declared(codec: Any, octets: bytes | None, options: argparse.Namespace) -> int:
    from beffroi.sdk.declarations import Frame

    if octets is None or options.downlink:
        raise InvalidInput(
            "The codec {value} is built in and reads uplinks only.",
            field="--codec",
            value=options.codec,
        )
    at = now()
    try:
        readings = codec.decode(Frame(payload=octets, f_port=options.fport, observed_at=at))
    except DecodeError as problem:
        _print_json({"errors": [problem.told(_)], "warnings": []})
        return FAILED
    _print_json(
        {
            "readings": [
                {
                    "measure": reading.measure,
                    "value": reading.value,
                    "observed_at": (reading.observed_at or at).astimezone(UTC).isoformat(),
                }
                for reading in readings
            ]
        }
    )
    return 0


def _print_outcome(outcome: ScriptOutcome) -> int:
    told: dict[str, Any] = {}
    if isinstance(outcome.returned, dict):
        told |= outcome.returned
    told |= {"warnings": list(outcome.warnings), "errors": list(outcome.errors)}
    if outcome.problem:
        told |= {"problem": outcome.problem.value, "detail": outcome.detail}
    _print_json(told)
    return 0 if outcome.is_good else FAILED


def _report(
    repository: Repository,
    tried: Sequence[tuple[FoundCodec, Sequence[Tried]]],
    *,
    written: tuple[int, int] | None,
    verbose: bool,
) -> None:
    from beffroi.city.codecs.library.contracts import WORDS, Verdict

    vendors: dict[str, Counter[str]] = {}
    verdicts: Counter[Verdict] = Counter()
    for codec, results in tried:
        vendors.setdefault(codec.vendor, Counter()).update(_counts(results))
        verdicts.update(result.verdict for result in results)
        for result in results if verbose else ():
            if result.verdict is not Verdict.PASSED:
                _failure(codec, result)
    for vendor in sorted(vendors, key=str.casefold):
        line(vendor[:22], _share(vendors[vendor]), _by_function(vendors[vendor]))
    total = sum(vendors.values(), Counter[str]())
    line(_("all"), _share(total), _by_function(total))
    for verdict, count in verdicts.most_common():
        line("", counted(count), _(WORDS[verdict]))
    for refused in repository.refused if verbose else ():
        line(refused.path, _("unread"), _(refused.sentence).format_map(dict(refused.params)))
    if repository.refused and not verbose:
        line(_("files not read"), counted(len(repository.refused)), "--verbose")
    if written is None:
        line(_("codecs"), counted(len(repository.codecs)), _("nothing was written (--check)"))
    else:
        line(_("codecs"), counted(written[0]), _("written to the library"))
        line(_("devices"), counted(written[1]), _("written to the library"))


def _failure(codec: FoundCodec, result: Tried) -> None:
    from beffroi.city.codecs.library.contracts import WORDS

    line(codec.key, result.example.function, result.example.name)
    line("", "", ": ".join(part for part in (_(WORDS[result.verdict]), result.detail) if part))
    if result.given is not None:
        line("", _("expected"), json.dumps(result.example.expected, ensure_ascii=False)[:2_000])
        line("", _("given"), json.dumps(result.given, ensure_ascii=False)[:2_000])


def _counts(results: Sequence[Tried]) -> Counter[str]:
    from beffroi.city.codecs.library.contracts import Verdict

    counts: Counter[str] = Counter()
    for result in results:
        counts[f"{result.example.function}.run"] += 1
        counts["run"] += 1
        if result.verdict is Verdict.PASSED:
            counts[f"{result.example.function}.passed"] += 1
            counts["passed"] += 1
    return counts


def _share(counts: Counter[str]) -> str:
    if not counts["run"]:
        return "–"
    return f"{decimal(100 * counts['passed'] / counts['run'])} %"


def _by_function(counts: Counter[str]) -> str:
    from beffroi.city.codecs.engine.contracts import (
        DECODE_DOWNLINK,
        DECODE_UPLINK,
        ENCODE_DOWNLINK,
    )

    names = {
        DECODE_UPLINK: _("uplinks"),
        ENCODE_DOWNLINK: _("commands written"),
        DECODE_DOWNLINK: _("commands read"),
    }
    parts = (
        f"{name} {counted(counts[f'{key}.passed'])}/{counted(counts[f'{key}.run'])}"
        for key, name in names.items()
        if counts[f"{key}.run"]
    )
    return ", ".join(parts) or _("no example")


def _as_json(
    repository: Repository,
    tried: Sequence[tuple[FoundCodec, Sequence[Tried]]],
    *,
    written: tuple[int, int] | None,
    verbose: bool,
) -> dict[str, Any]:
    from beffroi.city.codecs.library.contracts import Verdict

    vendors: dict[str, Counter[str]] = {}
    verdicts: Counter[str] = Counter()
    failures: list[dict[str, Any]] = []
    for codec, results in tried:
        vendors.setdefault(codec.vendor, Counter()).update(_counts(results))
        verdicts.update(result.verdict.value for result in results)
        failures += [
            {
                "codec": codec.key,
                "function": result.example.function,
                "example": result.example.name,
                "verdict": result.verdict.value,
                "detail": result.detail,
                "expected": result.example.expected,
                "given": result.given,
            }
            for result in results
            if result.verdict is not Verdict.PASSED
        ]
    told: dict[str, Any] = {
        "codecs": len(repository.codecs),
        "models": len(repository.models),
        "written": None if written is None else {"codecs": written[0], "models": written[1]},
        "all": _nested(sum(vendors.values(), Counter[str]())),
        "verdicts": dict(verdicts),
        "vendors": {vendor: _nested(counts) for vendor, counts in sorted(vendors.items())},
        "unread": [
            {"path": item.path, "reason": item.sentence.format_map(dict(item.params))}
            for item in repository.refused
        ],
    }
    return told | ({"failures": failures} if verbose else {})


def _nested(counts: Counter[str]) -> dict[str, Any]:
    told: dict[str, Any] = {"passed": counts["passed"], "run": counts["run"]}
    for key in sorted(counts):
        function, _dot, what = key.partition(".")
        if what == "run":
            passed = counts[f"{function}.passed"]
            told[function] = {"passed": passed, "run": counts[key]}
    return told


def _octets(text: str) -> bytes:
    from beffroi.city.codecs.library.files import octets_of

    octets = octets_of(text)
    if octets is None:
        raise InvalidInput("{value} is not hexadecimal.", field="--hex", value=text)
    return bytes(octets)


def _command(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise InvalidInput("{value} is not JSON.", field="--encode", value=text) from None


def _text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8-sig", errors="replace")


def _print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
