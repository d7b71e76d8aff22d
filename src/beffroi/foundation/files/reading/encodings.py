"""Find in which encoding a French administration wrote a file.

UTF-8 and UTF-16 prove themselves. The one-byte encodings do not: every byte means something in
each, so each candidate is judged on what its letters look like *between their neighbours* (``é``
inside a word is likely, ``Ú`` inside a lower-case word is not). charset-normalizer has one voice.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from charset_normalizer import from_bytes

from beffroi.foundation.files.reading.contracts import Finding

MIXED = "beffroi_windows_bytes"
"""Error handler that reads a byte which is not UTF-8 as Windows text."""

SAMPLE_CONTEXTS = 6_000
_CONTEXT = re.compile(rb"[A-Za-z0-9'\-\x80-\xff]*[\x80-\xff][A-Za-z0-9'\-\x80-\xff]*")

_USUAL = dict.fromkeys("éèêàçâîôûùïëœ", 3.0) | dict.fromkeys("ÉÈÊÀÇÂÎÔÛÙÏËŒüöäñáíóúÜÖ", 2.0)
_TYPOGRAPHY = dict.fromkeys("°’«»–—“”…€²³½·•\u00a0\u202fº", 1.0)
_FOREIGN = set("ýžšßåøæãõìòÿăâțșłąęśćżźńčřěůďťőűđÁÍÓÚÅØÆŽŠÝÑÃÕÌÒÄŸΩ")
_WORD_LETTER = re.compile(r"[^\W\d_]")

WINDOWS = "cp1252"
CANDIDATES = (WINDOWS, "cp850", "mac_roman", "cp1250", "iso8859_15", "cp437")
"""In order of preference when two read equally well."""

CHAINS: Mapping[str, tuple[str, str]] = {
    "cp1252 → cp850 → cp1252": ("cp850", WINDOWS),
    "cp850 → cp1252 → cp850": (WINDOWS, "cp850"),
    "UTF-8 → cp1252": (WINDOWS, "utf-8"),
}
"""Damages seen in the wild: re-encode with the first, decode with the second, to repair."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def _windows_bytes(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    wrong = error.object[error.start : error.end]
    return wrong.decode(WINDOWS, "replace"), error.end


codecs.register_error(MIXED, _windows_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How to turn the bytes of a file into text.

    Attributes:
        codec: name for :func:`codecs.lookup`.
        errors: error handler.
        repair: codecs to go back through where the accents were damaged, or ``None``.
        finding: for the person.
        notes: further findings.
    """

    codec: str
    errors: str
    finding: Finding
    repair: tuple[str, str] | None = None
    notes: tuple[Finding, ...] = ()

    def decode(self, content: bytes) -> str:
        """Return the text."""
        return self.mend(content.decode(self.codec, self.errors))

    def mend(self, text: str) -> str:
        """Return a text already decoded with its damaged accents repaired."""
        return text if self.repair is None else mended(text, repair=self.repair)


def mended(text: str, *, repair: tuple[str, str]) -> str:
    """Undo a wrong conversion, run by run; what cannot be undone stays as it is."""
    wrong, right = repair

    def undo(match: re.Match[str]) -> str:
        try:
            return match.group().encode(wrong).decode(right)
        except UnicodeError:
            return match.group()

    return re.sub(r"[^\x00-\x7f]+", undo, text)


def find_encoding(content: bytes, *, declared: str | None = None) -> Encoding:
    """Find the encoding of a text.

    Args:
        content: the whole file, or a large part of it from the beginning.
        declared: what the format says of itself (``.cpg`` file, XML declaration), checked.
    """
    for mark, codec in _BOMS:
        if content.startswith(mark):
            return _plain(codec, "encoding_bom")
    if (wide := _wide(content)) is not None:
        return _plain(wide, "encoding_zeros", confidence=0.9)
    if content.isascii():
        return _plain("ascii", "encoding_ascii")
    if (utf8 := _utf8(content)) is not None:
        return utf8
    if declared is not None and declared not in {"utf-8", "ascii", WINDOWS}:
        return _plain(declared, "encoding_declared", errors="replace")
    return _one_byte(content, declared=declared)


def chosen_encoding(name: str) -> Encoding:
    """Return the encoding a person chose.

    Raises:
        LookupError: it does not exist, or is not a text encoding.
    """
    info = codecs.lookup(name)
    if not getattr(info, "_is_text_encoding", True):
        raise LookupError(name)
    return _plain(info.name, "chosen", errors="replace")


def declared_codec(text: str) -> str | None:
    """Return the Python name of what a ``.cpg`` file or a declaration says, or ``None``.

    A ``.cpg`` holds ``UTF-8``, ``1252``, ``ANSI 1252``, ``ISO 88591``, ``ISO-8859-1``, ``OEM 850``…
    """
    plain = text.strip().strip("\x00").lower()[:40]
    if not plain:
        return None
    digits = re.sub(r"\D", "", plain)
    if digits.startswith("8859") and len(digits) > len("8859"):
        plain = f"iso8859-{digits[4:]}"
    elif re.fullmatch(r"(?:(?:ansi|oem|cp|windows|ibm)[ _-]?)?\d{3,4}", plain):
        plain = f"cp{digits}"
    elif plain == "system":
        return None
    try:
        info = codecs.lookup(plain)
    except (LookupError, ValueError, UnicodeError):
        return None
    if not getattr(info, "_is_text_encoding", True):
        return None
    # The first Latin-1 page is a subset of the Windows one in all that people write.
    return WINDOWS if info.name == "iso8859-1" else info.name


def _plain(codec: str, code: str, *, errors: str = "replace", confidence: float = 1.0) -> Encoding:
    return Encoding(
        codec=codec,
        errors=errors,
        finding=Finding(about="encoding", value=codec, code=code, confidence=confidence),
    )


def _wide(content: bytes) -> str | None:
    """Recognise UTF-16 without its mark: western text has a zero in every other byte."""
    head = content[:4_000]
    pairs = len(head) // 2
    if pairs < 4:
        return None
    even, odd = head[0 : 2 * pairs : 2].count(0), head[1 : 2 * pairs : 2].count(0)
    enough, few = 0.7 * pairs, 0.05 * pairs
    if odd > enough and even <= few:
        return "utf-16-le"
    if even > enough and odd <= few:
        return "utf-16-be"
    return None


_UTF8_LETTER = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_MIXED_SHARE = 0.1


def _utf8(content: bytes) -> Encoding | None:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        letters = _UTF8_LETTER.findall(content)
        high = len(content) - len(content.translate(None, bytes(range(128, 256))))
        stray = high - sum(len(letter) for letter in letters)
        if not letters or stray > _MIXED_SHARE * len(letters):
            return None
        finding = Finding(
            about="encoding",
            value="utf-8",
            code="encoding_utf8_mixed",
            params={"count": stray},
            confidence=0.8,
            warning=True,
        )
        return Encoding(codec="utf-8", errors=MIXED, finding=finding)
    finding = Finding(
        about="encoding",
        value="utf-8",
        code="encoding_utf8",
        params={"count": len(text) - len(text.encode("ascii", "ignore"))},
    )
    repair, notes = None, _lost(text)
    chain = "UTF-8 → cp1252"
    sample = _words(content, codec="utf-8")
    fixed = {word: mended(word, repair=CHAINS[chain]) for word in sample}
    changed = {word: new for word, new in fixed.items() if word != new}
    if sum(sample[word] for word in changed) > sum(sample.values()) / 2:
        repair = CHAINS[chain]
        notes += (_repaired(chain, next(iter(changed.values()))),)
    return Encoding(codec="utf-8", errors="replace", finding=finding, repair=repair, notes=notes)


def _one_byte(content: bytes, *, declared: str | None) -> Encoding:
    contexts: Counter[bytes] = Counter()
    for match in _CONTEXT.finditer(content):
        contexts[match.group()] += 1
        if len(contexts) >= SAMPLE_CONTEXTS:
            break
    voice = _outside_voice(contexts)
    scores: dict[str, float] = {}
    readings: list[Counter[str]] = []
    for rank, codec in enumerate(CANDIDATES):
        words = _decoded(contexts, codec=codec)
        if words in readings:
            continue  # it reads this file as a preferred candidate does
        readings.append(words)
        scores[codec] = (
            _likelihood(words)
            - 0.01 * rank
            + (0.03 if codec == voice else 0)
            + (0.3 if codec == declared else 0)
        )
    best = max(scores, key=scores.__getitem__)
    words = _decoded(contexts, codec=best)
    repair: tuple[str, str] | None = None
    notes: tuple[Finding, ...] = ()
    likeliest = scores[best]
    for chain, codecs_of_chain in CHAINS.items():
        codec = chain.rpartition(" ")[2]
        again: Counter[str] = Counter()
        for word, count in _decoded(contexts, codec=codec).items():
            again[mended(word, repair=codecs_of_chain)] += count
        # A double conversion is rarer than any encoding: it must read much better.
        if (likelihood := _likelihood(again) - 1) > likeliest:
            best, words, repair, likeliest = codec, again, codecs_of_chain, likelihood
            notes = (_repaired(chain, _example(again)),)
    total = sum(words.values())
    good = _likelihood(words)
    finding = Finding(
        about="encoding",
        value=best,
        code="encoding_words" if good > 1 else "encoding_guess",
        params={"count": total, "example": _example(words)},
        confidence=round(max(0.2, min(0.98, 0.5 + good / 6)), 2),
        alternatives=tuple(
            sorted((one for one in scores if one != best), key=scores.__getitem__, reverse=True)[:3]
        ),
        warning=good <= 0,
    )
    text = content.decode(best, "replace")
    return Encoding(
        codec=best,
        errors="replace",
        finding=finding,
        repair=repair,
        notes=notes + _lost(text),
    )


def _words(content: bytes, *, codec: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for match in _CONTEXT.finditer(content):
        found[match.group().decode(codec, "replace")] += 1
        if len(found) >= SAMPLE_CONTEXTS:
            break
    return found


def _decoded(contexts: Counter[bytes], *, codec: str) -> Counter[str]:
    words: Counter[str] = Counter()
    for context, count in contexts.items():
        words[context.decode(codec, "replace")] += count
    return words


def _outside_voice(contexts: Counter[bytes]) -> str | None:
    sample = b" ".join(context for context, _ in contexts.most_common(400))
    # Its own candidates only: asking about all its hundred encodings costs seconds.
    try:
        best = from_bytes(sample, cp_isolation=list(CANDIDATES)).best()
    except (LookupError, ValueError):
        return None
    return None if best is None else best.encoding


def _likelihood(words: Counter[str]) -> float:
    """Return the mean weight of letters outside ASCII: 3 is perfect French, below 0 is noise."""
    total, count = 0.0, 0
    for word, times in words.items():
        for place, letter in enumerate(word):
            if letter.isascii():
                continue
            before = word[place - 1] if place else ""
            after = word[place + 1] if place + 1 < len(word) else ""
            total += times * _weight(letter, before=before, after=after)
            count += times
    return total / count if count else 0.0


def _weight(letter: str, *, before: str, after: str) -> float:
    inside = bool(_WORD_LETTER.match(before) or _WORD_LETTER.match(after))
    wrong_case = letter.isupper() and (before.islower() or (before.isupper() and after.islower()))
    among_digits = before.isdigit() and after.isdigit() and letter.isalpha()
    weight = -2.0
    if wrong_case or among_digits:
        weight = -3.0
    elif letter in _USUAL:
        # A lower-case accent inside capitals is as wrong as the reverse.
        weight = (
            0.0 if letter.islower() and before.isupper() and after.isupper() else _USUAL[letter]
        )
    elif letter in _TYPOGRAPHY:
        both = bool(_WORD_LETTER.match(before) and _WORD_LETTER.match(after))
        weight = -1.0 if both and letter != "’" else 1.0
    elif letter == "\ufffd" or not letter.isprintable():
        weight = -100.0  # no text has one: a single one rules the reading out
    elif letter in _FOREIGN:
        weight = 0.2
    elif not letter.isalpha():
        weight = -4.0 if inside else -0.5
    return weight


def _example(words: Counter[str]) -> str:
    likely = (
        word
        for word, _ in words.most_common(200)
        if len(word) > 3 and any(letter in _USUAL for letter in word)
    )
    return next(likely, next(iter(words), ""))[:40]


_LOST = re.compile(r"[^\W\d_]\?[^\W\d_]|\w*\ufffd\w*")
_LOST_WORD = re.compile(r"\w*[^\W\d_](?:\?|\ufffd)[^\W\d_]\w*|\w*\ufffd\w*")


def _lost(text: str) -> tuple[Finding, ...]:
    """Tell that letters were replaced by ``?`` before the file reached us."""
    if "?" not in text and "\ufffd" not in text:
        return ()
    clean = re.sub(r"https?://\S+", "", text)
    found = _LOST.findall(clean)
    if not found:
        return ()
    example = _LOST_WORD.search(clean)
    return (
        Finding(
            about="encoding",
            value="lost",
            code="encoding_lost",
            params={"count": len(found), "example": example.group()[:40] if example else ""},
            confidence=0.7,
            warning=True,
        ),
    )


def _repaired(chain: str, example: str) -> Finding:
    return Finding(
        about="encoding",
        value="repaired",
        code="encoding_repaired",
        params={"chain": chain, "example": example[:40]},
        confidence=0.8,
        warning=True,
    )
