"""Runs the examples of found codecs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from beffroi.city.codecs.engine.contracts import Problem, ScriptCall, ScriptOutcome
from beffroi.city.codecs.engine.runner import ScriptRunner
from beffroi.city.codecs.library.comparison import same_answer
from beffroi.city.codecs.library.contracts import (
    VERDICT_OF,
    Example,
    FoundCodec,
    Tried,
    Verdict,
)

PIECE = 64
"""Codecs whose examples share one round trip."""


def tried_all(
    codecs: Sequence[FoundCodec], *, runner: ScriptRunner
) -> Iterator[tuple[FoundCodec, tuple[Tried, ...]]]:
    """Run every example of each codec, each with a state of its own; yield codec and results."""
    for start in range(0, len(codecs), PIECE):
        piece = codecs[start : start + PIECE]
        runnable = [
            (codec, example) for codec in piece if not codec.missing for example in codec.examples
        ]
        outcomes = runner.run(
            [
                ScriptCall(codec.source, example.function, "", example.input, codec.dialect)
                for codec, example in runnable
            ]
        )
        results = iter(outcomes)
        for codec in piece:
            if codec.missing:
                tried = tuple(
                    Tried(example=example, verdict=Verdict.NO_SCRIPT, detail=codec.missing)
                    for example in codec.examples
                )
            else:
                tried = tuple(judged(example, next(results)) for example in codec.examples)
            yield codec, tried


def judged(example: Example, outcome: ScriptOutcome) -> Tried:
    """Return the verdict on what an example gave."""
    given = outcome.returned
    if outcome.problem not in {Problem.NONE, Problem.OUTPUT}:
        return Tried(example=example, verdict=VERDICT_OF[outcome.problem], detail=outcome.detail)
    if given is not None and same_answer(example.expected, given):
        return Tried(example=example, verdict=Verdict.PASSED, given=given)
    if outcome.problem is Problem.OUTPUT:
        return Tried(example=example, verdict=Verdict.OUTPUT, given=given, detail=outcome.detail)
    return Tried(example=example, verdict=Verdict.DIFFERENT, given=given)
