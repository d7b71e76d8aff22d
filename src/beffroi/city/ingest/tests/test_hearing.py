from __future__ import annotations

from datetime import timedelta

from beffroi.city.ingest.contracts import Status
from beffroi.city.ingest.decoding import Decoded, DeviceEntry
from beffroi.city.ingest.hearing import DevicesHeard
from beffroi.city.ingest.tests.test_verdicts import NOW, batch, uplink


def written(
    device: DeviceEntry,
    *,
    seconds: float,
    status: Status = Status.DECODED,
    battery_v: float | None = None,
    lost: bool = False,
) -> bool:
    """Hear a device so long after the start; tell whether that is to be written."""
    at = NOW + timedelta(seconds=seconds)
    made = batch(uplink("a", at=at))
    made.received_at = at
    item = made.items[0]
    item.device, item.decoded = device, Decoded(status, battery_v=battery_v)
    heard = DevicesHeard([(made, item)])
    if not lost:
        heard.committed()
    return heard.parameters() is not None


def test_a_device_is_written_once_in_ten_seconds_unless_it_tells_of_its_battery() -> None:
    device = DeviceEntry(1, "a", "", {}, ())
    assert written(device, seconds=0)
    assert not written(device, seconds=9)
    assert written(device, seconds=9, battery_v=3.4)
    assert not written(device, seconds=15)
    assert written(device, seconds=20)


def test_what_is_not_committed_is_not_remembered() -> None:
    device = DeviceEntry(1, "a", "", {}, ())
    assert written(device, seconds=0, lost=True)
    assert written(device, seconds=1)


def test_a_message_in_quarantine_hides_no_message_after_it() -> None:
    device = DeviceEntry(1, "a", "", {}, ())
    assert not written(device, seconds=0, status=Status.QUARANTINED)
    assert written(device, seconds=1)
