"""Examples as The Things Network and ChirpStack write them: lists of inputs and answers."""

from __future__ import annotations

from beffroi.city.codecs.library.contracts import Example
from beffroi.city.codecs.library.files import octets_of


def examples_of(value: object, function: str, *, name: str, expected: str) -> list[Example]:
    """Return the examples of one function; what is no example is left out.

    Args:
        value: what the file holds where the list should stand.
        function: called with the inputs.
        name: key of what an example is called; its place in the list when it is not.
        expected: key of the answer that is published.
    """
    examples: list[Example] = []
    for rank, item in enumerate(value if isinstance(value, list) else []):
        if not isinstance(item, dict) or not isinstance(item.get("input"), dict):
            continue
        given = dict(item["input"])
        if "bytes" in given:
            octets = octets_of(given["bytes"])
            given["bytes"] = given["bytes"] if octets is None else octets
        examples.append(
            Example(
                name=str(item.get(name) or rank + 1),
                function=function,
                input=given,
                expected=item.get(expected),
            )
        )
    return examples
