"""Fixtures that all suites share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.plane import Rig, rig


@pytest.fixture
def plane() -> Iterator[Rig]:
    """A control plane on in-process moto, with a clock of its own."""
    with rig() as made:
        yield made
