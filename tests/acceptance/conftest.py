"""A home for each acceptance test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.town import Town, town


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Town]:
    """A home with a running server and a pool."""
    with town(tmp_path) as made:
        made.server()
        made.run("work-pool", "create", "--type", "process", "pool")
        yield made


@pytest.fixture
def brief(tmp_path: Path) -> Iterator[Town]:
    """The same, where leases are short: 3 s, an idle worker's sync each second."""
    settings = {
        "headrace_lease_seconds": "3",
        "headrace_sync_within_seconds": "0.5",
        "headrace_idle_sync_seconds": "1",
    }
    with town(tmp_path, **settings) as made:
        made.server()
        made.run("work-pool", "create", "--type", "process", "pool")
        yield made
