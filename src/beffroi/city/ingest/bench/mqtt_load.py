"""The publisher of the benchmark, in a process of its own; it needs no Django."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import msgspec

from beffroi.city.ingest.bench.framing import read_framed
from beffroi.city.ingest.mqtt.load import Published, Publisher

TOPIC = "application/ca739e26/device/a81758/event/up"
PATIENCE_S = 120.0


class MqttJob(msgspec.Struct, kw_only=True):
    """What to publish: the bodies of a file from one on; see ``framing``."""

    port: int
    bodies: str
    first: int = 0


async def _send(job: MqttJob, *, only_first: bool) -> None:
    bodies = read_framed(Path(job.bodies))
    publisher = Publisher(host="127.0.0.1", port=job.port, client_id="bench")
    chosen = bodies[:1] if only_first else bodies[job.first :]
    until = time.monotonic() + PATIENCE_S
    result = Published()
    await publisher.publish([(TOPIC, body) for body in chosen], result=result)
    while result.refused:  # nobody has subscribed yet
        if time.monotonic() > until:
            raise AssertionError(f"{len(result.refused)} publishes were not taken")
        todo = sorted(result.refused)
        result.refused.clear()
        await asyncio.sleep(0.1)
        await publisher.publish([(TOPIC, body) for body in chosen], result=result, todo=todo)


def main() -> None:
    """Publish one job, told on the standard input."""
    job = msgspec.json.decode(sys.stdin.readline(), type=MqttJob)
    asyncio.run(_send(job, only_first=sys.argv[1:2] == ["first"]))


if __name__ == "__main__":
    main()
