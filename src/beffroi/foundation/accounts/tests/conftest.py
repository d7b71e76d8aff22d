from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache

from beffroi.foundation.territories.models import Territory
from beffroi.foundation.territories.testing import make_territory

URLS = "beffroi.foundation.accounts.tests.addresses"


@pytest.fixture(autouse=True)
def _addresses(settings: pytest.FixtureRequest) -> None:
    settings.ROOT_URLCONF = URLS  # type: ignore[attr-defined]  # pytest-django's settings
    # Served files are no part of what is tested here, and need a build of the front end.
    settings.MIDDLEWARE = [  # type: ignore[attr-defined]  # same
        name
        for name in settings.MIDDLEWARE  # type: ignore[attr-defined]  # same
        if not name.startswith("whitenoise.")
    ]
    # Argon2id takes a third of a second on purpose; one test of its own checks that it is used.
    settings.PASSWORD_HASHERS = [  # type: ignore[attr-defined]  # same
        "django.contrib.auth.hashers.MD5PasswordHasher"
    ]
    # Rate limits are counted in the process: each test begins with none used.
    settings.CACHES = {  # type: ignore[attr-defined]  # same
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    }


@pytest.fixture(autouse=True)
def _no_limit_used(_addresses: None) -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def town(db: None) -> Territory:
    del db
    return make_territory("montpellier")


@pytest.fixture
def neighbour(db: None) -> Territory:
    del db
    return make_territory("grenoble")
