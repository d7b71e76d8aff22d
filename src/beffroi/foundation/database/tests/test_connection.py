from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict

from beffroi.foundation.database.connection import (
    django_database,
    django_databases,
    from_environment,
    is_embedded,
    make_url,
    url_with,
    user_of,
)
from beffroi.foundation.database.contracts import DatabaseError, DatabaseUrls

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


def test_a_url_of_a_server_is_translated_for_django() -> None:
    database = django_database(
        "postgresql://app:p%40ss%2Fword@db.example:5433/city?sslmode=verify-full&sslrootcert=/ca.pem"
    )
    assert database == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "city",
        "USER": "app",
        "PASSWORD": "p@ss/word",
        "HOST": "db.example",
        "PORT": "5433",
        "OPTIONS": {
            "connect_timeout": 10,
            "sslmode": "verify-full",
            "sslrootcert": "/ca.pem",
        },
    }


def test_a_socket_directory_is_a_host() -> None:
    assert django_database("postgresql://app@/city?host=/run/my%20db")["HOST"] == "/run/my db"


@given(user=TEXT, password=TEXT, database=TEXT)
def test_any_name_and_password_survive_the_url(user: str, password: str, database: str) -> None:
    url = make_url(user=user, password=password, database=database, host="/run/db")
    parts = conninfo_to_dict(url)
    assert (parts["user"], parts["password"], parts["dbname"]) == (user, password, database)
    assert user_of(url_with(url, dbname="other")) == user


def test_both_urls_come_from_the_environment() -> None:
    environ = {"DATABASE_URL": "postgresql://a@h/d", "DATABASE_OWNER_URL": "postgresql://o@h/d"}
    assert from_environment(environ) == DatabaseUrls("postgresql://a@h/d", "postgresql://o@h/d")
    assert not is_embedded(environ)


def test_a_serving_process_need_not_know_the_owner() -> None:
    urls = from_environment({"DATABASE_URL": "postgresql://a@h/d"})
    assert urls.owner is None
    assert django_databases(urls)["default"]["USER"] == "a"


def test_without_a_url_the_database_is_the_embedded_one_and_nothing_is_written(
    tmp_path: Path,
) -> None:
    environ = {"BEFFROI_DATA_DIR": str(tmp_path / "data")}
    urls = from_environment(environ)
    assert is_embedded(environ)
    assert user_of(urls.application) == "beffroi_app"
    assert list(tmp_path.iterdir()) == []


def test_the_owner_alone_is_refused() -> None:
    with pytest.raises(DatabaseError, match="without DATABASE_URL"):
        from_environment({"DATABASE_OWNER_URL": "postgresql://o@h/d"})


def test_a_url_that_cannot_be_read_is_refused_without_its_password() -> None:
    with pytest.raises(DatabaseError) as refused:
        django_database("postgresql://app:s3cret%zz@h/d")
    assert refused.value.code == "database.bad_url"
    assert "s3cret" not in str(refused.value)
    assert "s3cret" not in repr(DatabaseUrls("postgresql://app:s3cret@h/d"))
