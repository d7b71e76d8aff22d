"""Values replaced at given instants, whether they are packed or not."""

from __future__ import annotations

from typing import Any

import numpy as np

from beffroi.city.series import write_sql
from beffroi.city.series.contracts import NotProven
from beffroi.city.series.merging import merge, packed_places
from beffroi.city.series.points import Points, united
from beffroi.city.series.wire import done, rows

# The packer takes the first of these alone: it never packs a row that is being corrected. The
# second brings the corrections of a territory one after another.
_LOCKS = """
SELECT pg_advisory_xact_lock_shared(4850765, 1), pg_advisory_xact_lock(4850766, %(territory_id)s)
"""


def points_correct(columns: dict[str, Any]) -> int:
    """Replace observations, packed or not, and add those that are new; return how many differ.

    Args:
        columns: parameters of :data:`~beffroi.city.series.write_sql.OBSERVATIONS_CORRECT`, of the
            territory this code acts for. Of two values of one instant the last stands.

    Raises:
        NotProven: what was written is not what is read back.
    """
    done(_LOCKS, {"territory_id": columns["territory_id"]})
    given = united(
        [
            Points(
                np.array(columns["stream_ids"][::-1], dtype=np.int64),
                np.array(columns["at_ms"][::-1], dtype=np.int64),
                np.array(columns["values"][::-1], dtype=np.float64),
                np.array(columns["qualities"][::-1], dtype=np.int16),
            )
        ]
    )
    place, there = packed_places(given)
    packed = place >= 0
    twin = there.at(place[packed])
    other = given.at(packed)
    differs = (other.value.view(np.int64) != twin.value.view(np.int64)) | (
        other.quality != twin.quality
    )
    changed = other.at(differs)
    merged = merge(columns["territory_id"], changed, newest_wins=True)
    if not merged.packed.all():
        raise NotProven(
            "A packed value could not be replaced: {why}.",
            params={"why": "; ".join(merged.problems.values())},
        )
    hot = given.at(~packed)
    stored = rows(
        write_sql.OBSERVATIONS_CORRECT,
        {
            **columns,
            "stream_ids": hot.stream.tolist(),
            "at_ms": hot.t_ms.tolist(),
            "values": hot.value.tolist(),
            "qualities": hot.quality.tolist(),
        },
    )
    return len(changed) + int(stored[0][0])
