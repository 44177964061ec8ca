"""Every list of the API is measured."""

from __future__ import annotations

import pytest

from benchmarks import lists


def test_each_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lists.not_asked() == set()
    without_runs = [ask for ask in lists.asks("", "") if ask.route != "POST /flow_runs/filter"]
    monkeypatch.setattr(lists, "asks", lambda *_: without_runs)
    assert lists.not_asked() == {"POST /flow_runs/filter"}
