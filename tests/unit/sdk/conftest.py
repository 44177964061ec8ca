"""Headrace's logger as a user's program finds it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def untouched_logger() -> Iterator[None]:
    """Chalice gives the logger of its app's name a handler and a level; no flow runs beside that app."""
    logger = logging.getLogger("headrace")
    before = logger.level, logger.propagate, logger.handlers
    logger.level, logger.propagate, logger.handlers = logging.NOTSET, True, []
    logger.manager._clear_cache()  # type: ignore[attr-defined]
    yield
    logger.level, logger.propagate, logger.handlers = before
    logger.manager._clear_cache()  # type: ignore[attr-defined]
