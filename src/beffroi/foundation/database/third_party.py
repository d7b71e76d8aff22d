"""Rules of tables whose migrations are not ours. None of them has a territory; each says why."""

from __future__ import annotations

READ = ("SELECT",)
WRITE = ("SELECT", "INSERT", "UPDATE", "DELETE")

_PEOPLE = (
    "A person has one account for the whole installation and may be a member of several "
    "territories; "
)
_JOBS = (
    "One queue serves every territory; arguments carry identifiers only, and each job opens "
    "acting_for() before it reads a row. "
)

# table → (what the application role may do, why every territory shares it)
THIRD_PARTY_TABLES: dict[str, tuple[tuple[str, ...], str]] = {
    "django_migrations": (READ, "Schema history; read at start-up to refuse an old schema."),
    "django_content_type": (READ, "Names of models; no row of a territory."),
    "auth_permission": (READ, "Names of Django permissions; rights are roles, not these."),
    "auth_group": (READ, "Unused: rights are the roles of a membership. Read by Django's backend."),
    "auth_group_permissions": (READ, "Unused, as auth_group."),
    "django_session": (
        WRITE,
        (
            "Read by its unguessable key before anybody is known. Holds the account's number and "
            "signed-in methods; whoever runs SQL as the application could read every session."
        ),
    ),
    "web_cache": (
        WRITE,
        (
            "Counters that limit attempts, and parts of pages kept for a moment; keys carry the "
            "territory where the content does."
        ),
    ),
    "django_site": (READ, "Name of the installation, for links in e-mails."),
    "account_emailaddress": (
        WRITE,
        (
            _PEOPLE + "sign-in looks the address up before any territory is known. Personal data: "
            "screens show a colleague's address through the membership only."
        ),
    ),
    "account_emailconfirmation": (
        WRITE,
        (_PEOPLE + "the link in the e-mail is opened before sign-in."),
    ),
    "mfa_authenticator": (
        WRITE,
        (
            _PEOPLE + "the second factor is checked before a territory is chosen. Holds secrets "
            "(TOTP seeds, recovery codes) and public keys of passkeys."
        ),
    ),
    "usersessions_usersession": (
        WRITE,
        (
            _PEOPLE + "lists a person's own open sessions with address and browser, so that they "
            "can end them. Personal data, shown to that person alone."
        ),
    ),
    "socialaccount_socialaccount": (WRITE, _PEOPLE + "sign-in through the authority's directory."),
    "socialaccount_socialapp": (READ, "Identity providers of the installation."),
    "socialaccount_socialapp_sites": (READ, "Identity providers of the installation."),
    "socialaccount_socialtoken": (WRITE, _PEOPLE + "tokens of the identity provider."),
    "procrastinate_jobs": (WRITE, _JOBS),
    "procrastinate_events": (WRITE, _JOBS + "History of jobs."),
    "procrastinate_periodic_defers": (WRITE, _JOBS + "Which timers have fired."),
    "procrastinate_workers": (WRITE, _JOBS + "Heartbeats of the workers."),
}
