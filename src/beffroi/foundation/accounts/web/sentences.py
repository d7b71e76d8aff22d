"""Errors of the house as sentences for a person."""

from __future__ import annotations

from django.utils.translation import gettext

from beffroi.kernel.errors import BeffroiError


class _Blanks(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "…"


def sentence_of(error: BeffroiError) -> str:
    """Return the message, then the way out, in the language of the page."""
    params = _Blanks(error.params)
    parts = (gettext(text).format_map(params) for text in (error.message, error.way_out) if text)
    return " ".join(parts)
