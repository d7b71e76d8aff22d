from __future__ import annotations

from django.db import models


class TerritoryModel(models.Model):
    """A row that belongs to one authority.

    The migration that creates the table must also run
    :class:`~beffroi.foundation.database.migrations_ops.TerritoryTable` on it. The column has no
    index of its own: subclasses declare the composite indexes, territory first, that they read by.
    """

    territory = models.ForeignKey(
        "territories.Territory",
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )

    class Meta:
        abstract = True
