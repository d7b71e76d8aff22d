"""What a browser complains of while a page is open."""

from __future__ import annotations

from playwright.sync_api import ConsoleMessage, Page

DRIVER = "GL Driver Message"
"""Chromium's own word about drawing without a graphics card; no page causes it."""


def complaints_of(page: Page, *, status: int = 200) -> list[str]:
    """Gather warnings and errors of the console: scripts, policy, what could not be loaded.

    Args:
        page: before it goes anywhere.
        status: what the page itself answers; the console repeats it when it is an error.
    """
    found: list[str] = []
    answered = f"status of {status}"

    def say(message: ConsoleMessage) -> None:
        told = message.type in {"error", "warning"} and DRIVER not in message.text
        if told and answered not in message.text:
            found.append(f"{message.type}: {message.text}")

    page.on("console", say)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found
