"""What all faults have in common."""

from __future__ import annotations

import pytest

from chalicelib.services import lines


@pytest.fixture(autouse=True)
def long_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three waiting runs make a line of which not all are promoted at once: others have to follow."""
    monkeypatch.setattr(lines, "BATCH", 2)
