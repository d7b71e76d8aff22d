from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from beffroi.foundation.accounts import api
from beffroi.foundation.accounts.models import Invitation, Membership, Role, SignInLink, User
from beffroi.foundation.accounts.testing import (
    PASSWORD,
    agent_client,
    make_access,
    make_agent,
    make_member,
    make_user,
    sign_in,
)
from beffroi.foundation.accounts.tokens import token_hash
from beffroi.foundation.audit.api import audit_page
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.models import Territory
from beffroi.kernel.clock import frozen_at, now
from beffroi.kernel.errors import InvalidInput

ANSWER = {"full_name": "Anne Bordes", "password": PASSWORD, "again": PASSWORD}


def _verbs(town: Territory) -> list[str]:
    with acting_for(town.pk):
        return [entry.verb for entry in audit_page().entries]


@pytest.mark.django_db
def test_the_first_administrator_comes_by_a_link(town: Territory, client: Client) -> None:
    issued = api.first_administrator_invite(town.pk, email=" Anne@Exemple.fr ")
    assert issued.path == f"/compte/invitation/{issued.token}/"
    page = client.get(issued.path)
    assert page.status_code == 200
    assert "Montpellier" in page.content.decode()
    done = client.post(issued.path, ANSWER)
    assert done["Location"].startswith("/compte/second-facteur/choisir/?next=%2Ft%2Fmontpellier")
    user = User.objects.get(email="anne@exemple.fr")
    with acting_for(town.pk, user_id=user.pk):
        membership = Membership.objects.get(user=user)
        assert [role.preset for role in membership.roles.all()] == ["administrator"]
        assert Role.objects.count() == 5
        assert Role.objects.get(preset="reader").name == "Lecture seule"
    # Signed in, and no further than the second factor; the password is not asked again for it.
    assert client.get("/t/montpellier/ville/")["Location"].startswith("/compte/second-facteur/")
    assert client.get("/compte/second-facteur/application/").status_code == 200
    assert _verbs(town) == ["people.joined", "people.invited"]


@pytest.mark.django_db
def test_the_link_opens_once(town: Territory) -> None:
    issued = api.first_administrator_invite(town.pk, email="anne@exemple.fr")
    assert Client().post(issued.path, ANSWER).status_code == 302
    for answer in (Client().get(issued.path), Client().post(issued.path, ANSWER)):
        assert answer.status_code == 404
    with pytest.raises(api.InvitationInvalid):
        api.invitation_accept(issued.token, full_name="X", password=PASSWORD)


@pytest.mark.django_db
def test_the_link_expires_after_seven_days(town: Territory, client: Client) -> None:
    issued = api.first_administrator_invite(town.pk, email="anne@exemple.fr")
    with frozen_at(now() + timedelta(days=7, seconds=1)):
        assert client.get(issued.path).status_code == 404
        assert client.post(issued.path, ANSWER).status_code == 404
    with frozen_at(now() + timedelta(days=6, hours=23)):
        assert client.get(issued.path).status_code == 200


@pytest.mark.django_db
def test_forged_links_open_nothing(town: Territory, neighbour: Territory, client: Client) -> None:
    issued = api.first_administrator_invite(town.pk, email="anne@exemple.fr")
    secret = issued.token.partition(".")[2]
    forged = [
        f"{town.pk}.{secret[:-1]}{'A' if secret[-1] != 'A' else 'B'}",
        f"{neighbour.pk}.{secret}",
        secret,
        f"{town.pk}.",
        f".{secret}",
        "1' OR '1'='1.x",
        f"{'9' * 30}.{secret}",
        token_hash(issued.token),
    ]
    for token in forged:
        assert client.get(f"/compte/invitation/{token}/").status_code == 404, token
        assert client.post(f"/compte/invitation/{token}/", ANSWER).status_code == 404, token
    assert not User.objects.exists()


@pytest.mark.django_db
def test_the_token_is_not_in_the_database(town: Territory) -> None:
    issued = api.first_administrator_invite(town.pk, email="anne@exemple.fr")
    with acting_for(town.pk):
        row = Invitation.objects.get()
        assert issued.token not in str(vars(row))
        assert row.token_hash == token_hash(issued.token)
        assert issued.token not in str([vars(entry_) for entry_ in Invitation.objects.all()])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("answer", "field"),
    [
        ({**ANSWER, "password": "court", "again": "court"}, "password"),
        ({**ANSWER, "password": "Motdepasse2026!", "again": "Motdepasse2026!"}, "password"),
        ({**ANSWER, "password": "anne@exemple.fr", "again": "anne@exemple.fr"}, "password"),
        ({**ANSWER, "again": "autre"}, "again"),
        ({**ANSWER, "full_name": " "}, "full_name"),
    ],
)
def test_weak_answers_are_refused_and_the_link_stays_good(
    town: Territory, client: Client, answer: dict[str, str], field: str
) -> None:
    issued = api.first_administrator_invite(town.pk, email="anne@exemple.fr")
    page = client.post(issued.path, answer)
    assert page.status_code == 200
    assert field in page.context["form"].errors
    assert client.post(issued.path, ANSWER).status_code == 302


@pytest.mark.django_db
def test_who_has_an_account_must_sign_in_with_it(
    town: Territory, neighbour: Territory, client: Client
) -> None:
    user = make_agent(neighbour)
    issued = api.first_administrator_invite(town.pk, email=user.email)
    page = client.get(issued.path)
    assert b"/compte/connexion/?next=" in page.content
    client.post(issued.path, ANSWER)
    stranger = make_user()
    sign_in(client, stranger)
    client.post(issued.path, ANSWER)
    assert api.memberships_of(user.pk)[0].slug == "grenoble"
    assert len(api.memberships_of(user.pk)) == 1
    assert api.memberships_of(stranger.pk) == []
    sign_in(client, user)
    assert client.post(issued.path)["Location"] == "/t/montpellier/ville/"
    assert [one.slug for one in api.memberships_of(user.pk)] == ["grenoble", "montpellier"]


@pytest.mark.django_db
def test_an_administrator_invites_by_the_page(
    town: Territory, client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    client = agent_client(town)
    with acting_for(town.pk):
        api.presets_create(town.pk)
        reader = Role.objects.get(preset="reader")
    with django_capture_on_commit_callbacks(execute=True):
        page = client.post(
            "/t/montpellier/personnes/inviter/",
            {"email": "luc@exemple.fr", "roles": [str(reader.uuid)], "department": ""},
        )
    assert page.status_code == 200
    assert "no-store" in page["Cache-Control"]
    assert [message.to for message in mail.outbox] == [["luc@exemple.fr"]]
    link = re.search(r"http://localhost:8000(/compte/invitation/\S+)", str(mail.outbox[0].body))
    assert link is not None
    assert link[1] in page.content.decode()
    assert "luc@exemple.fr" in client.get("/t/montpellier/personnes/").content.decode()
    assert Client().post(link[1], ANSWER).status_code == 302
    people = client.get("/t/montpellier/personnes/").content.decode()
    assert "Anne Bordes" in people
    assert "Lecture seule" in people


@pytest.mark.django_db
def test_a_new_invitation_takes_the_place_of_the_former(town: Territory) -> None:
    first = api.first_administrator_invite(town.pk, email="anne@exemple.fr")
    second = api.first_administrator_invite(town.pk, email="anne@exemple.fr")
    assert Client().get(first.path).status_code == 404
    assert Client().get(second.path).status_code == 200


@pytest.mark.django_db
def test_an_invitation_is_withdrawn(town: Territory) -> None:
    issued = api.first_administrator_invite(town.pk, email="anne@exemple.fr")
    client = agent_client(town)
    client.post(f"/t/montpellier/personnes/invitations/{issued.uuid}/retirer/")
    assert Client().get(issued.path).status_code == 404
    again = client.post(f"/t/montpellier/personnes/invitations/{issued.uuid}/retirer/")
    assert again.status_code == 404


@pytest.mark.django_db
def test_a_member_is_not_invited_again_and_an_address_must_be_one(town: Territory) -> None:
    user = make_agent(town)
    with pytest.raises(api.AlreadyMember):
        api.first_administrator_invite(town.pk, email=user.email.upper())
    with pytest.raises(InvalidInput):
        api.first_administrator_invite(town.pk, email="pas une adresse")


@pytest.mark.django_db
def test_nobody_gives_what_they_do_not_hold(town: Territory) -> None:
    access = make_access(town, verbs=["people.manage", "people.see", "assets.see"])
    with acting_for(town.pk, user_id=access.user_id):
        api.presets_create(town.pk)
        administrator = Role.objects.get(preset="administrator")
        with pytest.raises(api.BeyondOwnRights):
            api.person_invite("x@exemple.fr", access=access, role_uuids=[administrator.uuid])
        own = api.roles()[0]
        assert own is not None


@pytest.mark.django_db
def test_who_comes_back_chooses_everything_anew(town: Territory, client: Client) -> None:
    access = make_access(town)
    member = make_member(town, verbs=["assets.see"])
    with acting_for(town.pk, user_id=access.user_id):
        api.person_deactivate(member.uuid, access=access)
    assert not User.objects.get(pk=member.user_id).is_active
    issued = api.first_administrator_invite(town.pk, email=member.user.email)
    assert client.post(issued.path, ANSWER).status_code == 302
    user = User.objects.get(pk=member.user_id)
    assert user.is_active
    assert not api.has_second_factor(user.pk)
    assert user.check_password(PASSWORD)


# One-time sign-in links


@pytest.mark.django_db
def test_a_link_from_the_command_line_opens_the_town_once(town: Territory) -> None:
    user = make_agent(town, user=make_user(second_factor=False))
    issued = api.sign_in_link_create(user.email)
    client, other = Client(), Client()
    # Programs that preview links send GET: they use nothing up.
    for _turn in range(3):
        assert client.get(issued.path).status_code == 200
    assert client.get("/moi/").status_code == 302
    done = client.post(issued.path)
    assert done["Location"] == "/"
    page = client.get("/t/montpellier/ville/")
    assert page.status_code == 200
    assert client.session.get_expiry_age() <= 12 * 3600
    assert "usage unique" in client.get("/compte/").content.decode()
    for answer in (other.get(issued.path), other.post(issued.path)):
        assert answer.status_code == 404


@pytest.mark.django_db
def test_the_session_of_a_link_lasts_twelve_hours(town: Territory, client: Client) -> None:
    user = make_agent(town, user=make_user(second_factor=False))
    client.post(api.sign_in_link_create(user.email).path)
    with frozen_at(now() + timedelta(hours=11, minutes=59)):
        assert client.get("/t/montpellier/ville/").status_code == 200
    with frozen_at(now() + timedelta(hours=12, minutes=1)):
        assert client.get("/t/montpellier/ville/").status_code == 302


@pytest.mark.django_db
def test_a_link_expires_and_is_stored_as_a_hash(town: Territory, client: Client) -> None:
    user = make_agent(town)
    issued = api.sign_in_link_create(user.email, ttl=timedelta(minutes=10))
    assert SignInLink.objects.get().token_hash == token_hash(issued.token)
    with frozen_at(now() + timedelta(minutes=11)):
        assert client.post(issued.path).status_code == 404
    assert client.post("/compte/lien/invente/").status_code == 404
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert client.post(issued.path).status_code == 404


@pytest.mark.django_db
def test_a_link_is_for_an_account_that_exists_and_not_for_ever() -> None:
    with pytest.raises(api.UnknownPerson):
        api.sign_in_link_create("personne@exemple.fr")
    with pytest.raises(InvalidInput):
        api.sign_in_link_create(make_user().email, ttl=timedelta(days=30))
