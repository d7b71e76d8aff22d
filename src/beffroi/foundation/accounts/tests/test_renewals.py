"""Forgotten factors, changed addresses, closed accounts: what helps a person helps no thief."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core import mail
from django.test import Client

from beffroi.foundation.accounts import api
from beffroi.foundation.accounts.models import AddressChange, Invitation, Membership, User
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
from beffroi.foundation.audit.api import AuditFilter, audit_page
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.models import Territory
from beffroi.kernel.clock import frozen_at, now
from beffroi.kernel.errors import BeffroiError, Conflict, InvalidInput

NEW = "sept-girouettes-sur-un-pont"
ANSWER = {"full_name": "Ana Perdue", "password": NEW, "again": NEW}


def _verbs(town: Territory) -> list[str]:
    with acting_for(town.pk):
        return [entry.verb for entry in audit_page().entries]


@pytest.mark.django_db
def test_an_administrator_opens_an_account_anew(town: Territory) -> None:
    lost = make_user("ana@exemple.fr", full_name="Ana Perdue", password=PASSWORD)
    member = make_member(town, user=lost, verbs=("assets.see",))
    former = make_session(lost)
    client = agent_client(town)
    page = client.post(f"/t/montpellier/personnes/{member.uuid}/renouveler/")
    found = re.search(r"/compte/invitation/([^/\s<\"]+)/", page.content.decode())
    assert found is not None
    # Making the link changes nothing: the person may find the telephone again.
    assert Authenticator.objects.filter(user=lost).exists()
    theirs = Client()
    shown = theirs.get(found.group()).content.decode()
    assert "ana@exemple.fr" in shown
    answer = theirs.post(found.group(), ANSWER)
    assert answer.status_code == 302
    assert "/compte/second-facteur/choisir/" in answer["Location"]
    lost.refresh_from_db()
    assert lost.check_password(NEW)
    assert not Authenticator.objects.filter(user=lost).exists()
    assert theirs.get("/t/montpellier/ville/").status_code == 302  # a factor comes first
    assert api.user_find("ana@exemple.fr") == lost
    with acting_for(town.pk):
        assert Membership.objects.get(user=lost).uuid == member.uuid
    assert Client().get(found.group()).status_code == 404  # once
    assert former not in {one.session_key for one in api.sessions_of(lost)}
    assert {"people.renewal_made", "people.renewed"} <= set(_verbs(town))


@pytest.mark.django_db
def test_a_link_is_made_only_for_who_holds_no_more_and_works_nowhere_else(
    town: Territory, neighbour: Territory
) -> None:
    some = make_access(town, verbs=("people.see", "people.manage"))
    strong = make_member(town)
    everywhere = make_user()
    here = make_member(town, user=everywhere, verbs=("people.see",))
    make_member(neighbour, user=everywhere)
    with acting_for(town.pk, user_id=some.user_id):
        own = Membership.objects.get(user_id=some.user_id)
        for member, code in (
            (strong, "roles.beyond_own_rights"),
            (here, "people.beyond_territory"),
            (own, "conflict"),
        ):
            with pytest.raises(BeffroiError) as caught:
                api.renewal_issue(member.uuid, access=some)
            assert caught.value.code == code
        assert not Invitation.objects.exists()


@pytest.mark.django_db
def test_the_link_asks_for_the_administrator_s_password_first(town: Territory) -> None:
    member = make_member(town, verbs=("assets.see",))
    client = Client()
    sign_in(client, make_agent(town))
    session = client.session
    records = session["account_authentication_methods"]
    session["account_authentication_methods"] = [
        {**record, "at": record["at"] - 3600} for record in records
    ]
    session.save()
    answer = client.post(f"/t/montpellier/personnes/{member.uuid}/renouveler/")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/compte/confirmer/")
    with acting_for(town.pk):
        assert not Invitation.objects.exists()


@pytest.mark.django_db
def test_the_server_makes_the_link_for_the_only_administrator(town: Territory) -> None:
    alone = make_user("seule@exemple.fr", password=PASSWORD)
    make_member(town, user=alone)
    issued = api.renewal_issue_from_server("Seule@exemple.fr")
    assert api.invitation_accept(issued.token, full_name="Seule", password=NEW) == alone
    with pytest.raises(api.UnknownPerson):
        api.renewal_issue_from_server("personne@exemple.fr")


@pytest.mark.django_db
def test_closing_an_access_closes_the_links_that_the_person_made(town: Territory) -> None:
    leaver = make_access(town)
    other = make_access(town)
    with acting_for(town.pk, user_id=leaver.user_id):
        kept = api.person_invite("plus-tard@exemple.fr", access=leaver, role_uuids=[])
        leaving = Membership.objects.get(user_id=leaver.user_id)
    with acting_for(town.pk, user_id=other.user_id):
        api.person_deactivate(leaving.uuid, access=other)
    assert Client().get(kept.path).status_code == 404


@pytest.mark.django_db
def test_an_account_taken_over_elsewhere_is_not_given_its_place_back(
    town: Territory, neighbour: Territory
) -> None:
    """An administrator of one town invites a closed account, and uses the link themselves."""
    victim = make_user("victime@exemple.fr", password=PASSWORD)
    member = make_member(town, user=victim)
    here, there = make_access(town), make_access(neighbour)
    with acting_for(town.pk, user_id=here.user_id):
        api.person_deactivate(member.uuid, access=here)
    with acting_for(neighbour.pk, user_id=there.user_id):
        issued = api.person_invite("victime@exemple.fr", access=there, role_uuids=[])
    api.invitation_accept(issued.token, full_name="Intrus", password=NEW)
    with acting_for(town.pk, user_id=here.user_id), pytest.raises(Conflict):
        api.person_reactivate(member.uuid, access=here)


@pytest.mark.django_db
def test_an_account_closed_from_the_server_is_closed_in_every_town(
    town: Territory, neighbour: Territory
) -> None:
    person = make_user("partie@exemple.fr")
    make_member(town, user=person)
    make_member(neighbour, user=person)
    api.account_deactivate(person)
    for place in (town, neighbour):
        with acting_for(place.pk):
            assert not Membership.objects.filter(user=person, is_active=True).exists()
        assert "people.deactivated" in _verbs(place)
    # An administrator whose place is open cannot be used to open the account of all places.
    access = make_access(town)
    with acting_for(town.pk, user_id=access.user_id):
        active = Membership.objects.get(user_id=access.user_id)
        with pytest.raises(Conflict):
            api.person_reactivate(active.uuid, access=access)


@pytest.mark.django_db
def test_adding_a_closed_account_opens_it_without_its_former_secrets(town: Territory) -> None:
    person = make_user("retour@exemple.fr", password=PASSWORD)
    make_member(town, user=person)
    api.account_deactivate(person)
    assert api.member_add(town.pk, email=person.email, full_name="De Retour", preset="reader")
    person.refresh_from_db()
    assert person.is_active
    assert not person.has_usable_password()
    assert not api.has_second_factor(person.pk)


@pytest.mark.django_db
def test_a_person_changes_their_address_by_the_link_sent_to_the_new_one(
    town: Territory, django_capture_on_commit_callbacks: Any
) -> None:
    user = make_user("avant@exemple.fr", password=PASSWORD)
    EmailAddress.objects.get(user=user)
    make_agent(town, user=user)
    client = Client()
    sign_in(client, user)
    with django_capture_on_commit_callbacks(execute=True):
        client.post("/compte/adresse/", {"email": "Apres@Exemple.fr"})
    assert [message.to for message in mail.outbox] == [["apres@exemple.fr"]]
    found = re.search(
        r"http://localhost:8000(/compte/adresse/confirmer/\S+)", str(mail.outbox[0].body)
    )
    assert found is not None
    assert "apres@exemple.fr" in client.get("/compte/").content.decode()
    user.refresh_from_db()
    assert user.email == "avant@exemple.fr"  # not before it is confirmed
    visitor = Client()
    assert visitor.get(found[1]).status_code == 200
    visitor.post(found[1])
    user.refresh_from_db()
    assert user.email == "apres@exemple.fr"
    assert list(EmailAddress.objects.filter(user=user).values_list("email", "verified")) == [
        ("apres@exemple.fr", True)
    ]
    # Whoever reads the former mailbox is told.
    assert [message.to for message in mail.outbox] == [["apres@exemple.fr"], ["avant@exemple.fr"]]
    assert visitor.post(found[1]).status_code == 404
    with acting_for(town.pk):
        verbs = [e.verb for e in audit_page(AuditFilter(own_accounts=True)).entries]
    assert verbs[:2] == ["account.address_changed", "account.address_asked"]


@pytest.mark.django_db
def test_where_no_mail_leaves_a_colleague_confirms(
    town: Territory, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.EMAIL_BACKEND = "beffroi.site.email.NoRelay"
    user = make_user("avant@exemple.fr", password=PASSWORD)
    make_agent(town, user=user)
    theirs, colleague = Client(), agent_client(town)
    sign_in(theirs, user)
    with django_capture_on_commit_callbacks(execute=True):
        theirs.post("/compte/adresse/", {"email": "apres@exemple.fr"})
    path = f"/t/montpellier/personnes/adresses/{user.uuid}/"
    assert "apres@exemple.fr" in colleague.get("/t/montpellier/personnes/").content.decode()
    assert theirs.post(path).status_code == 404  # not one's own
    colleague.post(path)
    user.refresh_from_db()
    assert user.email == "apres@exemple.fr"


@pytest.mark.django_db
def test_a_neighbour_confirms_nobody_s_address(town: Territory, neighbour: Territory) -> None:
    user = make_agent(town)
    api.address_change_ask(user, email="apres@exemple.fr")
    client = agent_client(neighbour)
    assert "apres@" not in client.get("/t/grenoble/personnes/").content.decode()
    assert client.post(f"/t/grenoble/personnes/adresses/{user.uuid}/").status_code == 404
    assert AddressChange.objects.filter(user=user).exists()


@pytest.mark.django_db
def test_an_address_that_serves_is_refused_before_and_at_the_last_moment() -> None:
    user = make_user()
    with pytest.raises(api.AddressTaken):
        api.address_change_ask(user, email=make_user().email)
    for wrong in ("pas une adresse", user.email):
        with pytest.raises(InvalidInput):
            api.address_change_ask(user, email=wrong)
    asked = api.address_change_ask(user, email="libre@exemple.fr")
    make_user("libre@exemple.fr")
    with pytest.raises(api.AddressTaken):
        api.address_change_confirm(asked.token)


@pytest.mark.django_db
def test_a_change_of_address_expires() -> None:
    user = make_user()
    asked = api.address_change_ask(user, email="tard@exemple.fr")
    with frozen_at(now() + timedelta(days=7, seconds=1)):
        with pytest.raises(api.AddressChangeInvalid):
            api.address_change_confirm(asked.token)
        assert api.address_change_of(user) is None
    assert User.objects.get(pk=user.pk).email == user.email
