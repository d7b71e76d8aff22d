from __future__ import annotations

import csv
import io
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError
from django.test import Client
from psycopg import sql

from beffroi.foundation.accounts import api
from beffroi.foundation.accounts.models import (
    Department,
    Grant,
    Invitation,
    InvitationRole,
    Membership,
    MembershipRole,
    Role,
    User,
)
from beffroi.foundation.accounts.testing import (
    agent_client,
    make_access,
    make_agent,
    make_member,
    make_user,
    sign_in,
)
from beffroi.foundation.audit.api import audit_page, audit_verify
from beffroi.foundation.audit.models import AuditRecord
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.database.testing import TestDatabase
from beffroi.foundation.territories.models import Area, Territory
from beffroi.foundation.territories.testing import make_area, make_territory
from beffroi.kernel.errors import InvalidInput

TABLES = (
    Area,
    AuditRecord,
    Department,
    Grant,
    Invitation,
    InvitationRole,
    Membership,
    MembershipRole,
    Role,
)
CANARY = "Canari"


def _fill(town: Territory) -> None:
    """Put a row that says its town in every table of these rooms."""
    access = make_access(town, user=make_user(full_name=f"{CANARY} {town.slug}"))
    make_area(town, name=f"{CANARY} {town.slug}")
    with acting_for(town.pk, user_id=access.user_id):
        department = api.department_save(
            None, access=access, name=f"{CANARY} {town.slug}", description=""
        )
        role = api.role_save(None, access=access, name=f"{CANARY} {town.slug}", description="")
        api.person_invite(
            f"canari@{town.slug}.fr",
            access=access,
            role_uuids=[role.uuid],
            department_uuid=department.uuid,
        )


def _counts() -> list[int]:
    return [model._default_manager.count() for model in TABLES]


@pytest.mark.django_db
def test_nothing_of_one_town_is_visible_from_the_other(
    town: Territory, neighbour: Territory
) -> None:
    _fill(town)
    with acting_for(neighbour.pk):
        assert _counts() == [0] * len(TABLES)
    assert _counts() == [0] * len(TABLES)  # no territory set: no rows
    with acting_for(town.pk):
        assert all(count > 0 for count in _counts())


@pytest.mark.django_db
def test_no_page_of_one_town_says_a_word_of_the_other(
    town: Territory, neighbour: Territory
) -> None:
    _fill(neighbour)
    client = agent_client(town)
    for path in (
        "personnes/?etat=all",
        "roles/",
        "services/",
        "journal/",
        "journal.csv",
        "reglages/",
    ):
        response: Any = client.get(f"/t/montpellier/{path}")
        assert response.status_code == 200, path
        streamed = getattr(response, "streaming_content", None)
        content = b"".join(streamed) if streamed else response.content
        assert CANARY.encode() not in content, path
        assert b"canari@" not in content, path


@pytest.mark.django_db
def test_identifiers_of_the_neighbour_open_nothing(town: Territory, neighbour: Territory) -> None:
    theirs = make_member(neighbour)
    with acting_for(neighbour.pk):
        role = Role.objects.get()
    client = agent_client(town)
    for path in (
        f"personnes/{theirs.uuid}/",
        f"personnes/{theirs.uuid}/fermer/",
        f"roles/{role.uuid}/",
        f"roles/{role.uuid}/droits/",
        f"roles/{role.uuid}/supprimer/",
    ):
        assert client.post(f"/t/montpellier/{path}", {"name": "x"}).status_code == 404, path
    with acting_for(neighbour.pk):
        assert Membership.objects.get(pk=theirs.pk).is_active


@pytest.mark.django_db
def test_a_row_cannot_be_moved_to_the_neighbour(town: Territory, neighbour: Territory) -> None:
    make_member(town)
    with (
        acting_for(town.pk),
        pytest.raises(ProgrammingError, match="row-level security"),
        transaction.atomic(),
    ):
        Role.objects.update(territory=neighbour)


@pytest.mark.django_db
def test_a_person_sees_their_own_memberships_and_no_other(
    town: Territory, neighbour: Territory
) -> None:
    user = make_agent(town)
    make_agent(neighbour, user=user)
    make_agent(town)
    with acting_for(None, user_id=user.pk):
        assert Membership.objects.count() == 2
        assert Membership.objects.update(is_active=False) == 0  # to be read, not to be changed
        assert Role.objects.count() == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("table", [model._meta.db_table for model in TABLES])
def test_with_the_policy_dropped_the_leak_is_found(test_database: TestDatabase, table: str) -> None:
    """Negative control: the test above does see rows when nothing holds them back."""
    town, neighbour = make_territory("montpellier"), make_territory("grenoble")
    _fill(town)
    name = sql.Identifier(table)
    off = sql.SQL("ALTER TABLE {} DISABLE ROW LEVEL SECURITY").format(name)
    on = sql.SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY").format(name)
    with psycopg.connect(test_database.administrator, autocommit=True) as admin:
        admin.execute(off)
        try:
            with acting_for(neighbour.pk):
                assert sum(_counts()) > 0
        finally:
            admin.execute(on)
    with acting_for(neighbour.pk):
        assert sum(_counts()) == 0


@pytest.mark.django_db
def test_the_list_of_people_costs_the_same_for_many(
    town: Territory, django_assert_max_num_queries: Any, django_assert_num_queries: Any
) -> None:
    client = agent_client(town)
    for _number in range(3):
        make_member(town)
    with django_assert_max_num_queries(40) as few:
        client.get("/t/montpellier/personnes/")
    for _number in range(12):
        make_member(town)
    with django_assert_num_queries(len(few)):
        client.get("/t/montpellier/personnes/")
    # Nine to open the page; roles, departments, how many, rows, their roles, invitations,
    # addresses to confirm.
    assert len(few) == 16


@pytest.mark.django_db
def test_people_are_searched_sorted_and_cut(town: Territory) -> None:
    client = agent_client(town)
    make_agent(town, user=make_user("zoe@exemple.fr", full_name="Zoé Alazard"))
    closed = make_member(town, user=make_user(full_name="Yves Fermé"))
    with acting_for(town.pk):
        Membership.objects.filter(pk=closed.pk).update(is_active=False)

    def names(query: str) -> list[str]:
        page = client.get(f"/t/montpellier/personnes/?{query}")
        return [person.full_name for person in page.context["people"]]

    assert names("q=zo%C3%A9") == ["Zoé Alazard"]
    assert names("q=exemple.fr&tri=-nom")[0] == "Zoé Alazard"
    assert names("etat=inactive") == ["Yves Fermé"]
    assert len(names("etat=all")) == 3
    assert names("q=' OR 1=1 --") == []
    assert len(names("tri=password&page=99&role=x")) == 2


@pytest.mark.django_db
def test_a_person_gets_another_place(town: Territory) -> None:
    client = agent_client(town)
    member = make_member(town, verbs=["assets.see"])
    with acting_for(town.pk):
        api.presets_create(town.pk)
        operator = Role.objects.get(preset="operator")
        lighting = Department.objects.create(territory=town, name="Éclairage")
    answer = {"roles": [str(operator.uuid)], "department": str(lighting.uuid)}
    response = client.post(f"/t/montpellier/personnes/{member.uuid}/", answer)
    assert response.status_code == 302
    page = client.get("/t/montpellier/personnes/").content.decode()
    assert "Éclairage" in page
    assert operator.name in page
    with acting_for(town.pk):
        assert audit_page().entries[0].verb == "people.changed"


@pytest.mark.django_db
def test_closing_an_access_ends_the_sessions_at_once(town: Territory, client: Client) -> None:
    member = make_member(town)
    sign_in(client, member.user)
    assert client.get("/t/montpellier/ville/").status_code == 200
    administrator = agent_client(town)
    administrator.post(f"/t/montpellier/personnes/{member.uuid}/fermer/")
    assert client.get("/t/montpellier/ville/").status_code == 302
    assert not User.objects.get(pk=member.user_id).is_active
    administrator.post(f"/t/montpellier/personnes/{member.uuid}/rouvrir/")
    assert User.objects.get(pk=member.user_id).is_active


@pytest.mark.django_db
def test_who_works_elsewhere_too_keeps_the_account(town: Territory, neighbour: Territory) -> None:
    member = make_member(town)
    make_member(neighbour, user=member.user)
    agent_client(town).post(f"/t/montpellier/personnes/{member.uuid}/fermer/")
    assert User.objects.get(pk=member.user_id).is_active
    assert [one.slug for one in api.memberships_of(member.user_id)] == ["grenoble"]


@pytest.mark.django_db
def test_the_last_administrator_stays(town: Territory, client: Client) -> None:
    member = make_member(town)
    sign_in(client, member.user)
    client.post(f"/t/montpellier/personnes/{member.uuid}/fermer/")
    client.post(f"/t/montpellier/personnes/{member.uuid}/", {"roles": [], "department": ""})
    with acting_for(town.pk):
        role = Role.objects.get()
    client.post(f"/t/montpellier/roles/{role.uuid}/droits/", {"droit": ["assets.see|"]})
    assert client.get("/t/montpellier/personnes/").status_code == 200
    with acting_for(town.pk):
        assert Grant.objects.filter(role=role, verb="people.manage").exists()
        assert audit_page().entries == ()  # refused: nothing done, nothing written


@pytest.mark.django_db
def test_the_table_of_a_role_is_stored_by_area(town: Territory) -> None:
    client = agent_client(town)
    area = make_area(town, name="Antigone")
    with acting_for(town.pk):
        api.presets_create(town.pk)
        role = Role.objects.get(preset="technician")
    url = f"/t/montpellier/roles/{role.uuid}/"
    assert client.get(url).status_code == 200
    answer = {
        "secteur": str(area.uuid),
        "droit": ["assets.edit|waste", "people.manage|", "people.manage|waste"],
    }
    client.post(f"{url}droits/", answer)
    with acting_for(town.pk):
        grants = api.grants_of([role.pk])
    # What cannot be limited is not given by a limited table.
    assert {grant for grant in grants if grant[2]} == {("assets.edit", "waste", area.pk)}
    assert ("assets.see", None, None) in grants
    page = client.get(f"{url}?secteur={area.uuid}").content.decode()
    assert "Antigone" in page
    assert client.post(f"{url}droits/", {"droit": ["assets.paint|"]}).status_code == 302


@pytest.mark.django_db
def test_rights_beyond_ones_own_are_not_given_by_the_table(town: Territory) -> None:
    make_member(town)
    client = agent_client(town, verbs=["people.see", "people.manage"])
    with acting_for(town.pk):
        api.presets_create(town.pk)
        role = Role.objects.get(preset="reader")
    client.post(f"/t/montpellier/roles/{role.uuid}/droits/", {"droit": ["territory.manage|"]})
    with acting_for(town.pk):
        assert not Grant.objects.filter(role=role, verb="territory.manage").exists()


@pytest.mark.django_db
def test_roles_and_departments_are_made_renamed_and_removed(town: Territory) -> None:
    client = agent_client(town)
    base = "/t/montpellier"
    client.post(f"{base}/roles/nouveau/", {"name": "Astreinte", "description": "La nuit"})
    client.post(f"{base}/services/nouveau/", {"name": "Voirie", "description": ""})
    twice = client.post(f"{base}/services/nouveau/", {"name": "VOIRIE", "description": ""})
    assert "name" in twice.context["form"].errors
    with acting_for(town.pk):
        role, department = Role.objects.get(name="Astreinte"), Department.objects.get()
    client.post(f"{base}/roles/{role.uuid}/", {"name": "Nuit", "description": ""})
    client.post(f"{base}/services/{department.uuid}/", {"name": "Routes", "description": ""})
    assert "Nuit" in client.get(f"{base}/roles/").content.decode()
    assert "Routes" in client.get(f"{base}/services/").content.decode()
    client.post(f"{base}/roles/{role.uuid}/supprimer/")
    client.post(f"{base}/services/{department.uuid}/supprimer/")
    with acting_for(town.pk):
        assert not Role.objects.filter(pk=role.pk).exists()
        assert not Department.objects.exists()
        assert len(audit_page().entries) == 6
        assert audit_verify(town.pk).is_intact


@pytest.mark.django_db
def test_a_role_that_somebody_holds_is_not_removed(town: Territory) -> None:
    client = agent_client(town)
    with acting_for(town.pk):
        role = Role.objects.get()
    client.post(f"/t/montpellier/roles/{role.uuid}/supprimer/")
    with acting_for(town.pk):
        assert Role.objects.filter(pk=role.pk).exists()


@pytest.mark.django_db
def test_a_pale_colour_is_refused_and_a_shade_proposed(town: Territory) -> None:
    client = agent_client(town)
    answer = {"name": "Montpellier", "primary_color": "#ffd400", "secondary_color": "#96501a"}
    page = client.post("/t/montpellier/reglages/", answer)
    assert page.status_code == 200
    (error,) = page.context["form"].errors["primary_color"]
    assert "#" in error
    answer["primary_color"] = error.split("#")[-1][:6].join(["#", ""])
    assert client.post("/t/montpellier/reglages/", answer).status_code == 302


@pytest.mark.django_db
def test_the_journal_is_read_filtered_paged_and_exported(town: Territory) -> None:
    client = agent_client(town)
    access = make_access(town, user=make_user(full_name="=cmd|calc"))
    with acting_for(town.pk, user_id=access.user_id):
        for number in range(60):
            api.department_save(None, access=access, name=f"Service {number}", description="")
    first = client.get("/t/montpellier/journal/")
    assert len(first.context["rows"]) == 50
    older = client.get(f"/t/montpellier/journal/?{first.context['older']}")
    assert len(older.context["rows"]) == 10
    assert older.context["older"] == ""
    assert client.get("/t/montpellier/journal/?personne=inconnue").context["rows"] == []
    assert client.get("/t/montpellier/journal/?du=pas+une+date&avant=x").status_code == 200
    checked = client.get("/t/montpellier/journal/?verifier=1").content.decode()
    assert "entière" in checked
    response: Any = client.get("/t/montpellier/journal.csv?action=departments.created")
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 60
    assert rows[0]["person"] == "'=cmd|calc"  # a spreadsheet must not run a name
    assert client.get("/t/montpellier/journal/").context["rows"][0][0].verb == "audit.exported"


@pytest.mark.django_db
def test_one_town_opens_at_once_and_several_are_offered(
    town: Territory, neighbour: Territory, client: Client
) -> None:
    user = make_agent(town)
    sign_in(client, user)
    assert client.get("/")["Location"] == "/t/montpellier/ville/"
    make_agent(neighbour, user=user)
    page = client.get("/").content.decode()
    assert "/t/montpellier/ville/" in page
    assert "/t/grenoble/ville/" in page
    alone = Client()
    sign_in(alone, make_user())
    assert alone.get("/").status_code == 200


@pytest.mark.django_db
def test_the_account_speaks_the_language_of_the_person(client: Client) -> None:
    user = make_user()
    sign_in(client, user)
    assert "Mon compte" in client.get("/compte/").content.decode()
    client.post("/compte/", {"full_name": "  Anne   Bordes ", "language": "en"})
    user.refresh_from_db()
    assert (user.full_name, user.language) == ("Anne Bordes", "en")
    assert "My account" in client.get("/compte/").content.decode()


@pytest.mark.django_db
def test_the_application_removes_no_account() -> None:
    user = make_user()
    with (
        pytest.raises(ProgrammingError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("DELETE FROM accounts_user WHERE id = %s", [user.pk])


@pytest.mark.django_db
def test_a_member_is_added_from_the_command_line_once(town: Territory) -> None:
    wanted = {"email": "demo@exemple.fr", "full_name": "Démo", "preset": "operator"}
    assert api.member_add(town.pk, **wanted)
    assert not api.member_add(town.pk, **wanted)
    user = User.objects.get(email="demo@exemple.fr")
    assert not user.has_usable_password()
    with acting_for(town.pk):
        assert [role.preset for role in Membership.objects.get().roles.all()] == ["operator"]
    with pytest.raises(InvalidInput):
        api.member_add(town.pk, **{**wanted, "preset": "roi"})
