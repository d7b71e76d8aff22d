"""Gathers what the layouts find, so that keys stay unique and only what is asked for is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from beffroi.city.codecs.library.contracts import FoundCodec, FoundModel, Refused, Repository
from beffroi.city.codecs.library.files import Unreadable

MAX_KEY = 250
MAX_EXAMPLES = 2_000
"""Examples of one codec that are kept; the most published for one is about two hundred."""


class Findings:
    """Codecs, models and refusals found so far.

    Args:
        only: what to keep: ``<vendor>`` or ``<vendor>/<codec>``; empty keeps everything.
    """

    def __init__(self, only: str = "") -> None:
        vendor, _, codec = only.strip("/").casefold().partition("/")
        self._vendor, self._codec = vendor, codec
        self._codecs: dict[str, FoundCodec] = {}
        self._models: dict[str, FoundModel] = {}
        self._refused: list[Refused] = []
        self._names: dict[str, str] = {}

    def wants(self, vendor: str) -> bool:
        """Tell whether anything of a vendor is asked for."""
        return self._vendor in {"", vendor.casefold()} or vendor.casefold() in {"vendor", "vendors"}

    def refuse(self, path: str, problem: Unreadable) -> None:
        """Keep why a file is not read."""
        self._refused.append(
            Refused(path=path, sentence=problem.message, params=dict(problem.params))
        )

    def add_codec(self, codec: FoundCodec) -> str:
        """Keep a codec, and return the key under which it is kept."""
        if not self.wants(codec.vendor):
            return codec.key
        if self._codec and self._codec not in {codec.name.casefold(), "*"}:
            return codec.key
        key, rank = codec.key[:MAX_KEY], 2
        while key in self._codecs:
            key = f"{codec.key[: MAX_KEY - 6]}-{rank}"
            rank += 1
        self._codecs[key] = replace(codec, key=key, examples=codec.examples[:MAX_EXAMPLES])
        return key

    def add_model(self, model: FoundModel) -> None:
        """Keep a device."""
        self._models.setdefault(model.key[:MAX_KEY], replace(model, key=model.key[:MAX_KEY]))

    def name_vendors(self, names: Mapping[str, str]) -> None:
        """Learn how vendors write their names, by the names of their folders."""
        self._names.update(names)

    def repository(self) -> Repository:
        """Return everything, the models of codecs that are kept."""
        return Repository(
            codecs=tuple(
                replace(codec, vendor=self._named(codec.vendor)) for codec in self._codecs.values()
            ),
            models=tuple(
                replace(model, vendor=self._named(model.vendor))
                for model in self._models.values()
                if model.codec_key in self._codecs
            ),
            refused=tuple(self._refused),
        )

    def _named(self, vendor: str) -> str:
        return self._names.get(vendor, vendor)
