"""Units of measure: symbol for people, UCUM code for machines."""

from __future__ import annotations

from enum import Enum


class Unit(Enum):
    """A unit as ``(symbol shown, UCUM code)``."""

    symbol: str
    ucum: str

    def __init__(self, symbol: str, ucum: str) -> None:
        self.symbol = symbol
        self.ucum = ucum

    NONE = ("", "1")
    COUNT = ("", "{count}")
    PERCENT = ("%", "%")
    CELSIUS = ("°C", "Cel")
    KELVIN = ("K", "K")
    KELVIN_DAY = ("K·j", "K.d")
    HECTOPASCAL = ("hPa", "hPa")
    PASCAL = ("Pa", "Pa")
    METRE = ("m", "m")
    MILLIMETRE = ("mm", "mm")
    CENTIMETRE = ("cm", "cm")
    KILOMETRE = ("km", "km")
    SQUARE_METRE = ("m²", "m2")
    CUBIC_METRE = ("m³", "m3")
    LITRE = ("L", "L")
    LITRE_PER_HOUR = ("L/h", "L/h")
    CUBIC_METRE_PER_HOUR = ("m³/h", "m3/h")
    METRE_PER_SECOND = ("m/s", "m/s")
    KILOMETRE_PER_HOUR = ("km/h", "km/h")
    DEGREE = ("°", "deg")
    MILLIMETRE_PER_HOUR = ("mm/h", "mm/h")
    WATT_PER_SQUARE_METRE = ("W/m²", "W/m2")
    MICROGRAM_PER_CUBIC_METRE = ("µg/m³", "ug/m3")
    PARTS_PER_MILLION = ("ppm", "[ppm]")
    PARTS_PER_BILLION = ("ppb", "[ppb]")
    LUX = ("lx", "lx")
    DECIBEL = ("dB", "dB")
    DECIBEL_A = ("dB(A)", "dB[A]")
    DECIBEL_MILLIWATT = ("dBm", "dB[mW]")
    VOLT = ("V", "V")
    MILLIVOLT = ("mV", "mV")
    AMPERE = ("A", "A")
    HERTZ = ("Hz", "Hz")
    WATT = ("W", "W")
    KILOWATT = ("kW", "kW")
    WATT_HOUR = ("Wh", "W.h")
    KILOWATT_HOUR = ("kWh", "kW.h")
    VOLT_AMPERE = ("VA", "V.A")
    KILOVOLT_AMPERE = ("kVA", "kV.A")
    VOLT_AMPERE_REACTIVE = ("var", "var")
    VOLT_AMPERE_REACTIVE_HOUR = ("varh", "var.h")
    SECOND = ("s", "s")
    MINUTE = ("min", "min")
    HOUR = ("h", "h")
    KILOGRAM = ("kg", "kg")
    TONNE = ("t", "t")
    G_FORCE = ("g", "[g]")
    VEHICLES = ("véh.", "{vehicle}")
    VEHICLES_PER_HOUR = ("véh./h", "{vehicle}/h")
    VEHICLES_PER_DAY = ("véh./j", "{vehicle}/d")
    PLACES = ("places", "{place}")
    INDEX = ("", "{index}")
    KILOWATT_HOUR_PER_YEAR = ("kWh/an", "kW.h/a")
    KILOWATT_HOUR_PER_KILOMETRE_YEAR = ("kWh/(km·an)", "kW.h/(km.a)")
    KILOWATT_HOUR_PER_INHABITANT_YEAR = ("kWh/(hab.·an)", "kW.h/({inhabitant}.a)")
    WATT_PER_LIGHT_POINT = ("W/point", "W/{light_point}")
    PER_THOUSAND_INHABITANTS = ("pour 1 000 hab.", "/(1000.{inhabitant})")
