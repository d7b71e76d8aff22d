"""Searches for inputs that break a parser, guided by the branches that each input takes (Atheris).

    python tests/fuzz/run.py [TARGET…] [--seconds 20]

Each target runs in a process of its own. A fault ends it: the input that shows it is kept, printed,
and the answer of this program is 1. What a target is, and what must hold, is in ``targets.py``.
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from types import FunctionType
from typing import Any

HERE = Path(__file__).resolve().parent
FOUND = HERE.parents[1] / ".fuzz"
"""Where inputs that show a fault are kept; git does not."""

LONGEST = 32_768
MEMORY_MB = 2_048
EXECUTION_S = 15
GRACE_S = 240.0

_COVERED = re.compile(r"\bcov: (\d+)")
_EXECUTED = re.compile(r"stat::number_of_executed_units:\s+(\d+)")
_RATE = re.compile(r"stat::average_exec_per_sec:\s+(\d+)")
_MEMORY = re.compile(r"stat::peak_rss_mb:\s+(\d+)")


@dataclass(frozen=True)
class Outcome:
    """What a search of one target gave; coverage is in branches of the instrumented modules."""

    name: str
    executions: int
    rate: int
    seeds: int
    covered_at_first: int
    covered: int
    peak_mb: int
    fault: str = ""


def search(target: Any, *, seconds: int) -> Outcome:
    """Run one target for some seconds, in a process of its own: libFuzzer ends it."""
    FOUND.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="beffroi-fuzz-") as folder:
        corpus, log = Path(folder) / "corpus", Path(folder) / "log"
        corpus.mkdir()
        seeds = target.seeds()
        for rank, octets in enumerate(seeds):
            (corpus / f"seed-{rank:03}").write_bytes(octets)
        # A fork has everything loaded already: starting anew costs more than a short search.
        child = os.fork()
        if child == 0:
            said = os.open(log, os.O_WRONLY | os.O_CREAT)
            os.dup2(said, 1)
            os.dup2(said, 2)
            try:
                _search_here(target, corpus=corpus, seconds=seconds)
            finally:
                os._exit(86)
        status = _status_of(child, within_s=seconds + GRACE_S)
        told = log.read_text(encoding="utf-8", errors="replace")
    return outcome_of(target.name, told, status=status, seeds=len(seeds))


def _status_of(child: int, *, within_s: float) -> int:
    """Return how a process ended; one that does not end is ended."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -1


def outcome_of(name: str, told: str, *, status: int, seeds: int) -> Outcome:
    """Read what libFuzzer printed; a search that ended badly, or ran nothing, is a fault."""
    covered = [int(number) for number in _COVERED.findall(told)]
    executions = _number(_EXECUTED, told)
    fault = ""
    if status or not executions or not covered:
        lines = [line for line in told.splitlines() if not line.startswith("INFO: Instrumenting")]
        fault = "\n".join(lines)[-6_000:] or f"the search ended with {status}"
    return Outcome(
        name=name,
        executions=executions,
        rate=_number(_RATE, told),
        seeds=seeds,
        covered_at_first=covered[0] if covered else 0,
        covered=covered[-1] if covered else 0,
        peak_mb=_number(_MEMORY, told),
        fault=fault,
    )


def _number(pattern: re.Pattern[str], told: str) -> int:
    match = pattern.search(told)
    return int(match[1]) if match else 0


def _search_here(target: Any, *, corpus: Path, seconds: int) -> None:
    atheris = importlib.import_module("atheris")
    for function in functions_of(target.guided_by):
        atheris.instrument_func(function)
    words = corpus.with_suffix(".dict")
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in target.dictionary))
    longest = max([LONGEST, *(path.stat().st_size for path in corpus.iterdir())])
    arguments = [
        sys.argv[0],
        f"-max_total_time={seconds}",
        f"-max_len={longest}",
        f"-rss_limit_mb={MEMORY_MB}",
        f"-timeout={EXECUTION_S}",
        f"-artifact_prefix={FOUND}/{target.name}-",
        "-print_final_stats=1",
        *([f"-dict={words}"] if target.dictionary else []),
        str(corpus),
    ]

    def once(octets: bytes) -> None:
        target.run(octets)

    atheris.Setup(arguments, once)
    atheris.Fuzz()


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{octet:02x}" for octet in word)


def functions_of(packages: tuple[str, ...]) -> list[FunctionType]:
    """Return the functions and methods of the loaded modules of some packages."""
    found: dict[int, FunctionType] = {}
    for name, module in list(sys.modules.items()):
        if not any(name == one or name.startswith(f"{one}.") for one in packages):
            continue
        holders = [module, *(one for one in vars(module).values() if isinstance(one, type))]
        for held in chain.from_iterable(list(vars(holder).values()) for holder in holders):
            plain = (
                held.fget
                if isinstance(held, property)
                else getattr(held, "__wrapped__", getattr(held, "__func__", held))
            )
            if isinstance(plain, FunctionType) and plain.__module__ == name:
                found[id(plain)] = plain
    return list(found.values())


def main() -> int:
    """Run the named targets, or all of them; 1 when one has a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--seconds", type=int, default=20)
    asked = parser.parse_args()
    sys.path.insert(0, str(HERE))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "beffroi.site.settings")
    with tempfile.TemporaryDirectory(prefix="beffroi-fuzz-data-") as folder:
        os.environ["BEFFROI_DATA_DIR"] = folder
        importlib.import_module("django").setup()
    known = importlib.import_module("targets").targets()
    names = asked.targets or list(known)
    began, faults = time.monotonic(), 0
    say(
        f"{'target':26}{'executions':>11}{'exec/s':>8}{'seeds':>7}{'branches':>10}{'new':>6}{'MB':>6}"
    )
    for name in names:
        found = search(known[name], seconds=asked.seconds)
        say(
            f"{name:26}{found.executions:>11}{found.rate:>8}{found.seeds:>7}{found.covered:>10}"
            f"{found.covered - found.covered_at_first:>6}{found.peak_mb:>6}"
            f"{'  FAULT' if found.fault else ''}"
        )
        if found.fault:
            faults += 1
            say(found.fault)
    say(f"{len(names)} targets, {faults} with a fault, {time.monotonic() - began:.0f} s")
    return 1 if faults else 0


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
