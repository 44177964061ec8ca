"""Fixtures that all suites share."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from functools import cache

import botocore.session
import pytest
from hypothesis import settings

from tests.property.length import AT_LENGTH
from tests.support.plane import Rig, rig

# How long an example takes says how busy the machine is, and nothing else. The suite says the same of the same
# code each time: new examples are looked for by a search at length, not by whoever changes something else.
settings.register_profile("suite", deadline=None, derandomize=not AT_LENGTH)
settings.load_profile("suite")

# Reading AWS's models is most of what a control plane on an AWS of its own costs, and it is made for each test.
botocore.session.create_loader = cache(botocore.session.create_loader)

# A shell has what it starts in the background ignore SIGINT, and with it all children: those that a test tells to
# stop by it would go on.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than processors: many tests wait for processes half of their time."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those that may take long come first, so that no processor waits for one of them at the end."""
    items.sort(key=lambda item: item.get_closest_marker("timeout") is None)


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: the collector of garbage need not look through it again."""
    gc.freeze()


@pytest.fixture
def plane() -> Iterator[Rig]:
    """A control plane on in-process moto, with a clock of its own."""
    with rig() as made:
        yield made
