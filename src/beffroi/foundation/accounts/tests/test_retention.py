"""What has passed its time is erased by the pulse; what has not stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session

from beffroi.foundation.accounts import api
from beffroi.foundation.accounts.models import Invitation, Membership, SignInLink
from beffroi.foundation.accounts.pulse import purge
from beffroi.foundation.accounts.testing import (
    PASSWORD,
    make_access,
    make_agent,
    make_member,
    make_session,
    make_user,
)
from beffroi.foundation.audit.api import audit_page
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.jobs.api import declared_beats
from beffroi.foundation.territories.models import Territory
from beffroi.kernel.clock import frozen_at, now


@pytest.mark.django_db
def test_old_sessions_and_links_go_and_living_ones_stay(town: Territory) -> None:
    user = make_agent(town)
    make_session(user)
    api.sign_in_link_create(user.email)
    api.first_administrator_invite(town.pk, email="anne@exemple.fr")
    purge(now())
    assert Session.objects.count() == UserSession.objects.count() == 1
    assert SignInLink.objects.count() == 1
    purge(now() + timedelta(days=31))
    assert Session.objects.count() == UserSession.objects.count() == 0
    assert SignInLink.objects.count() == 0
    with acting_for(town.pk):
        # Expired after seven days, erased thirty days later.
        assert Invitation.objects.count() == 1
    purge(now() + timedelta(days=38))
    with acting_for(town.pk):
        assert Invitation.objects.count() == 0
        assert audit_page().entries[0].verb == "people.purged"
        assert audit_page().entries[0].detail == {"invitations": 1}


@pytest.mark.django_db
def test_who_left_a_year_ago_is_erased_and_the_log_keeps_the_name(town: Territory) -> None:
    leaver = make_user("partie@exemple.fr", full_name="Paule Partie", password=PASSWORD)
    member, access = make_member(town, user=leaver), make_access(town)
    with acting_for(town.pk, user_id=access.user_id):
        api.person_deactivate(member.uuid, access=access)
    purge(now() + timedelta(days=364))
    leaver.refresh_from_db()
    assert leaver.full_name == "Paule Partie"
    purge(now() + timedelta(days=366))
    leaver.refresh_from_db()
    assert leaver.full_name == ""
    assert "partie" not in leaver.email
    assert not leaver.has_usable_password()
    assert not api.has_second_factor(leaver.pk)
    with acting_for(town.pk):
        assert not Membership.objects.filter(user=leaver).exists()
        assert any("Paule Partie" in entry.subject_label for entry in audit_page().entries)
    # The address is free again: the person may come back as anybody does.
    assert api.user_find("partie@exemple.fr") is None
    before = leaver.email
    purge(now() + timedelta(days=367))
    leaver.refresh_from_db()
    assert leaver.email == before


@pytest.mark.django_db
def test_an_account_with_a_place_elsewhere_is_not_erased(
    town: Territory, neighbour: Territory
) -> None:
    both = make_user(full_name="Ici et Là")
    here = make_member(town, user=both)
    make_member(neighbour, user=both)
    access = make_access(town)
    with acting_for(town.pk, user_id=access.user_id):
        api.person_deactivate(here.uuid, access=access)
    purge(now() + timedelta(days=800))
    both.refresh_from_db()
    assert both.full_name == "Ici et Là"
    assert both.is_active


@pytest.mark.django_db
def test_an_expired_wish_for_an_address_is_erased() -> None:
    user = make_user()
    api.address_change_ask(user, email="tard@exemple.fr")
    with frozen_at(now() + timedelta(days=8)):
        purge(now())
    assert not hasattr(type(user).objects.get(pk=user.pk), "address_change")


def test_the_pulse_does_it() -> None:
    assert {"accounts.purge", "audit.heads"} <= {beat.key for beat in declared_beats()}
