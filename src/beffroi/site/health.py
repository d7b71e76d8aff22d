"""Examines an installation: one finding for each thing that can be wrong."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum

from django.conf import settings
from django.db import connection
from django.db.utils import DatabaseError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from beffroi.foundation.accounts.api import people
from beffroi.foundation.database.api import acting_for, check_rules
from beffroi.foundation.database.connection import is_embedded
from beffroi.foundation.database.roles import check
from beffroi.foundation.jobs.api import beat_states
from beffroi.foundation.territories.api import territories_all
from beffroi.kernel import clock
from beffroi.site.cli.words import decimal
from beffroi.site.migration import pending_migrations

LOW_DISK_OCTETS = 2 * 1024**3
CLOCK_TOLERANCE = timedelta(seconds=5)
PULSE_SILENCE = timedelta(minutes=5)


class Severity(IntEnum):
    """How much a finding matters."""

    OK = 0
    WARNING = 1
    SERIOUS = 2


@dataclass(frozen=True, slots=True)
class HealthFinding:
    """One thing examined, how it is, and what to do about it."""

    subject: str
    severity: Severity
    sentence: str
    way_out: str = ""


def examine() -> list[HealthFinding]:
    """Examine everything; what the database holds only when it answers."""
    findings = [*_files(), *_front_end(), *_address()]
    reached = _database()
    findings.append(reached)
    if reached.severity is Severity.OK:
        for check_one in _INSIDE:
            findings.extend(check_one())
    return findings


def _files() -> Iterator[HealthFinding]:
    folder = settings.BEFFROI.data_dir
    if not os.access(folder, os.W_OK):
        yield HealthFinding(
            _("data directory"),
            Severity.SERIOUS,
            _("%(folder)s cannot be written.") % {"folder": folder},
            _("Give it to the account that runs Beffroi, or set BEFFROI_DATA_DIR."),
        )
        return
    free = shutil.disk_usage(folder).free
    low = free < LOW_DISK_OCTETS
    yield HealthFinding(
        _("disk"),
        Severity.SERIOUS if low else Severity.OK,
        _("%(free)s GB free in %(folder)s") % {"free": decimal(free / 1e9), "folder": folder},
        _("Make room: below 2 GB the database may stop taking measurements in.") if low else "",
    )
    secret = folder / "secret_key"
    if secret.exists() and stat.S_IMODE(secret.stat().st_mode) & 0o077:
        yield HealthFinding(
            _("secret key"),
            Severity.SERIOUS,
            _("Others may read %(path)s.") % {"path": secret},
            f"chmod 600 {secret}",
        )


def _front_end() -> Iterator[HealthFinding]:
    built = settings.VITE_MANIFEST.exists()
    yield HealthFinding(
        _("interface"),
        Severity.OK if built else Severity.SERIOUS,
        _("built") if built else _("The interface has not been built."),
        "" if built else _("Install the wheel again, or run `make clean` then `make demo`."),
    )


def _address() -> Iterator[HealthFinding]:
    url = settings.BEFFROI.public_url
    local = any(name in url for name in ("//localhost", "//127.0.0.1", "//[::1]"))
    safe = local or settings.BEFFROI.behind_tls
    yield HealthFinding(
        _("address"),
        Severity.OK if safe else Severity.SERIOUS,
        url,
        "" if safe else _("Put it behind a reverse proxy with TLS and write https:// in it."),
    )
    if settings.DEBUG:
        yield HealthFinding(
            _("debug"), Severity.SERIOUS, _("BEFFROI_DEBUG is on."), _("Turn it off in service.")
        )
    if not settings.BEFFROI.email_url:
        yield HealthFinding(
            _("e-mail"),
            Severity.WARNING,
            _("No mail relay is set: messages are printed, not sent."),
            _("Set BEFFROI_EMAIL_URL."),
        )


def _database() -> HealthFinding:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version")
            (version,) = cursor.fetchone()
    except DatabaseError as problem:
        return HealthFinding(
            _("database"),
            Severity.SERIOUS,
            _("It does not answer: %(reason)s") % {"reason": " ".join(str(problem).split())},
            _("Check DATABASE_URL and that the server runs."),
        )
    kind = _("embedded") if is_embedded() else _("external")
    return HealthFinding(_("database"), Severity.OK, f"PostgreSQL {version} ({kind})")


def _separation() -> Iterator[HealthFinding]:
    findings = [*check(connection.connection), *check_rules()]
    for finding in findings:
        yield HealthFinding(
            finding.subject,
            Severity.SERIOUS,
            finding.told(_),
            _("Run `beffroi database prepare`, then `beffroi migrate`."),
        )
    if not findings:
        yield HealthFinding(
            _("separation"), Severity.OK, _("Each territory sees its own rows only.")
        )


def _version() -> Iterator[HealthFinding]:
    pending = pending_migrations()
    yield HealthFinding(
        _("version"),
        Severity.SERIOUS if pending else Severity.OK,
        ngettext("%(count)d migration to apply", "%(count)d migrations to apply", len(pending))
        % {"count": len(pending)}
        if pending
        else _("up to date"),
        _("Run `beffroi migrate`.") if pending else "",
    )


def _clock() -> Iterator[HealthFinding]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (there,) = cursor.fetchone()
    gap = abs(there - clock.now())
    yield HealthFinding(
        _("clock"),
        Severity.OK if gap <= CLOCK_TOLERANCE else Severity.WARNING,
        _("%(seconds)s s from the database's") % {"seconds": decimal(gap.total_seconds())},
        "" if gap <= CLOCK_TOLERANCE else _("Let both machines follow the same time server."),
    )


def _towns() -> Iterator[HealthFinding]:
    towns = list(territories_all())
    if not towns:
        yield HealthFinding(
            _("territory"), Severity.WARNING, _("None yet."), "beffroi init --insee … --admin …"
        )
    for town in towns:
        with acting_for(town.id):
            active = sum(1 for person in people() if person.is_active)
        yield HealthFinding(
            town.name,
            Severity.OK if active else Severity.WARNING,
            ngettext("%(count)d person", "%(count)d people", active) % {"count": active},
            "" if active else f"beffroi people invite {town.slug} …",
        )


def _pulse() -> Iterator[HealthFinding]:
    states = beat_states()
    last = max((one.started_at for one in states if one.started_at), default=None)
    if last is None or clock.now() - last > PULSE_SILENCE:
        yield HealthFinding(
            _("pulse"),
            Severity.WARNING,
            _("It does not beat: nothing is rolled up and no device is called silent."),
            _("Start `beffroi serve`, or `beffroi pulse` as a unit of its own."),
        )
    for state in states:
        if state.failures:
            yield HealthFinding(
                state.key,
                Severity.SERIOUS,
                ngettext(
                    "failed %(count)d time: %(reason)s",
                    "failed %(count)d times: %(reason)s",
                    state.failures,
                )
                % {"count": state.failures, "reason": state.last_error},
            )


_INSIDE: tuple[Callable[[], Iterator[HealthFinding]], ...] = (
    _version,
    _separation,
    _clock,
    _towns,
    _pulse,
)
