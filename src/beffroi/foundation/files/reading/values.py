"""Read one number, date, or yes-or-no as French administrations write them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

NOTHING = frozenset(
    {"", "-", "--", "—", "null", "none", "nan", "n/a", "#n/a", "na", "n.d.", "nd", "#ref!", "\\n"}
    | {"#valeur!", "#value!", "#div/0!", "(null)", "<null>", "nc", "n.c."}
)
"""What stands for an empty cell, in lower case."""

NARROW_NOTHING = frozenset({"nc", "nd", "na", "n.c.", "n.d."})
"""*Non communiqué*, *non disponible*: empty in a column of numbers; may be a code among words."""

SPACES = "\u00a0\u202f\u2009\u2007 "
SPACE_GROUPS = re.compile(rf"[+-]?\d{{1,3}}(?:[{SPACES}]\d{{3}})+")
NUMBER = re.compile(
    rf"(?P<sign>[+-]?)(?P<whole>\d+|\d{{1,3}}(?:[{SPACES}'’]\d{{3}})+|\d{{1,3}}(?:\.\d{{3}})+"
    rf"|\d{{1,3}}(?:,\d{{3}})+)?(?:(?P<mark>[.,])(?P<fraction>\d*))?(?P<power>[eE][+-]?\d{{1,3}})?"
    rf"[{SPACES}]?(?P<unit>%|€|‰)?"
)
LEADING_ZERO = re.compile(r"[+-]?0\d+")
MIXED_CODE = re.compile(r"(?=\w*\d)(?=\w*[A-Z])[0-9A-Z]{2,12}")
LONGEST_INTEGER = 15
"""Digits that a float and a JSON reader keep exactly."""

TRUE_WORDS = frozenset({"oui", "vrai", "true", "yes", "o", "t", "v"})
FALSE_WORDS = frozenset({"non", "faux", "false", "no", "n", "f"})
LONG_WORDS = frozenset({"oui", "non", "vrai", "faux", "true", "false", "yes", "no"})

DATE = re.compile(
    r"(?:(?P<y>\d{4})(?P<s1>[-/. ])(?P<m>\d{1,2})(?P=s1)(?P<d>\d{1,2})"
    r"|(?P<a>\d{1,2})(?P<s2>[-/. ])(?P<b>\d{1,2})(?P=s2)(?P<c>\d{4}|\d{2})"
    r"|(?P<compact>(?:1[89]|20)\d{6}))"
    r"(?:(?:[T ]|\s*à\s*)(?P<hour>\d{1,2})[:h](?P<minute>\d{2})(?:[:m](?P<second>\d{2})"
    r"(?:[.,](?P<part>\d{1,9}))?)?s?\s*(?P<zone>Z|[+-]\d{2}:?\d{2})?)?"
)
_POSIX_PIVOT = 69
"""POSIX ``%y``: 69 to 99 are 1969 to 1999, 00 to 68 are 2000 to 2068."""

# --- numbers ---------------------------------------------------------------------------------


def read_number(cell: str, *, decimal: str = ",") -> int | float:
    """Read a number, whose thousands may be apart by a space, an apostrophe or the other mark.

    Raises:
        ValueError: the text is not a number, or not a finite one.
    """
    match = NUMBER.fullmatch(cell.strip())
    if match is None or (match["whole"] is None and not match["fraction"]):
        raise ValueError(cell)
    whole, fraction, mark = match["whole"] or "0", match["fraction"], match["mark"]
    # "1,234" is matched as a whole with groups where the comma is not the decimal mark.
    grouped = "." if "." in whole else "," if "," in whole else ""
    if grouped:
        if whole.count(grouped) == 1 and fraction is None and grouped == decimal:
            whole, _, fraction = whole.partition(grouped)
        else:
            whole = whole.replace(grouped, "")
    elif mark and mark != decimal and len(fraction or "") == 3 and len(whole) <= 3:
        whole, fraction = whole + (fraction or ""), None
    digits = re.sub(rf"[{SPACES}'’]", "", whole)
    power = match["power"] or ""
    if not fraction and not power and mark is None:
        return int(match["sign"] + digits)
    number = float(f"{match['sign']}{digits}.{fraction or '0'}{power}")
    if number in (float("inf"), float("-inf")):
        raise ValueError(cell)
    return number


# --- dates -----------------------------------------------------------------------------------


def read_moment(
    cell: str, *, month_first: bool = False, zone: ZoneInfo | None = None
) -> date | datetime:
    """Read a date, or an instant if it has a time (then aware, in UTC).

    Raises:
        ValueError: the text is not a date, or names a day that does not exist.
    """
    match = DATE.fullmatch(cell.strip().strip("\"'").strip())
    if match is None:
        raise ValueError(cell)
    if match["compact"]:
        compact = match["compact"]
        year, month, day = int(compact[:4]), int(compact[4:6]), int(compact[6:])
    elif match["y"]:
        year, month, day = int(match["y"]), int(match["m"]), int(match["d"])
    else:
        day, month, year = int(match["a"]), int(match["b"]), int(match["c"])
        if month_first:
            day, month = month, day
        if len(match["c"]) == 2:
            year += 1900 if year >= _POSIX_PIVOT else 2000
    day_read = date(year, month, day)
    if match["hour"] is None:
        return day_read
    part = (match["part"] or "0")[:6].ljust(6, "0")
    clock = time(int(match["hour"]), int(match["minute"]), int(match["second"] or 0), int(part))
    if match["zone"]:
        text = f"{day_read.isoformat()}T{clock.isoformat()}{match['zone'].replace('Z', '+00:00')}"
        return in_utc(datetime.fromisoformat(text), zone=zone)
    return in_utc(datetime.combine(day_read, clock), zone=zone)


def in_utc(moment: datetime, *, zone: ZoneInfo | None) -> datetime:
    """Return an instant in UTC, taking one without a zone as local time.

    Raises:
        ValueError: the instant lies outside the years that can be written.
    """
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone or ZoneInfo("Europe/Paris"))
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(str(moment)) from error


# --- yes or no -------------------------------------------------------------------------------


def read_boolean(cell: str) -> bool:
    """Read ``Oui``, ``VRAI``, ``no`` and their like.

    Raises:
        ValueError: it is none of these words.
    """
    word = cell.strip().lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise ValueError(cell)
