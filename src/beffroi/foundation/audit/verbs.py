"""Names of what the log may hold, declared by each room when it starts."""

from __future__ import annotations

from collections.abc import Mapping

from beffroi.foundation.audit.contracts import Label, VerbLabels

_LABELS = VerbLabels()
_DETAILS = VerbLabels()


def verbs_declare(
    labels: Mapping[str, Label], *, details: Mapping[str, Label] | None = None
) -> None:
    """Name the verbs that a room writes to the log; called from ``AppConfig.ready``.

    ``details`` names the keys of what it writes beside them.
    """
    _LABELS.declare(labels)
    _DETAILS.declare(details or {})


def verb_label(verb: str) -> Label:
    """Return the name of a verb, translated when shown."""
    return _LABELS.label(verb)


def detail_label(key: str) -> Label:
    """Return the name of a detail, translated when shown."""
    return _DETAILS.label(key)
