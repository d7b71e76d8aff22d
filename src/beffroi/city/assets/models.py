from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Func, Q, When

from beffroi.foundation.database.models import TerritoryModel
from beffroi.kernel.clock import now
from beffroi.kernel.identifiers import uuid7


class Asset(TerritoryModel):
    """A thing in the city: lamp, cabinet, bin, meter, car park, sensor station.

    ``quad`` is the position as one integer (the bits of the tile column and row at zoom 24,
    interleaved): every tile and every cell of the map is one range of it. A GiST index on a
    point is of no use here: row-level security forbids the planner to apply an operator that
    is not leak-proof before the policy, and those of ``point`` are not.

    ``urgency`` is the place of ``state`` in a list: 1 alarm, 2 attention, 3 silent, 4 never
    reported, 5 normal. ``absent_from`` names the file that should have named it and did not.
    """

    id = models.BigAutoField(primary_key=True)
    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    type_key = models.CharField(max_length=63)
    domain_key = models.CharField(max_length=63)
    name = models.CharField(max_length=200, blank=True, default="")
    external_key = models.CharField(max_length=200, db_collation="C")
    search_text = models.TextField(blank=True, default="", db_collation="C")
    lon = models.FloatField()
    lat = models.FloatField()
    quad = models.GeneratedField(
        expression=Func(F("lon"), F("lat"), function="assets_quad"),
        output_field=models.BigIntegerField(),
        db_persist=True,
    )
    shape = models.JSONField(null=True, blank=True)
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="children"
    )
    parent_key = models.CharField(max_length=200, blank=True, default="", db_collation="C")
    department = models.ForeignKey(
        "accounts.Department", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    area = models.ForeignKey(
        "territories.Area", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    properties = models.JSONField(default=dict, blank=True)
    origin = models.CharField(max_length=16, blank=True, default="")
    attribution = models.CharField(max_length=300, blank=True, default="")
    state = models.SmallIntegerField(default=0)
    rule_state = models.SmallIntegerField(default=0)
    urgency = models.GeneratedField(
        expression=Case(
            When(state=2, then=1),
            When(state=1, then=2),
            When(state=3, then=3),
            When(state=4, then=4),
            default=5,
        ),
        output_field=models.SmallIntegerField(),
        db_persist=True,
    )
    absent_from = models.CharField(max_length=255, blank=True, default="", db_default="")
    created_at = models.DateTimeField(default=now)
    updated_at = models.DateTimeField(default=now)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "assets_asset"
        constraints = [
            models.UniqueConstraint(
                fields=["territory", "type_key", "external_key"], name="assets_asset_key"
            ),
            models.CheckConstraint(
                condition=Q(lon__range=(-180, 180), lat__range=(-90, 90)),
                name="assets_asset_position",
            ),
            models.CheckConstraint(
                condition=Q(state__range=(0, 4), rule_state__range=(0, 2)),
                name="assets_asset_state",
            ),
        ]
        indexes = [
            models.Index(
                fields=["territory", "quad"],
                condition=Q(removed_at__isnull=True),
                name="assets_asset_place",
            ),
            models.Index(
                fields=["territory", "search_text", "id"],
                condition=Q(removed_at__isnull=True),
                name="assets_asset_search",
            ),
            models.Index(
                fields=["territory", "domain_key", "type_key", "search_text", "id"],
                condition=Q(removed_at__isnull=True),
                name="assets_asset_list",
            ),
            models.Index(
                fields=["territory", "urgency", "search_text", "id"],
                condition=Q(removed_at__isnull=True),
                name="assets_asset_urgency",
            ),
            models.Index(
                fields=["territory", "type_key", "parent_key"],
                condition=Q(parent__isnull=True) & ~Q(parent_key=""),
                name="assets_asset_orphan",
            ),
        ]


class ImportRun(TerritoryModel):
    """One import of a file, or a trial of one: what was found, what was done, what was refused.

    It waits or runs until ``finished_at``; ``failure`` says why it was given up.
    """

    id = models.BigAutoField(primary_key=True)
    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    file_name = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    type_key = models.CharField(max_length=63)
    mapping = models.JSONField(default=dict)
    options = models.JSONField(default=dict)
    findings = models.JSONField(default=list)
    created_count = models.IntegerField(default=0)
    updated_count = models.IntegerField(default=0)
    unchanged_count = models.IntegerField(default=0)
    restored_count = models.IntegerField(default=0)
    refused_count = models.IntegerField(default=0)
    dropped_count = models.IntegerField(default=0)
    doubt_count = models.IntegerField(default=0)
    refusals = models.JSONField(default=list)
    absent_count = models.IntegerField(default=0)
    absent = models.JSONField(default=list)
    failure = models.JSONField(default=dict)
    trial = models.BooleanField(default=False)
    upload_uuid = models.UUIDField(null=True, blank=True)
    seconds = models.FloatField(default=0)
    user_id = models.BigIntegerField(null=True, blank=True)
    started_at = models.DateTimeField(default=now)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "assets_import_run"
        indexes = [models.Index(fields=["territory", "-started_at"], name="assets_run_recent")]


class ImportUpload(TerritoryModel):
    """A file between its upload and the moment its import is confirmed; purged after a day."""

    id = models.BigAutoField(primary_key=True)
    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    file_name = models.CharField(max_length=255)
    type_key = models.CharField(max_length=63)
    content = models.BinaryField()
    size = models.BigIntegerField()
    user_id = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=now)

    class Meta:
        db_table = "assets_import_upload"
        indexes = [models.Index(fields=["territory", "created_at"], name="assets_upload_age")]


class AssetChange(TerritoryModel):
    """One line of an asset's history. Append-only."""

    id = models.BigAutoField(primary_key=True)
    asset = models.ForeignKey(
        Asset, on_delete=models.DO_NOTHING, related_name="history", db_index=False
    )
    at = models.DateTimeField(default=now)
    kind = models.CharField(max_length=16)
    why = models.CharField(max_length=16)
    changes = models.JSONField(default=dict)
    note = models.TextField(blank=True, default="", db_default="")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,  # a person can be erased; the history stays
        db_index=False,
        related_name="+",
    )
    import_run = models.ForeignKey(
        ImportRun, null=True, on_delete=models.DO_NOTHING, related_name="+", db_index=False
    )

    class Meta:
        db_table = "assets_change"
        indexes = [models.Index(fields=["territory", "asset", "-id"], name="assets_change_recent")]


class Device(TerritoryModel):
    """What transmits. ``identifier`` is in its normal form: a DevEUI in lower case.

    Its model lends it codec and mapping; its own ``codec_key``, and each name that its own
    ``mapping`` holds, win. ``model`` is what its network or its file calls it.
    """

    id = models.BigAutoField(primary_key=True)
    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    identifier = models.CharField(max_length=200, db_collation="C")
    source_id = models.BigIntegerField(null=True, blank=True)
    model = models.CharField(max_length=120, blank=True, default="")
    model_ref = models.ForeignKey(
        "codecs.DeviceModel",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        db_index=False,
        related_name="+",
    )
    codec_key = models.CharField(max_length=63, blank=True, default="")
    mapping = models.JSONField(default=dict, blank=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)
    battery_v = models.FloatField(null=True, blank=True)
    battery_pct = models.FloatField(null=True, blank=True)
    radio = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=now)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "assets_device"
        constraints = [
            models.UniqueConstraint(
                fields=["territory", "identifier", "source_id"],
                nulls_distinct=False,
                name="assets_device_identifier",
            )
        ]
        indexes = [
            models.Index(
                fields=["territory", "model_ref"],
                condition=Q(model_ref__isnull=False),
                name="assets_device_model",
            )
        ]


class Attachment(TerritoryModel):
    """A period during which a device speaks for an asset. A device speaks for one at a time."""

    id = models.BigAutoField(primary_key=True)
    device = models.ForeignKey(
        Device, on_delete=models.PROTECT, related_name="attachments", db_index=False
    )
    asset = models.ForeignKey(
        Asset, on_delete=models.PROTECT, related_name="attachments", db_index=False
    )
    attached_from = models.DateTimeField(default=now)
    attached_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "assets_attachment"
        constraints = [
            models.UniqueConstraint(
                fields=["device"],
                condition=Q(attached_until__isnull=True),
                name="assets_attachment_one_asset",
            ),
            models.CheckConstraint(
                condition=Q(attached_until__isnull=True)
                | Q(attached_until__gte=F("attached_from")),
                name="assets_attachment_period",
            ),
        ]
        indexes = [
            models.Index(fields=["territory", "asset"], name="assets_attachment_asset"),
            models.Index(fields=["territory", "device"], name="assets_attachment_device"),
        ]


class AssetCell(TerritoryModel):
    """How many assets lie in one square of the map's grid, per domain and area.

    At zoom z a tile has 16 by 16 squares; ``cell`` is ``quad`` without its last bits, so that
    the squares of a tile are one range and a square holds four of the next zoom.
    """

    id = models.BigAutoField(primary_key=True)
    zoom = models.SmallIntegerField()
    cell = models.BigIntegerField()
    domain_key = models.CharField(max_length=63)
    area_id = models.BigIntegerField(null=True)
    n = models.IntegerField()
    warn = models.IntegerField()
    alarm = models.IntegerField()
    lon = models.FloatField()
    lat = models.FloatField()

    class Meta:
        db_table = "assets_cell"
        constraints = [
            models.UniqueConstraint(
                fields=["territory", "zoom", "cell", "domain_key", "area_id"],
                nulls_distinct=False,
                name="assets_cell_square",
            )
        ]


class AssetVersion(TerritoryModel):
    """Grows with each change of what a territory's map shows; the tiles' ETag comes from it."""

    id = models.BigAutoField(primary_key=True)
    version = models.BigIntegerField(default=1)

    class Meta:
        db_table = "assets_version"
        constraints = [models.UniqueConstraint(fields=["territory"], name="assets_version_one")]
