"""Measures that any radio device may report of itself, whatever it is attached to."""

from __future__ import annotations

from beffroi.kernel.units import Unit
from beffroi.sdk.declarations import Measure
from beffroi.sdk.declarations import translatable as _

BATTERY_V = Measure(
    key="battery_v",
    label=_("Battery voltage"),
    unit=Unit.VOLT,
    valid=(0, 30),
    source="device telemetry",
    decimals=2,
)
BATTERY_PCT = Measure(
    key="battery_pct",
    label=_("Battery level"),
    unit=Unit.PERCENT,
    valid=(0, 100),
    source="LoRaWAN DevStatusAns or device telemetry",
    decimals=0,
)
RSSI_DBM = Measure(
    key="rssi_dbm",
    label=_("Radio signal"),
    unit=Unit.DECIBEL_MILLIWATT,
    valid=(-160, 10),
    source="best gateway reception",
    decimals=0,
)
SNR_DB = Measure(
    key="snr_db",
    label=_("Signal-to-noise ratio"),
    unit=Unit.DECIBEL,
    valid=(-40, 40),
    source="best gateway reception",
    decimals=1,
)

DEVICE_MEASURES = (BATTERY_V, BATTERY_PCT, RSSI_DBM, SNR_DB)
