"""What an attacker would try on accounts; each of these opened something before it was closed."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.contrib.sessions.backends.db import SessionStore
from django.core import mail
from django.core.cache import cache
from django.test import Client

from beffroi.foundation.accounts import api
from beffroi.foundation.accounts.mailing import mail_settled
from beffroi.foundation.accounts.models import Grant, Role, User
from beffroi.foundation.accounts.sessions import is_strong
from beffroi.foundation.accounts.testing import (
    PASSWORD,
    agent_client,
    make_access,
    make_agent,
    make_member,
    make_session,
    make_user,
    sign_in,
)
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.models import Territory
from beffroi.kernel.clock import frozen_at, now
from beffroi.kernel.errors import InvalidInput

LOGIN = "/compte/connexion/"
CHECK = "/compte/second-facteur/verifier/"


def _latest_code(secret: str) -> str:
    """Return the code that is good for longest: that of the period to come."""
    return str(format_hotp_value(hotp_value(secret, list(yield_hotp_counters_from_time())[-1])))


def _asked_for_the_factor(user: User) -> Client:
    client = Client()
    client.post(LOGIN, {"login": user.email, "password": PASSWORD})
    return client


@pytest.mark.django_db
def test_a_code_seen_over_a_shoulder_opens_nothing_a_minute_later(town: Territory) -> None:
    user = make_user(password=PASSWORD, second_factor=False)
    make_agent(town, user=user)
    secret = str(generate_totp_secret())
    TOTP.activate(user, secret)
    code = _latest_code(secret)
    assert _asked_for_the_factor(user).post(CHECK, {"code": code}).status_code == 302
    # The library's own memory lasts one period; the code is good for three.
    cache.delete(f"allauth.mfa.totp.used?user={user.pk}&code={code}")
    thief = _asked_for_the_factor(user)
    assert thief.post(CHECK, {"code": f"{code[:3]} {code[3:]}"}).status_code == 200
    assert thief.get("/moi/").status_code == 302


@pytest.mark.django_db
def test_the_code_of_an_enrolment_opens_no_session(town: Territory) -> None:
    user = make_user(password=PASSWORD, second_factor=False)
    make_agent(town, user=user)
    client = Client()
    sign_in(client, user, second_factor_shown=False)
    client.get("/compte/second-facteur/application/")
    secret = client.session["mfa.totp.secret"]
    code = _latest_code(secret)
    client.post("/compte/second-facteur/application/", {"code": code})
    assert api.has_second_factor(user.pk)
    thief = _asked_for_the_factor(user)
    assert thief.post(CHECK, {"code": code}).status_code == 200


@pytest.mark.django_db
def test_a_session_kept_alive_still_ends_after_twelve_hours() -> None:
    user = make_user()
    session = SessionStore(session_key=make_session(user))
    content = session.load()
    with frozen_at(now() + timedelta(hours=11, minutes=50)):
        assert is_strong(content, user_id=user.pk)
    with frozen_at(now() + timedelta(hours=12, minutes=5)):
        assert not is_strong(content, user_id=user.pk)


@pytest.mark.django_db
def test_links_in_messages_lead_to_this_installation_whatever_host_is_named() -> None:
    user = make_user()
    client = Client(headers={"host": "127.0.0.1"})
    client.post("/compte/mot-de-passe/oublie/", {"email": user.email})
    mail_settled()
    assert "http://localhost:8000/compte/mot-de-passe/lien/" in str(mail.outbox[0].body)
    assert "http://127.0.0.1" not in str(mail.outbox[0].body).split("localhost:8000")[0]


@pytest.mark.django_db
def test_a_foreign_host_is_refused() -> None:
    assert Client(headers={"host": "mechant.example"}).get(LOGIN).status_code == 400


@pytest.mark.django_db
def test_without_relay_no_link_is_written_anywhere(
    settings: Any, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.EMAIL_BACKEND = "beffroi.site.email.NoRelay"
    with caplog.at_level(logging.DEBUG):
        page = Client().post("/compte/mot-de-passe/oublie/", {"email": make_user().email})
    assert "administrateur" in page.content.decode()
    assert mail.outbox == []
    told = caplog.text + "".join(capsys.readouterr())
    assert "/compte/mot-de-passe/lien/" not in told


@pytest.mark.django_db
def test_an_invitation_that_is_not_sent_is_not_said_to_be(town: Territory, settings: Any) -> None:
    settings.EMAIL_BACKEND = "beffroi.site.email.NoRelay"
    page = agent_client(town).post(
        "/t/montpellier/personnes/inviter/",
        {"email": "luc@exemple.fr", "roles": [], "department": ""},
    )
    assert "Aucun courriel n’a été envoyé" in page.content.decode()


@pytest.mark.django_db
def test_pages_of_accounts_are_kept_by_no_cache_and_tell_no_referrer(town: Territory) -> None:
    issued = api.first_administrator_invite(town.pk, email="anne@exemple.fr")
    for path in (issued.path, LOGIN, "/compte/lien/rien/", "/compte/invitation/1.rien/"):
        response = Client().get(path)
        assert "no-store" in response["Cache-Control"], path
        assert response["Referrer-Policy"] == "strict-origin", path


@pytest.mark.django_db
def test_a_right_on_a_service_that_does_not_exist_is_refused(town: Territory) -> None:
    access = make_access(town)
    with acting_for(town.pk, user_id=access.user_id):
        role = api.role_save(None, access=access, name="Essai", description="")
        with pytest.raises(InvalidInput):
            api.role_grants_set(
                role.uuid, access=access, area_id=None, pairs={("assets.see", "x" * 500)}
            )
        assert not Grant.objects.filter(role=role).exists()
    page = agent_client(town).post(
        f"/t/montpellier/roles/{role.uuid}/droits/", {"droit": [f"assets.see|{'x' * 500}"]}
    )
    assert page.status_code == 302  # said on the page, not a failure


@pytest.mark.django_db
def test_whoever_manages_people_does_not_raise_themselves(town: Territory) -> None:
    """By their own place, by a role they hold, by a new role, by an invitation."""
    make_member(town)  # somebody else holds everything
    weak = make_agent(town, verbs=("people.see", "people.manage"))
    client = Client()
    sign_in(client, weak)
    access = make_access(town)
    with acting_for(town.pk, user_id=access.user_id):
        strong = api.role_save(None, access=access, name="Tout", description="")
        api.role_grants_set(strong.uuid, access=access, area_id=None, pairs={("assets.delete", "")})
        mine = weak.memberships.get()
        own = Role.objects.get(memberships=mine)
    base = "/t/montpellier/"
    client.post(f"{base}personnes/{mine.uuid}/", {"roles": [own.uuid, strong.uuid]})
    client.post(f"{base}roles/{own.uuid}/droits/", {"droit": ["people.manage|", "audit.see|"]})
    client.post(
        f"{base}personnes/inviter/", {"email": "double@exemple.fr", "roles": [str(strong.uuid)]}
    )
    with acting_for(town.pk):
        assert {role.pk for role in mine.roles.all()} == {own.pk}
        assert set(Grant.objects.filter(role=own).values_list("verb", flat=True)) == {
            "people.see",
            "people.manage",
        }
        assert not api.invitations_pending()


@pytest.mark.django_db
def test_one_session_is_ended_and_never_somebody_else_s(town: Territory) -> None:
    user, other = make_agent(town), make_agent(town)
    client, theirs = Client(), make_session(other)
    sign_in(client, user)
    second = make_session(user)
    numbers = {one.session_key: one.pk for one in (*api.sessions_of(user), *api.sessions_of(other))}
    client.post("/compte/sessions/", {"session": str(numbers[theirs])})
    assert [one.session_key for one in api.sessions_of(other)] == [theirs]
    client.post("/compte/sessions/", {"session": str(numbers[second])})
    assert len(api.sessions_of(user)) == 1
    assert api.access_from_session_key(second, town.slug, verb="assets.see") is None
    assert client.get("/compte/sessions/").status_code == 200


@pytest.mark.django_db
def test_a_network_of_ipv6_addresses_is_one_address_to_the_limits() -> None:
    """A provider gives a household 2^64 addresses: each would have its own attempts."""
    refused = 0
    for number in range(14):
        response = Client().post(
            LOGIN,
            {"login": f"quelqu-un-{number}@exemple.fr", "password": "x"},
            headers={"x-forwarded-for": f"2001:db8:1:2::{number:x}"},
        )
        refused += "Trop d’essais" in response.content.decode()
    assert refused == 4
