"""Decoders of the radio sensors that stations and rooms carry."""

from __future__ import annotations

from beffroi.domains.air_quality.codecs.elsys import ELSYS
from beffroi.domains.air_quality.codecs.watteco import WATTECO, WATTECO_FAMILIES

CODECS = (ELSYS, WATTECO, *WATTECO_FAMILIES)

__all__ = ["CODECS"]
