"""The environment of a test run, loaded by pytest before it reads the settings."""

from __future__ import annotations

import os
import secrets
import tempfile

from hypothesis import settings

# A run has its own data directory and its own secret, and no database but the tests' own.
os.environ["BEFFROI_DATA_DIR"] = tempfile.mkdtemp(prefix="beffroi-test-")
os.environ["BEFFROI_SECRET_KEY"] = secrets.token_urlsafe(40)
for _variable in ("DATABASE_URL", "DATABASE_OWNER_URL", "BEFFROI_PUBLIC_URL"):
    os.environ.pop(_variable, None)

# Every run draws the same examples: what fails, fails again, for whoever looks. New ones are
# searched for at night (`make night`). A loaded machine is no failure: no deadline.
settings.register_profile("beffroi", derandomize=True, deadline=None, database=None)
settings.register_profile(
    "night", derandomize=False, deadline=None, max_examples=2_000, print_blob=True
)
settings.load_profile("beffroi")
