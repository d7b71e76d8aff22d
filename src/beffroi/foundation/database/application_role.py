from __future__ import annotations

from contextvars import ContextVar

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections

from beffroi.foundation.database.contracts import DEFAULT_APPLICATION_ROLE

# Set while the default connection is somebody else's (the owner's, during migrations).
serving_user: ContextVar[str | None] = ContextVar("beffroi_serving_user", default=None)


def application_role() -> str:
    """Return the role that migrations grant rights to.

    It is ``settings.BEFFROI_APP_ROLE`` where that is set, else the user of ``DATABASES``, else
    ``beffroi_app``.
    """
    named = getattr(settings, "BEFFROI_APP_ROLE", "") or ""
    if named:
        return str(named)
    user = serving_user.get() or connections.settings[DEFAULT_DB_ALIAS].get("USER")
    return str(user or DEFAULT_APPLICATION_ROLE)
