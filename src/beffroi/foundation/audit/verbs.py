"""Names of what the log may hold, declared by each room when it starts."""

from __future__ import annotations

from collections.abc import Mapping

from beffroi.foundation.audit.contracts import Label, VerbLabels

_LABELS = VerbLabels()


def verbs_declare(labels: Mapping[str, Label]) -> None:
    """Name the verbs that a room writes to the log; called from ``AppConfig.ready``."""
    _LABELS.declare(labels)


def verb_label(verb: str) -> Label:
    """Return the name of a verb, translated when shown."""
    return _LABELS.label(verb)
