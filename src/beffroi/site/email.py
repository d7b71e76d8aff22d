"""Where e-mail goes, from one address as ``smtps://user:password@relay.example.fr:465``."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from beffroi.kernel.errors import ConfigurationError

log = logging.getLogger("beffroi.mail")


class NoRelay(BaseEmailBackend):
    """Sends nothing and says so: what a message holds (a link, a name) is in no log."""

    delivers = False

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Return 0, after a line that tells how many messages were not sent."""
        log.info("%d message not sent: BEFFROI_EMAIL_URL names no relay", len(email_messages))
        return 0


_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


def email_settings(url: str) -> dict[str, object]:
    """Return Django's e-mail settings.

    Raises:
        ConfigurationError: the address has another form.
    """
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ConfigurationError(
            "BEFFROI_EMAIL_URL does not name a mail relay.",
            way_out="Write smtp://, smtp+starttls:// or smtps://, then the relay's name.",
        )
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or _PORTS[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp+starttls",
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_TIMEOUT": 20,
    }
