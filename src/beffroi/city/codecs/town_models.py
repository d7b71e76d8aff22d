"""What a town has of its own: scripts, device models, and the trouble that scripts made."""

from __future__ import annotations

from django.db import models

from beffroi.foundation.database.models import TerritoryModel
from beffroi.kernel.clock import now
from beffroi.kernel.identifiers import uuid7


class Script(TerritoryModel):
    """A decoder that the town wrote or was given: the version that is used now.

    ``examples`` is a list of ``{name, input: {bytes, fPort}, expected}``; ``passed`` tells how
    many of them gave what they should when the version was saved.
    """

    id = models.BigAutoField(primary_key=True)
    uuid = models.UUIDField(default=uuid7, editable=False)
    key = models.CharField(max_length=63, db_collation="C")
    name = models.CharField(max_length=120)
    version = models.IntegerField(default=1)
    source = models.TextField()
    sha256 = models.CharField(max_length=64, db_collation="C")
    examples = models.JSONField(default=list, blank=True)
    passed = models.IntegerField(default=0)
    created_at = models.DateTimeField(default=now)
    updated_at = models.DateTimeField(default=now)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "codecs_script"
        constraints = [
            models.UniqueConstraint(fields=["territory", "uuid"], name="codecs_script_uuid"),
            models.UniqueConstraint(fields=["territory", "key"], name="codecs_script_key"),
        ]


class ScriptVersion(TerritoryModel):
    """What a script was at one time, who saved it and when. Append-only."""

    id = models.BigAutoField(primary_key=True)
    script = models.ForeignKey(
        Script, on_delete=models.DO_NOTHING, related_name="versions", db_index=False
    )
    version = models.IntegerField()
    source = models.TextField()
    sha256 = models.CharField(max_length=64, db_collation="C")
    examples = models.JSONField(default=list, blank=True)
    passed = models.IntegerField(default=0)
    at = models.DateTimeField(default=now)
    user_id = models.BigIntegerField(null=True, blank=True)

    class Meta:
        db_table = "codecs_script_version"
        constraints = [
            models.UniqueConstraint(
                fields=["territory", "script", "version"], name="codecs_version_once"
            )
        ]


class DeviceModel(TerritoryModel):
    """A kind of device: its codec, and what each decoded field is a measure of.

    ``codec_key`` is a reference of :mod:`beffroi.city.codecs.references`; ``mapping`` is read by
    :func:`beffroi.city.codecs.mapping.rules_of`; ``library_model`` names what it was made from;
    ``fields_seen`` keeps the last value of each path, for when the messages are gone.
    """

    id = models.BigAutoField(primary_key=True)
    uuid = models.UUIDField(default=uuid7, editable=False)
    vendor = models.CharField(max_length=120, blank=True, default="")
    name = models.CharField(max_length=120)
    codec_key = models.CharField(max_length=63, blank=True, default="", db_collation="C")
    mapping = models.JSONField(default=dict, blank=True)
    fields_seen = models.JSONField(default=dict, blank=True)
    library_model = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(default=now)
    updated_at = models.DateTimeField(default=now)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "codecs_model"
        constraints = [
            models.UniqueConstraint(fields=["territory", "uuid"], name="codecs_model_uuid"),
            models.UniqueConstraint(
                fields=["territory", "vendor", "name"],
                condition=models.Q(removed_at__isnull=True),
                name="codecs_model_name",
            ),
        ]


class CodecTrouble(TerritoryModel):
    """What a script did wrong of late, and until when it is left aside for it.

    ``error`` holds the English sentence and its fields. A new version of a script starts anew:
    ``sha256`` is that of the text which the trouble is about.
    """

    id = models.BigAutoField(primary_key=True)
    codec_key = models.CharField(max_length=63, db_collation="C")
    sha256 = models.CharField(max_length=64, db_collation="C")
    faults = models.BigIntegerField(default=0)
    holds = models.IntegerField(default=0)
    code = models.CharField(max_length=64)
    error = models.JSONField(default=dict)
    last_at = models.DateTimeField(default=now)
    held_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "codecs_trouble"
        constraints = [
            models.UniqueConstraint(fields=["territory", "codec_key"], name="codecs_trouble_once")
        ]
