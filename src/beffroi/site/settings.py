"""Django's settings, built from the configuration and from what each room declares."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from beffroi.foundation.accounts import settings_parts as accounts_parts
from beffroi.foundation.database.connection import django_databases, from_environment
from beffroi.foundation.web.security import content_security_policy
from beffroi.sdk.registry import translation_folders
from beffroi.site.configuration import read

CONFIGURATION = read()
PACKAGE = Path(__file__).resolve().parent.parent

SECRET_KEY = CONFIGURATION.secret_key
DEBUG = CONFIGURATION.debug
ALLOWED_HOSTS = list(CONFIGURATION.allowed_hosts)
BEFFROI = CONFIGURATION

INSTALLED_APPS = [
    "beffroi.foundation.web.apps.WebConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "django_htmx",
    "django_vite",
    "procrastinate.contrib.django",
    "beffroi.foundation.database.apps.DatabaseConfig",
    "beffroi.foundation.files.apps.FilesConfig",
    "beffroi.foundation.territories.apps.TerritoriesConfig",
    "beffroi.foundation.jobs.apps.JobsConfig",
    "beffroi.foundation.audit.apps.AuditConfig",
    "beffroi.foundation.messaging.apps.MessagingConfig",
    "beffroi.foundation.accounts.apps.AccountsConfig",
    "beffroi.city.basemap.apps.BasemapConfig",
    "beffroi.city.codecs.apps.CodecsConfig",
    "beffroi.city.assets.apps.AssetsConfig",
    "beffroi.city.series.apps.SeriesConfig",
    "beffroi.city.archive.apps.ArchiveConfig",
    "beffroi.city.ingest.apps.IngestConfig",
    "beffroi.city.live.apps.LiveConfig",
    "beffroi.modules.control_room.apps.ControlRoomConfig",
    "beffroi.interfaces.api.apps.ApiConfig",
    "beffroi.site.apps.SiteConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "beffroi.foundation.web.middleware.CompressionMiddleware",
    "beffroi.foundation.web.middleware.SecurityHeadersMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "beffroi.foundation.web.language.ChosenLanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    *accounts_parts.MIDDLEWARE,
]

ROOT_URLCONF = "beffroi.site.urls"
WSGI_APPLICATION = "beffroi.site.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "beffroi.foundation.web.context_processors.page",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.DjangoTemplates"

DATABASES = django_databases(from_environment())
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "web_cache",
        "KEY_PREFIX": "beffroi",
    },
}

LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", "Français"), ("en", "English")]
LOCALE_PATHS = [str(folder) for folder in translation_folders()]
TIME_ZONE = "Europe/Paris"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = None
WHITENOISE_USE_FINDERS = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
VITE_MANIFEST = PACKAGE / "foundation" / "web" / "static" / "built" / "manifest.json"
DJANGO_VITE = {
    "default": {
        "dev_mode": False,
        "manifest_path": VITE_MANIFEST,
        "static_url_prefix": "built",
    },
}
# Vite writes a digest of the content in each name it builds.
WHITENOISE_IMMUTABLE_FILE_TEST = r"^/static/built/.+-[A-Za-z0-9_-]{8}\.[a-z]+$"

SESSION_COOKIE_NAME = "__Host-session" if CONFIGURATION.behind_tls else "session"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CONFIGURATION.behind_tls
CSRF_COOKIE_NAME = "__Host-csrf" if CONFIGURATION.behind_tls else "csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = CONFIGURATION.behind_tls
CSRF_TRUSTED_ORIGINS = [CONFIGURATION.public_url]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 63_072_000 if CONFIGURATION.behind_tls else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = CONFIGURATION.behind_tls
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if CONFIGURATION.behind_tls else None
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = content_security_policy(tile_origins=CONFIGURATION.tile_origins)
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

AUTH_USER_MODEL = "accounts.User"
# A browser accepts passkeys over plain HTTP on localhost only, which is what the demo needs;
# the library then compares the origin with nothing.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not CONFIGURATION.behind_tls
# The front, or the reverse proxy in its place, writes the address it was called from.
ALLAUTH_TRUSTED_PROXY_COUNT = 1
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
AUTHENTICATION_BACKENDS = accounts_parts.AUTHENTICATION_BACKENDS
PASSWORD_HASHERS = accounts_parts.PASSWORD_HASHERS
AUTH_PASSWORD_VALIDATORS = accounts_parts.AUTH_PASSWORD_VALIDATORS
for _name, _value in vars(accounts_parts).items():
    if _name.startswith(("ACCOUNT_", "MFA_", "USERSESSIONS_", "SESSION_", "PASSWORD_RESET_")):
        globals()[_name] = _value

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{levelname} {name}: {message}", "style": "{"}},
    # A link that opens an account is written in no log, whichever library writes its path.
    "filters": {"links": {"()": "beffroi.site.discretion.LinksHidden"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["links"]}
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"beffroi": {"level": "INFO"}},
}

if CONFIGURATION.email_url:
    from beffroi.site.email import email_settings

    globals().update(email_settings(CONFIGURATION.email_url))
else:
    EMAIL_BACKEND = "beffroi.site.email.NoRelay"
