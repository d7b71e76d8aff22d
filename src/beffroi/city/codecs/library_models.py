"""The installation's library: codecs imported from published repositories, for every town."""

from __future__ import annotations

from django.db import models

from beffroi.kernel.clock import now
from beffroi.kernel.identifiers import uuid7


class LibraryCodec(models.Model):
    """A codec of a published repository; belongs to no territory.

    ``key`` is ``<repository>/<vendor>/<codec>``, as ``lorawan-devices/elsys/elsys``; ``functions``
    are the contract's functions that it has; ``f_ports`` are those its examples use; ``examples``
    is a list of ``{name, function, input, expected}``, the input with its octets as hexadecimal;
    ``passed`` and ``failed`` count them.
    """

    id = models.BigAutoField(primary_key=True)
    uuid = models.UUIDField(default=uuid7, editable=False, unique=True)
    key = models.CharField(max_length=250, unique=True, db_collation="C")
    repository = models.CharField(max_length=80, db_collation="C")
    vendor = models.CharField(max_length=120)
    name = models.CharField(max_length=200)
    source = models.TextField()
    sha256 = models.CharField(max_length=64, db_collation="C")
    dialect = models.CharField(max_length=16, blank=True, default="")
    functions = models.JSONField(default=list, blank=True)
    f_ports = models.JSONField(default=list, blank=True)
    licence = models.CharField(max_length=80, blank=True, default="")
    origin = models.CharField(max_length=400, blank=True, default="")
    examples = models.JSONField(default=list, blank=True)
    passed = models.IntegerField(default=0)
    failed = models.IntegerField(default=0)
    imported_at = models.DateTimeField(default=now)

    class Meta:
        db_table = "codecs_library_codec"


class LibraryModel(models.Model):
    """A device that a published repository describes, and the codec that it names."""

    id = models.BigAutoField(primary_key=True)
    uuid = models.UUIDField(default=uuid7, editable=False, unique=True)
    key = models.CharField(max_length=250, unique=True, db_collation="C")
    vendor = models.CharField(max_length=120)
    name = models.CharField(max_length=200)
    description = models.CharField(max_length=400, blank=True, default="")
    codec = models.ForeignKey(LibraryCodec, on_delete=models.CASCADE, related_name="models")

    class Meta:
        db_table = "codecs_library_model"
        indexes = [models.Index(fields=["vendor", "name"], name="codecs_library_model_name")]
