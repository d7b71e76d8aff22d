from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from beffroi.foundation.database.models import TerritoryModel
from beffroi.kernel.clock import now
from beffroi.kernel.identifiers import uuid7
from beffroi.kernel.personal_data import LegalBasis, PersonalData


class UserManager(BaseUserManager["User"]):
    """Finds people by their address, in whatever case they write it."""

    def get_by_natural_key(self, username: str | None) -> User:
        """Return the person of an address."""
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser):
    """A person who may sign in: one account for the whole installation.

    What they may do is in their memberships. There is no superuser and no staff flag: whoever
    administers the installation does so with its command line.
    """

    personal_data = PersonalData(
        fields=("email", "full_name", "language", "last_login", "password"),
        purpose="Let agents sign in and know which colleague did what.",
        legal_basis=LegalBasis.PUBLIC_TASK,
        retention="Emptied once the last membership, ended for a year, is erased; the audit log"
        " keeps the name for its own time.",
    )

    id = models.AutoField(primary_key=True)
    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    email = models.EmailField(_("e-mail address"), max_length=254, unique=True)
    full_name = models.CharField(_("first name and family name"), max_length=150)
    language = models.CharField(_("language"), max_length=5, default="fr")
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(default=now)
    """When its password and second factors were last made from nothing, by a link."""

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["full_name"]

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(email=Lower("email")), name="user_email_in_lower_case"
            ),
        ]

    def __str__(self) -> str:
        return self.full_name or self.email

    def save(self, *args: object, **kwargs: object) -> None:
        """Store the address in lower case: it is how it is looked up."""
        self.email = self.email.strip().lower()
        super().save(*args, **kwargs)  # type: ignore[arg-type]  # passed on as they came


class Department(TerritoryModel):
    """A municipal service, such as lighting, roads or parks."""

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=120)
    description = models.CharField(_("description"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("department")
        verbose_name_plural = _("departments")
        constraints = [
            models.UniqueConstraint("territory", Lower("name"), name="department_name_once")
        ]


class Role(TerritoryModel):
    """A named set of rights that a territory gives to its people."""

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=80)
    description = models.CharField(_("description"), max_length=300, blank=True)
    preset = models.CharField(max_length=20, blank=True, editable=False)

    class Meta:
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        constraints = [models.UniqueConstraint("territory", Lower("name"), name="role_name_once")]


class Grant(TerritoryModel):
    """One verb that a role allows, on all urban services and areas or on one."""

    role = models.ForeignKey(Role, on_delete=models.CASCADE, related_name="grants")
    verb = models.CharField(max_length=40)
    domain = models.CharField(max_length=40, blank=True)
    area = models.ForeignKey(
        "territories.Area", on_delete=models.CASCADE, null=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["role", "verb", "domain", "area"],
                name="grant_once",
                nulls_distinct=False,
            )
        ]


class Membership(TerritoryModel):
    """A person's place in a territory."""

    personal_data = PersonalData(
        fields=("user", "department", "roles"),
        purpose="Say who works for the authority, where and with which rights.",
        legal_basis=LegalBasis.PUBLIC_TASK,
        retention="One year after it was ended.",
    )

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    department = models.ForeignKey(
        Department, on_delete=models.SET_NULL, null=True, related_name="memberships"
    )
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(default=now)
    ended_at = models.DateTimeField(null=True)
    roles = models.ManyToManyField(
        Role, through="accounts.MembershipRole", related_name="memberships"
    )

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        constraints = [
            models.UniqueConstraint(fields=["territory", "user"], name="membership_once")
        ]


class MembershipRole(TerritoryModel):
    """A role that a member holds."""

    membership = models.ForeignKey(Membership, on_delete=models.CASCADE)
    role = models.ForeignKey(Role, on_delete=models.PROTECT)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["membership", "role"], name="membership_role_once")
        ]


class Invitation(TerritoryModel):
    """A place offered to an address, or an account to open anew; its link opens once.

    ``renews`` is for a member who has lost password or second factor: using the link makes both
    anew and changes nothing of their place.
    """

    personal_data = PersonalData(
        fields=("email", "invited_by"),
        purpose="Let a new agent create their account.",
        legal_basis=LegalBasis.PUBLIC_TASK,
        retention="Thirty days after it was used or has expired.",
    )

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    email = models.EmailField(max_length=254)
    token_hash = models.CharField(max_length=64, unique=True)
    department = models.ForeignKey(
        Department, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    roles = models.ManyToManyField(Role, through="accounts.InvitationRole", related_name="+")
    invited_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    renews = models.BooleanField(default=False)


class InvitationRole(TerritoryModel):
    """A role that the invited person will hold."""

    invitation = models.ForeignKey(Invitation, on_delete=models.CASCADE)
    role = models.ForeignKey(Role, on_delete=models.CASCADE)


class AddressChange(models.Model):
    """An address that a person wants to sign in with, until a link or a colleague confirms it."""

    personal_data = PersonalData(
        fields=("user", "email"),
        purpose="Change the address of an account without trusting what was typed.",
        legal_basis=LegalBasis.PUBLIC_TASK,
        retention="Seven days at most; removed as soon as it is confirmed or withdrawn.",
    )

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="address_change")
    email = models.EmailField(max_length=254)
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField()


class SignInLink(models.Model):
    """A sign-in made on the server's command line; its link opens once."""

    personal_data = PersonalData(
        fields=("user",),
        purpose="Let whoever holds the server give a person, or themselves, a first session.",
        legal_basis=LegalBasis.PUBLIC_TASK,
        retention="Thirty days after it was used or has expired.",
    )

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
