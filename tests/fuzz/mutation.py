"""Changed octets without coverage to guide them: for the moment that the ordinary suite has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

_ODD = (b"\x00", b"\xff", b"\xff\xff\xff\xff", b"\x7f", b"\x80", b"\n", b" ",
        b"-1", b"0", b"9" * 20, b"1e308", "é".encode(), b"\xed\xa0\x80")  # fmt: skip
LONGEST = 20_000


def mutations(
    seeds: Sequence[bytes], *, dictionary: Sequence[bytes], seed: int = 0
) -> Iterator[bytes]:
    """Give inputs without end, each some steps away from a good one; the same for the same seed."""
    random = Random(seed)  # noqa: S311 - nothing secret
    words = [*_ODD, *dictionary]
    yield from seeds
    yield b""
    while True:
        made = bytearray(random.choice(seeds))
        for _step in range(random.choice((1, 1, 2, 4, 8))):
            made = _step_of(made, random, seeds=seeds, words=words)
        yield bytes(made[:LONGEST])


def _step_of(
    octets: bytearray, random: Random, *, seeds: Sequence[bytes], words: Sequence[bytes]
) -> bytearray:
    place = random.randrange(len(octets) + 1)
    kind = random.randrange(7)
    if kind == 0 and place < len(octets):
        octets[place] = random.randrange(256)
    elif kind == 1 and place < len(octets):
        octets[place] ^= 1 << random.randrange(8)
    elif kind == 2:
        del octets[place : place + random.choice((1, 2, 4, 16, 64))]
    elif kind == 3:
        octets[place:place] = random.choice(words)
    elif kind == 4:
        word = random.choice(words)
        octets[place : place + len(word)] = word
    elif kind == 5:
        other = random.choice(seeds)
        start = random.randrange(len(other) + 1)
        octets[place:place] = other[start : start + random.choice((1, 8, 64, 512))]
    else:
        size = random.choice((1, 4, 32))
        octets[place:place] = octets[place : place + size] * random.choice((1, 2, 8))
    return octets
