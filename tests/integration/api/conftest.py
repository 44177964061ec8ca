"""One control plane for a module of tests, emptied before each: making its clients takes longest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.plane import FakeClock, Rig, rig


@pytest.fixture(scope="module")
def shared() -> Iterator[Rig]:
    """The rig of a module."""
    with rig() as made:
        yield made


@pytest.fixture
def plane(shared: Rig) -> Rig:
    """An empty control plane, at the clock's first moment."""
    shared.aws.clear()
    shared.clock.now = FakeClock().now
    shared.plane.ports.runs._days.clear()
    return shared
