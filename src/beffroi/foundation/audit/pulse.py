"""What the pulse does for this room."""

from __future__ import annotations

from datetime import timedelta

from beffroi.foundation.audit.kept_heads import heads_keep
from beffroi.foundation.jobs.api import Beat

BEATS = (Beat(key="audit.heads", every=timedelta(hours=1), run=heads_keep),)
