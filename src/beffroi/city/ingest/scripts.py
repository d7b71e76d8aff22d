"""Scripts of devices in an ingest process: off the loop, many frames in one round trip."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import Error

from beffroi.city.codecs.api import TROUBLE_UPSERT, Job, Ran, ScriptDesk, Trouble, process_desk
from beffroi.city.ingest.batches import Batch, error_json
from beffroi.city.ingest.decoding import DeviceEntry, script_of
from beffroi.city.ingest.plain_values import encoded
from beffroi.city.ingest.postgres import AWAY, Pool, within_territory
from beffroi.sdk.connectors import Uplink

log = logging.getLogger("beffroi.ingest")

GROUP_FRAMES = 2_000
"""Frames of one round trip; what comes meanwhile shares the next one."""


class Scripts:
    """What the doors of one process run scripts with.

    Args:
        pool: where a script's trouble is written.
        desk: runs them; that of the process when none is given.
    """

    def __init__(self, pool: Pool, *, desk: ScriptDesk | None = None) -> None:
        self._pool = pool
        self._desk = desk
        self._waiting: list[tuple[list[Job], asyncio.Future[list[Ran]]]] = []
        self._task: asyncio.Task[None] | None = None

    async def run(self, batch: Batch, devices: Mapping[str, DeviceEntry | None]) -> None:
        """Give each item of a batch what its device's script made of it; most have none."""
        wanted = [
            (item, job)
            for item in batch.items
            if isinstance(item.message, Uplink)
            for job in [
                job_of(
                    item.message,
                    devices.get(item.identifier),
                    received_at=batch.received_at,
                    territory_id=batch.source.territory_id,
                )
            ]
            if job is not None
        ]
        if not wanted:
            return
        answers = await self._outcomes([job for _, job in wanted])
        for (item, _), ran in zip(wanted, answers, strict=True):
            item.ran = ran

    async def _outcomes(self, jobs: list[Job]) -> list[Ran]:
        done: asyncio.Future[list[Ran]] = asyncio.get_running_loop().create_future()
        self._waiting.append((jobs, done))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._serve())
        return await done

    async def _serve(self) -> None:
        """Run what waits, round trip by round trip, until nothing waits."""
        while self._waiting:
            group: list[tuple[list[Job], asyncio.Future[list[Ran]]]] = []
            count = 0
            while self._waiting and (not group or count < GROUP_FRAMES):
                group.append(self._waiting.pop(0))
                count += len(group[-1][0])
            jobs = [job for some, _ in group for job in some]
            if self._desk is None:
                self._desk = process_desk()
            try:
                answers = await asyncio.to_thread(self._desk.run, jobs)
            except Exception as problem:
                log.exception("scripts could not be run")
                fault = Ran(
                    code="codec.engine",
                    error="The engine of scripts failed: {problem}.",
                    params={"problem": type(problem).__name__},
                )
                answers = [fault] * len(jobs)
            at = 0
            for some, done in group:
                if not done.done():
                    done.set_result(answers[at : at + len(some)])
                at += len(some)
            with contextlib.suppress(*AWAY):
                await self._write(self._desk.troubles_due())

    async def _write(self, troubles: Sequence[Trouble]) -> None:
        for trouble in troubles:
            try:
                async with (
                    self._pool.connection() as connection,
                    within_territory(connection, trouble.territory_id),
                ):
                    await connection.execute(TROUBLE_UPSERT, trouble_columns(trouble))
            except AWAY:
                raise
            except Error:
                log.exception("the trouble of %s is not written", trouble.codec_key)


def job_of(
    uplink: Uplink, device: DeviceEntry | None, *, received_at: Any, territory_id: int
) -> Job | None:
    """Return what must run on an uplink before it is decoded, or None."""
    script = script_of(uplink, device, received_at=received_at)
    if script is None or uplink.payload is None:
        return None
    return Job(
        script=script,
        payload=uplink.payload,
        f_port=uplink.f_port,
        observed_at=uplink.observed_at,
        device=uplink.device,
        territory_id=territory_id,
    )


def trouble_columns(trouble: Trouble) -> dict[str, Any]:
    """Return what :data:`TROUBLE_UPSERT` writes."""
    return {
        "territory": trouble.territory_id,
        "reference": trouble.codec_key,
        "sha256": trouble.sha256,
        "faults": trouble.faults,
        "holds": trouble.holds,
        "code": trouble.code[:64],
        "error": encoded(error_json(trouble.error, trouble.params)),
        "at": trouble.at,
        "held_until": trouble.held_until,
    }
