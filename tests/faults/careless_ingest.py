"""An ingest process with one fault planted, named by CARELESS: what the checkers must catch."""

from __future__ import annotations

import asyncio
import os
import sys

import django

django.setup()

from beffroi.city.ingest import committing, message_rows, postgres  # noqa: E402 - needs Django
from beffroi.city.ingest.batches import Batch  # noqa: E402 - same
from beffroi.site.cli import main  # noqa: E402 - same

CARELESS = os.environ["CARELESS"]
LATER_S = 0.5

if CARELESS == "asynchronous":
    postgres.SESSION_SETTINGS["synchronous_commit"] = "off"
elif CARELESS == "early":
    _commit = committing.Committer.commit
    _later: set[asyncio.Task[None]] = set()

    async def _acknowledge_first(self: committing.Committer, batch: Batch) -> None:
        async def later() -> None:
            await asyncio.sleep(LATER_S)
            await _commit(self, batch)

        task = asyncio.create_task(later())
        _later.add(task)
        task.add_done_callback(_later.discard)

    committing.Committer.commit = _acknowledge_first  # type: ignore[method-assign] # the fault
elif CARELESS == "keyless":
    from beffroi.city.ingest import flush

    _without_key = message_rows.MESSAGES_INSERT.replace(
        "ON CONFLICT (territory_id, source_id, key) DO NOTHING", ""
    )
    flush.MESSAGES_INSERT = _without_key
else:
    raise ValueError(CARELESS)

sys.exit(main(["ingest", *sys.argv[1:]]))
