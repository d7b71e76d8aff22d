"""The environment of a test run, loaded by pytest before it reads the settings."""

from __future__ import annotations

import os
import secrets
import tempfile

# A run has its own data directory and its own secret, and no database but the tests' own.
os.environ["BEFFROI_DATA_DIR"] = tempfile.mkdtemp(prefix="beffroi-test-")
os.environ["BEFFROI_SECRET_KEY"] = secrets.token_urlsafe(40)
for _variable in ("DATABASE_URL", "DATABASE_OWNER_URL", "BEFFROI_PUBLIC_URL"):
    os.environ.pop(_variable, None)
