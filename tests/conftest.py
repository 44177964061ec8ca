"""Fixtures that all suites share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.support.plane import Rig, rig

# How long an example takes says how busy the machine is, and nothing else.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture
def plane() -> Iterator[Rig]:
    """A control plane on in-process moto, with a clock of its own."""
    with rig() as made:
        yield made
