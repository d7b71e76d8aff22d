from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from allauth.usersessions.models import UserSession
from django.contrib.auth.hashers import check_password, make_password
from django.core import mail
from django.test import Client
from django.urls import reverse

from beffroi.foundation.accounts.adapters import SecondFactorAdapter, client_address
from beffroi.foundation.accounts.mailing import mail_settled
from beffroi.foundation.accounts.models import User
from beffroi.foundation.accounts.passwords import is_common
from beffroi.foundation.accounts.settings_parts import PASSWORD_HASHERS
from beffroi.foundation.accounts.testing import (
    PASSWORD,
    agent_client,
    make_agent,
    make_session,
    make_user,
    sign_in,
)
from beffroi.foundation.database.testing import TestDatabase
from beffroi.foundation.territories.models import Territory
from beffroi.kernel.errors import ConfigurationError

LOGIN = "/compte/connexion/"
CHECK = "/compte/second-facteur/verifier/"


def _code(secret: str) -> str:
    counter = next(iter(yield_hotp_counters_from_time()))
    return str(format_hotp_value(hotp_value(secret, counter)))


def _with_secret(user: User) -> str:
    secret = str(generate_totp_secret())
    TOTP.activate(user, secret)
    return secret


def _sign_in(client: Client, user: User, *, password: str = PASSWORD, path: str = LOGIN) -> Any:
    return client.post(path, {"login": user.email, "password": password})


@pytest.mark.django_db
def test_password_then_code_opens_the_town(town: Territory, client: Client) -> None:
    user = make_user(password=PASSWORD, second_factor=False)
    make_agent(town, user=user)
    secret = _with_secret(user)
    first = _sign_in(client, user, path=f"{LOGIN}?next=/t/montpellier/ville/")
    assert first["Location"].startswith(CHECK)
    # The password alone has opened nothing.
    assert client.get("/moi/").status_code == 302
    before = client.session.session_key
    second = client.post(CHECK, {"code": _code(secret)})
    assert second.status_code == 302
    assert client.session.session_key != before  # ASVS 7.2.4: a new session at sign-in
    assert client.get("/t/montpellier/ville/").status_code == 200
    assert UserSession.objects.filter(user=user).count() == 1


def test_passwords_are_kept_as_argon2id(settings: Any) -> None:
    settings.PASSWORD_HASHERS = PASSWORD_HASHERS
    stored = make_password(PASSWORD)
    # OWASP's least for Argon2id is 19 MiB and two turns; Django takes 100 MiB and two.
    assert stored.startswith("argon2$argon2id$v=19$m=102400,t=2,p=8$")
    assert check_password(PASSWORD, stored)


@pytest.mark.django_db
def test_a_code_is_taken_once(town: Territory) -> None:
    user = make_user(password=PASSWORD, second_factor=False)
    make_agent(town, user=user)
    secret = _with_secret(user)
    code = _code(secret)
    statuses = []
    for _turn in range(2):
        client = Client()
        _sign_in(client, user)
        statuses.append(client.post(CHECK, {"code": code}).status_code)
    assert statuses == [302, 200]


@pytest.mark.django_db
def test_an_address_with_capitals_signs_in(client: Client) -> None:
    user = make_user("Anne.Bordes@Exemple.FR", password=PASSWORD)
    assert user.email == "anne.bordes@exemple.fr"
    response = client.post(LOGIN, {"login": "ANNE.bordes@exemple.fr", "password": PASSWORD})
    assert response["Location"].startswith(CHECK)


@pytest.mark.django_db
def test_without_factor_one_is_asked_for_and_its_enrolment_opens_the_town(
    town: Territory, client: Client
) -> None:
    user = make_user(password=PASSWORD, second_factor=False)
    make_agent(town, user=user)
    stolen = Client()
    _sign_in(stolen, user)
    assert _sign_in(client, user).status_code == 302
    asked = client.get("/t/montpellier/ville/")
    assert asked["Location"].startswith("/compte/second-facteur/choisir/?next=")
    assert client.get(asked["Location"]).status_code == 200
    page = client.get(reverse("mfa_activate_totp"))
    assert page.status_code == 200, "the password was just given: it is not asked again"
    secret = page.context["form"].secret
    done = client.post(reverse("mfa_activate_totp"), {"code": _code(secret)})
    assert done["Location"] == reverse("mfa_view_recovery_codes")
    codes = client.get(done["Location"])
    assert len(codes.context["unused_codes"]) == 10
    assert "/t/montpellier/ville/" in codes.content.decode()


@pytest.mark.django_db(transaction=True)
def test_enrolling_opens_this_session_and_ends_the_others() -> None:
    from beffroi.foundation.territories.testing import make_territory  # noqa: PLC0415 - no fixture

    town = make_territory("montpellier")
    user = make_user(password=PASSWORD, second_factor=False)
    make_agent(town, user=user)
    stolen, client = Client(), Client()
    _sign_in(stolen, user)
    _sign_in(client, user)
    assert stolen.get("/moi/").status_code == 200
    page = client.get(reverse("mfa_activate_totp"))
    client.post(reverse("mfa_activate_totp"), {"code": _code(page.context["form"].secret)})
    assert client.get("/t/montpellier/ville/").status_code == 200
    assert stolen.get("/moi/").status_code == 302


@pytest.mark.django_db
def test_a_recovery_code_opens_once(town: Territory) -> None:
    user = make_user(password=PASSWORD)
    make_agent(town, user=user)
    from allauth.mfa.recovery_codes.internal.auth import (  # noqa: PLC0415 - beside its use
        RecoveryCodes,
    )

    code = RecoveryCodes.activate(user).generate_codes()[0]
    statuses = []
    for _turn in range(2):
        client = Client()
        _sign_in(client, user)
        statuses.append(client.post(CHECK, {"code": code}).status_code)
    assert statuses == [302, 200]


@pytest.mark.django_db
def test_guesses_are_limited(client: Client) -> None:
    user = make_user(password=PASSWORD)
    answers = [_sign_in(client, user, password="faux") for _turn in range(8)]
    assert all(answer.status_code in {200, 429} for answer in answers)
    # After five failures even the right password is refused for some minutes.
    right = _sign_in(client, user)
    assert right.status_code in {200, 429}
    assert client.get("/moi/").status_code == 302


@pytest.mark.django_db
def test_guesses_from_one_address_over_many_accounts_are_limited(client: Client) -> None:
    people = [f"personne-{number}@exemple.fr" for number in range(14)]
    for email in people:
        client.post(LOGIN, {"login": email, "password": "faux-mot-de-passe"})
    user = make_user(password=PASSWORD)
    assert _sign_in(client, user).status_code in {200, 429}


@pytest.mark.django_db
def test_a_forged_forwarded_header_evades_nothing(client: Client) -> None:
    user = make_user(password=PASSWORD)
    for turn in range(8):
        client.post(
            LOGIN,
            {"login": user.email, "password": "faux"},
            headers={"x-forwarded-for": f"198.51.100.{turn}"},
        )
    right = client.post(
        LOGIN,
        {"login": user.email, "password": PASSWORD},
        headers={"x-forwarded-for": "198.51.100.99"},
    )
    assert right.status_code in {200, 429}


def test_the_client_address_is_what_the_front_saw_not_what_the_client_wrote(rf: Any) -> None:
    request = rf.get("/", headers={"x-forwarded-for": "198.51.100.1, 203.0.113.9"})
    assert client_address(request) == "203.0.113.9"
    request = rf.get("/")
    request.META["REMOTE_ADDR"] = ""  # a Unix socket, and no front
    assert client_address(request) == "0.0.0.0"  # noqa: S104 - what stands for no address


@pytest.mark.django_db
def test_an_unknown_address_and_a_wrong_password_look_the_same(client: Client) -> None:
    user = make_user(password=PASSWORD)
    wrong = _sign_in(client, user, password="faux-mot-de-passe")
    unknown = client.post(LOGIN, {"login": "personne@exemple.fr", "password": "faux-mot-de-passe"})

    def plain(response: Any, email: str) -> str:
        text = response.content.decode().replace(email, "")
        return re.sub(r'(value|X-CSRFToken)": ?"[^"]+"|value="[^"]{64}"', "", text)

    assert wrong.status_code == unknown.status_code == 200
    assert plain(wrong, user.email) == plain(unknown, "personne@exemple.fr")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "target", ["https://voleur.example/", "//voleur.example/", "javascript:alert(1)", "/\\voleur"]
)
def test_signing_in_never_leads_to_another_site(client: Client, target: str) -> None:
    user = make_user(password=PASSWORD, second_factor=False)
    response = client.post(LOGIN, {"login": user.email, "password": PASSWORD, "next": target})
    assert response["Location"] == "/"


@pytest.mark.django_db
def test_the_page_of_the_factor_keeps_no_foreign_address(client: Client) -> None:
    user = make_user(second_factor=False)
    sign_in(client, user, second_factor_shown=False)
    client.get("/compte/second-facteur/choisir/?next=https://voleur.example/")
    assert "beffroi_next" not in client.session


@pytest.mark.django_db
def test_there_is_no_sign_up(client: Client) -> None:
    assert client.get("/compte/inscription/").status_code == 404
    client.post("/compte/inscription/", {"email": "moi@exemple.fr", "password1": PASSWORD})
    assert not User.objects.exists()


@pytest.mark.django_db
def test_a_new_password_does_not_go_round_the_second_factor(client: Client) -> None:
    user = make_user(password=PASSWORD)
    other_key = make_session(user)
    client.post("/compte/mot-de-passe/oublie/", {"email": user.email})
    mail_settled()
    assert len(mail.outbox) == 1
    body = str(mail.outbox[0].body)
    found = re.search(r"http://localhost:8000(/compte/mot-de-passe/lien/\S+)", body)
    assert found is not None
    form_page = client.get(found[1])
    action = form_page["Location"] if form_page.status_code == 302 else found[1]
    new = "cinq-canards-sur-l-étang-gris"
    done = client.post(action, {"password1": new, "password2": new})
    assert done.status_code == 302
    assert client.get("/moi/").status_code == 302  # not signed in
    assert not UserSession.objects.filter(session_key=other_key).exists()
    user.refresh_from_db()
    assert _sign_in(client, user, password=new)["Location"].startswith(CHECK)
    assert client.get("/moi/").status_code == 302


@pytest.mark.django_db
def test_asking_for_a_password_tells_nothing_of_accounts(client: Client) -> None:
    known = client.post("/compte/mot-de-passe/oublie/", {"email": make_user().email})
    unknown = client.post("/compte/mot-de-passe/oublie/", {"email": "personne@exemple.fr"})
    assert known.status_code == unknown.status_code == 302
    assert known["Location"] == unknown["Location"]
    mail_settled()
    assert len(mail.outbox) == 1


@pytest.mark.django_db
def test_a_person_ends_their_other_sessions(town: Territory, client: Client) -> None:
    user = make_agent(town)
    other = Client()
    sign_in(other, user)
    sign_in(client, user)
    assert client.get("/compte/sessions/").content.count(b"<tr>") == 3
    client.post("/compte/sessions/")
    assert other.get("/t/montpellier/ville/").status_code == 302
    assert client.get("/t/montpellier/ville/").status_code == 200


@pytest.mark.django_db
def test_signing_out_is_a_post(town: Territory) -> None:
    client = agent_client(town)
    assert client.get("/compte/deconnexion/").status_code == 200
    assert client.get("/t/montpellier/ville/").status_code == 200
    client.post("/compte/deconnexion/")
    assert client.get("/t/montpellier/ville/").status_code == 302


@pytest.mark.django_db
def test_posts_need_the_token_of_the_form(town: Territory) -> None:
    user = make_agent(town)
    client = Client(enforce_csrf_checks=True)
    sign_in(client, user)
    for url in ("/compte/connexion/", "/t/montpellier/personnes/inviter/", "/compte/"):
        assert client.post(url, {}).status_code == 403, url


@pytest.mark.django_db
def test_second_factors_need_a_fresh_password(client: Client) -> None:
    user = make_user(password=PASSWORD)
    sign_in(client, user)
    session = client.session
    session["account_authentication_methods"] = [
        {"method": "password", "at": 1.0, "reauthenticated": True},
        {"method": "mfa", "at": 1.0, "type": "totp"},
    ]
    session.save()
    response = client.post(reverse("mfa_deactivate_totp"))
    assert response["Location"].startswith("/compte/confirmer/")
    assert Authenticator.objects.filter(user=user).exists()


@pytest.mark.django_db
def test_secrets_of_factors_are_not_readable_in_the_database(settings: Any) -> None:
    user = make_user(second_factor=False)
    secret = _with_secret(user)
    stored = Authenticator.objects.get(user=user)
    assert secret not in str(stored.data)
    adapter = SecondFactorAdapter()
    assert adapter.decrypt(stored.data["secret"]) == secret
    former = settings.SECRET_KEY
    settings.SECRET_KEY = "another secret of this installation"
    with pytest.raises(ConfigurationError):
        adapter.decrypt(stored.data["secret"])
    settings.SECRET_KEY_FALLBACKS = [former]
    assert adapter.decrypt(stored.data["secret"]) == secret


@pytest.mark.django_db(transaction=True)
def test_sign_ins_and_failures_are_written_down(test_database: TestDatabase) -> None:
    import psycopg  # noqa: PLC0415 - only here

    user = make_user(password=PASSWORD, second_factor=False)
    client = Client()
    _sign_in(client, user, password="faux")
    _sign_in(client, user)
    client.post("/compte/deconnexion/")
    with psycopg.connect(test_database.administrator) as admin:
        rows = admin.execute(
            "SELECT verb, ip, detail::text || subject_label FROM audit_auditrecord"
            " WHERE territory_id IS NULL ORDER BY sequence"
        ).fetchall()
    assert [row[0] for row in rows] == [
        "account.sign_in_failed",
        "account.signed_in",
        "account.signed_out",
    ]
    assert {row[1] for row in rows} == {"127.0.0.0/24"}
    assert not any("faux" in row[2] for row in rows)


@pytest.mark.parametrize(
    "password",
    [
        "Motdepasse2026!",
        "azertyuiop123",
        "MotDePasse123456",
        "Bonjour123456!!",
        "m0td3p4ss3!!!!",
        "123456789012",
        "aaaaaaaaaaaaaa",
        "abcabcabcabc",
        "Montpellier34000",
        "soleilsoleil",
        "Administrateur1",
        "changemoi-2026",
    ],
)
def test_common_passwords_are_refused(password: str) -> None:
    assert is_common(password)


@pytest.mark.parametrize(
    "password", [PASSWORD, "x9#fK2!pQv7zLm", "trente huit tulipes dans la mairie"]
)
def test_good_passwords_are_taken(password: str) -> None:
    assert not is_common(password)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name",
    [
        "account_profile",
        "account_change_password",
        "mfa_index",
        "mfa_activate_totp",
        "mfa_add_webauthn",
        "mfa_list_webauthn",
        "mfa_generate_recovery_codes",
        "usersessions_list",
        "home",
    ],
)
def test_pages_of_ones_own_account_open(client: Client, name: str) -> None:
    user = make_user(password=PASSWORD, second_factor=False)
    sign_in(client, user, second_factor_shown=False)
    assert client.get(reverse(name), follow=True).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name",
    [
        "account_login",
        "account_reset_password",
        "account_reset_password_done",
        "account_reset_password_from_key_done",
        "account_inactive",
    ],
)
def test_pages_of_signing_in_open(client: Client, name: str) -> None:
    assert client.get(reverse(name)).status_code == 200
