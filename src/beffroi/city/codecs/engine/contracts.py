"""What the engine is asked and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

DECODE_UPLINK = "decodeUplink"
ENCODE_DOWNLINK = "encodeDownlink"
DECODE_DOWNLINK = "decodeDownlink"
FUNCTIONS = (DECODE_UPLINK, ENCODE_DOWNLINK, DECODE_DOWNLINK)
"""Names of the functions of the LoRa Alliance's payload codec contract (TS013)."""


class Dialect(StrEnum):
    """How a script wants to be called; ``ANY`` looks at which functions it declares."""

    ANY = ""
    TS013 = "ts013"
    """``decodeUplink({bytes, fPort, recvTime})`` → ``{data, warnings, errors}``."""
    THINGPARK = "thingpark"
    """ThingPark's own form: the same function names, but the data itself is returned, and
    ``encodeDownlink`` receives it."""
    TTN = "ttn"
    """The Things Network before version 3: ``Decoder(bytes, port)`` → the data itself."""
    CHIRPSTACK3 = "chirpstack3"
    """ChirpStack before version 4: ``Decode(fPort, bytes, variables)`` → the data itself."""


class Problem(StrEnum):
    """Why a script gave no answer at all; ``NONE`` where it gave one."""

    NONE = ""
    SYNTAX = "syntax"
    """The text is not JavaScript, or fails while it is loaded."""
    MISSING_FUNCTION = "missing_function"
    THROWN = "thrown"
    """The function raised an exception of its own."""
    TIME = "time"
    MEMORY = "memory"
    """Too much memory, or calls nested too deep."""
    CRASH = "crash"
    """The worker process ended: it is replaced."""
    OUTPUT = "output"
    """What it returned is no object, cannot be written as JSON or is too large."""


STOPPED = frozenset({Problem.TIME, Problem.MEMORY, Problem.CRASH})
"""Problems of a script that does harm, against those of one that is merely wrong."""


@dataclass(frozen=True, slots=True)
class ScriptCall:
    """One call of one function of a script.

    Attributes:
        source: text of the script.
        function: one of :data:`FUNCTIONS`.
        context: isolation key: calls with different keys share no JavaScript state whatever. One
            device of one territory, as ``"7/a81758fffe04b1c1"``. Empty: a state of its own.
        input: for uplinks and downlinks to read ``{"bytes": bytes or list of octets, "fPort": int,
            "recvTime": ISO text}`` and ``"variables"`` where the dialect has them; for downlinks
            to write ``{"data": …, "fPort": int}``. Keys that the engine does not know are given
            to the script as they are.
        dialect: a :class:`Dialect`.
    """

    source: str
    function: str
    context: str
    input: Mapping[str, Any]
    dialect: str = Dialect.ANY


@dataclass(frozen=True, slots=True)
class ScriptOutcome:
    """What a script answered.

    Attributes:
        data: for a decoder, the decoded fields; for an encoder ``{"bytes": [octets], "fPort": …}``
            as returned. None where there is none.
        warnings, errors: texts that the script itself returned.
        problem: a :class:`Problem`; the data is then None.
        returned: the whole of what the function returned, as JSON has it.
        detail: what JavaScript said of it, English, with the line where it is known.
    """

    data: Mapping[str, Any] | None = None
    warnings: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    problem: Problem = Problem.NONE
    detail: str = ""
    returned: Any = None

    @property
    def is_good(self) -> bool:
        """Tell whether there is data, and nothing that the script calls an error."""
        return self.problem is Problem.NONE and not self.errors and self.data is not None
