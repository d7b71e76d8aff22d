"""Background jobs of a territory, through procrastinate: deferred in the caller's transaction."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.apps import apps
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector

from beffroi.foundation.database.api import acting_for
from beffroi.foundation.jobs.contracts import Loop


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


def declared_loops() -> list[Loop]:
    """Return what every worker does beside its jobs, by key."""
    found: list[Loop] = []
    for config in apps.get_app_configs():
        name = f"{config.name}.loops"
        if config.name.startswith("beffroi.") and find_spec(name) is not None:
            found += getattr(import_module(name), "LOOPS", ())
    return sorted(found, key=lambda loop: loop.key)


def run_worker(*, concurrency: int = 2) -> None:
    """Run jobs and loops until a signal asks to stop; what is under way is finished first."""
    stop = threading.Event()
    threads = [
        threading.Thread(target=loop.run, args=(stop,), name=loop.key) for loop in declared_loops()
    ]
    for thread in threads:
        thread.start()
    try:
        _run_jobs(concurrency)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _run_jobs(concurrency: int) -> None:

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
