"""Deliveries are kept for a declared time: to be looked at, and to be sent again."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from beffroi.foundation.messaging.contracts import (
    DELIVERED_KEPT,
    FAILED_KEPT,
    DeliveryState,
)
from beffroi.foundation.messaging.models import Delivery, Webhook

CHUNK = 5_000


@transaction.atomic
def deliveries_purge(*, at: datetime) -> int:
    """Remove old deliveries of the current territory, at most five thousand; return how many.

    Delivered ones go after three days; others, waiting for a webhook that sleeps included, after
    thirty. A secret that signs no more goes too.
    """
    delivered = Delivery.objects.filter(
        state=DeliveryState.DELIVERED.value, created_at__lt=at - DELIVERED_KEPT
    )
    others = Delivery.objects.exclude(state=DeliveryState.DELIVERED.value).filter(
        created_at__lt=at - FAILED_KEPT
    )
    ids = list(delivered.values_list("id", flat=True)[:CHUNK])
    ids += list(others.values_list("id", flat=True)[: CHUNK - len(ids)])
    removed, _by_model = Delivery.objects.filter(id__in=ids).delete()
    Webhook.objects.filter(former_secret_until__lt=at).update(
        former_sealed_secret=None, former_secret_until=None
    )
    return removed
