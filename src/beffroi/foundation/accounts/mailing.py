"""Messages to people: whether any leave this installation, and sending without being timed."""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor

from django.core.mail import EmailMessage, get_connection, send_mail

log = logging.getLogger("beffroi.mail")

_POSTMAN = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mail")
_last: list[Future[None]] = []


def mail_leaves() -> bool:
    """Tell whether a relay is configured; a backend that delivers nothing says so itself."""
    return bool(getattr(get_connection(), "delivers", True))


def mail_send(subject: str, body: str, *, to: str) -> bool:
    """Send at once; tell whether the relay took the message."""
    return mail_leaves() and bool(send_mail(subject, body, None, [to], fail_silently=True))


def mail_post(message: EmailMessage) -> None:
    """Send after the answer has gone: how long it takes tells nobody who has an account."""
    _last[:] = [_POSTMAN.submit(_deliver, message)]


def mail_settled() -> None:
    """Wait until what was posted is sent; for tests."""
    for future in _last:
        future.result(timeout=10)


def _deliver(message: EmailMessage) -> None:
    try:
        message.send()
    except OSError as problem:
        log.warning("a message could not be sent: %s", type(problem).__name__)
