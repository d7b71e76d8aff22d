"""A sender of its own, to be killed by a test.

``careful`` is the sender as it is. ``careless`` notes a delivery as done before it is sent: the
planted fault that a test of losses must see.
"""

from __future__ import annotations

import sys

import django


def main() -> None:
    """Send what is due once."""
    django.setup()
    from beffroi.foundation.database.api import acting_for  # noqa: PLC0415 - after the settings
    from beffroi.foundation.messaging.fan_out import fan_out  # noqa: PLC0415 - same
    from beffroi.foundation.messaging.models import Delivery  # noqa: PLC0415 - same
    from beffroi.foundation.messaging.sending import send_now, work_once  # noqa: PLC0415 - same
    from beffroi.kernel.clock import now  # noqa: PLC0415 - same

    if sys.argv[1] == "careful":
        work_once()
        return
    territory_id = int(sys.argv[2])
    fan_out(territory_id, at=now())
    with acting_for(territory_id):
        delivery = Delivery.objects.select_related("webhook").get(state="waiting")
        Delivery.objects.update(state="delivered")
    send_now(delivery.webhook, identifier=delivery.uuid, topic=delivery.topic, body=delivery.body)


if __name__ == "__main__":
    main()
