"""Addresses of this room within a territory."""

from __future__ import annotations

from django.urls import path

from beffroi.foundation.accounts.web import departments, journal, people, roles, town_settings

app_name = "accounts"

urlpatterns = [
    path("personnes/", people.people_list, name="people"),
    path("personnes/inviter/", people.invite, name="invite"),
    path(
        "personnes/invitations/<uuid:invitation>/retirer/",
        people.withdraw,
        name="invitation_withdraw",
    ),
    path("personnes/<uuid:person>/", people.person, name="person"),
    path("personnes/<uuid:person>/renouveler/", people.renew, name="person_renew"),
    path("personnes/adresses/<uuid:person>/", people.address_change, name="address_change"),
    path("personnes/<uuid:person>/fermer/", people.deactivate, name="person_deactivate"),
    path("personnes/<uuid:person>/rouvrir/", people.reactivate, name="person_reactivate"),
    path("roles/", roles.role_list, name="roles"),
    path("roles/nouveau/", roles.role_new, name="role_new"),
    path("roles/<uuid:role>/", roles.role_page, name="role"),
    path("roles/<uuid:role>/droits/", roles.role_grants, name="role_grants"),
    path("roles/<uuid:role>/supprimer/", roles.role_delete, name="role_remove"),
    path("services/", departments.department_list, name="departments"),
    path("services/nouveau/", departments.department_new, name="department_new"),
    path("services/<uuid:department>/", departments.department_page, name="department"),
    path(
        "services/<uuid:department>/supprimer/",
        departments.department_delete,
        name="department_remove",
    ),
    path("journal/", journal.journal, name="journal"),
    path("journal.csv", journal.journal_csv, name="journal_csv"),
    path("journal/connexions/", journal.journal, {"own_accounts": True}, name="journal_accounts"),
    path(
        "journal/connexions.csv",
        journal.journal_csv,
        {"own_accounts": True},
        name="journal_accounts_csv",
    ),
    path("reglages/", town_settings.town_settings, name="settings"),
]
