from __future__ import annotations

from django.db import models

from beffroi.kernel.personal_data import LegalBasis, PersonalData


class AuditRecord(models.Model):
    """One line of the log: never changed nor deleted, each carrying the hash of the one before.

    ``territory`` is null for what concerns the whole installation (a sign-in that failed): such a
    row may be added by anybody and is visible to no territory. ``sequence``, ``previous_hash``
    and ``hash`` are written by the database.
    """

    personal_data = PersonalData(
        fields=("actor_id", "actor_name", "subject_label", "detail", "ip"),
        purpose="Know who did what, to answer for it and to find misuse.",
        legal_basis=LegalBasis.LEGAL_OBLIGATION,
        retention="As long as the installation: nothing removes a line yet.",
    )

    uuid = models.UUIDField(unique=True)
    territory = models.ForeignKey(
        "territories.Territory",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
    )
    sequence = models.BigIntegerField()
    at = models.DateTimeField()
    # No foreign key: the line outlives the account.
    actor_id = models.IntegerField(null=True)
    actor_name = models.CharField(max_length=200)
    verb = models.CharField(max_length=60)
    subject_kind = models.CharField(max_length=40, blank=True)
    subject_uuid = models.UUIDField(null=True)
    subject_label = models.CharField(max_length=300, blank=True)
    detail = models.JSONField(default=dict)
    ip = models.CharField(max_length=50, blank=True)
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["territory", "sequence"], name="audit_sequence_once", nulls_distinct=False
            )
        ]
        indexes = [models.Index(fields=["territory", "at"], name="audit_by_time")]
