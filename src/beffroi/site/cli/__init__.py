"""The command ``beffroi``."""

from __future__ import annotations

from beffroi.site.cli.program import main

__all__ = ["main"]
