"""Last fingerprints of the chains, kept in a file beside the database.

Whoever cuts lines off the end of a chain leaves a shorter chain that holds. A fingerprint kept
where the database cannot reach finds them out; the file is one such place, the log of the pulse
and the backups of both are others.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import connection

from beffroi.foundation.audit.contracts import ChainHead

FILE_NAME = "audit_heads.jsonl"


def heads_keep(at: datetime) -> str:
    """Add the heads that have moved to the file; return them, shortened, for the log."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT territory, sequence, hash FROM audit_heads()")
        heads: list[tuple[int | None, int, str]] = cursor.fetchall()
    known = dict(_read())
    moved = [one for one in heads if known.get(one[0]) != ChainHead(one[1], one[2])]
    if not moved:
        return ""
    lines = "".join(
        json.dumps({"at": at.isoformat(), "territory": territory, "sequence": number, "hash": text})
        + "\n"
        for territory, number, text in moved
    )
    descriptor = os.open(_path(), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(lines)
    shown = (f"{territory or 'installation'}:{n}:{text[:16]}" for territory, n, text in moved)
    return f"last lines {', '.join(shown)}"


def head_kept(territory_id: int | None) -> ChainHead | None:
    """Return the last head of a chain that was put in the file, or ``None``."""
    return dict(_read()).get(territory_id)


def _path() -> Path:
    return Path(settings.BEFFROI.data_dir) / FILE_NAME


def _read() -> Iterator[tuple[int | None, ChainHead]]:
    try:
        text = _path().read_text(encoding="ascii")
    except OSError:
        # The pulse may run on another machine: its file is then read there.
        return
    for line in text.splitlines():
        try:
            kept = json.loads(line)
            yield kept["territory"], ChainHead(int(kept["sequence"]), str(kept["hash"]))
        except (ValueError, KeyError, TypeError):
            # A line cut by a full disk says nothing; those before and after do.
            continue
