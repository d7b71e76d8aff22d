"""The guide of webhooks says what is so."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any
from uuid import UUID

from beffroi.city.assets.events import TOPICS as OF_ASSETS
from beffroi.city.ingest.events import TOPICS as OF_INGEST
from beffroi.foundation.messaging.signing import new_secret, signature_headers
from beffroi.kernel.clock import now

GUIDE = Path(__file__).resolve().parents[6] / "docs" / "guide" / "webhooks.md"
IDENTIFIER = UUID("0193544b-2f70-7c3e-9d2a-5b1f6f0e8a11")


def example() -> Any:
    code = re.search(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert code is not None
    names: dict[str, Any] = {}
    exec(compile(code[1], str(GUIDE), "exec"), names)  # noqa: S102 - the guide's own example
    return names["verify"]


def test_the_example_verifies_what_we_sign() -> None:
    verify, secret, former = example(), new_secret(), new_secret()
    body = '{"type": "ping", "été": 1}'.encode()
    headers = signature_headers(body, identifier=IDENTIFIER, at=now(), secrets=[secret, former])
    assert verify(secret, headers, body)
    assert verify(former, headers, body)
    assert not verify(new_secret(), headers, body)
    assert not verify(secret, headers, body + b" ")
    assert not verify(secret, {**headers, "webhook-id": "autre"}, body)
    late = {**headers, "webhook-timestamp": str(int(time.time()) - 400)}
    assert not verify(secret, late, body)


def test_every_event_is_in_the_table() -> None:
    table = GUIDE.read_text(encoding="utf-8").split("## What arrives")[0]
    documented = set(re.findall(r"`([a-z]+\.[a-z]+|observations|ping)`", table))
    declared = {topic.key for topic in (*OF_ASSETS, *OF_INGEST)} | {"ping"}
    assert documented - {"api.manage"} == declared
