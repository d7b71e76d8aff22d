"""Background jobs of a territory, through procrastinate: deferred in the caller's transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import wraps
from typing import Any

from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector

from beffroi.foundation.database.api import acting_for


def job(*, queue: str = "default", retry: int = 3) -> Callable[[Callable[..., None]], Any]:
    """Declare a job; calling ``.defer(territory_id=…, …)`` on it queues a run.

    The run acts for that territory, within one transaction, and is tried again ``retry`` times.
    The function takes ``territory_id`` and keyword arguments that JSON can carry.
    """

    def declare(function: Callable[..., None]) -> Any:
        @wraps(function)
        def acting(*, territory_id: int, **arguments: Any) -> None:
            with acting_for(territory_id):
                function(territory_id=territory_id, **arguments)

        name = f"{function.__module__}.{function.__qualname__}"
        return app.task(name=name, queue=queue, retry=retry)(acting)

    return declare


def run_worker(*, concurrency: int = 2) -> None:
    """Run jobs until a signal asks to stop; the job under way is finished first."""

    async def work() -> None:
        connector = app.connector
        if not isinstance(connector, DjangoConnector):
            raise TypeError("jobs are queued through Django's own connection")
        worker_app = app.with_connector(connector.get_worker_connector())
        async with worker_app.open_async():
            await worker_app.run_worker_async(
                concurrency=concurrency, install_signal_handlers=True, delete_jobs="successful"
            )

    asyncio.run(work())
