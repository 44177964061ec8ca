"""What `run_deployment` checks before it asks anybody."""

from __future__ import annotations

import pytest

from headrace import ControlPlaneError, run_deployment


@pytest.fixture(autouse=True)
def nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address at which nobody listens."""
    monkeypatch.setenv("HEADRACE_API_URL", "http://127.0.0.1:9/api")


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ([0] * 250_000, "unreachable"),
        (["\u00e9" * 2_600_000], "unreachable"),
        ([0] * 2_700_000, "too_large"),
        (["\u00e9" * 2_700_000], "too_large"),
    ],
    ids=["many", "in UTF-8", "too many", "too long"],
)
def test_the_size_of_parameters_counts_and_not_their_number(values: list[object], code: str) -> None:
    with pytest.raises(ControlPlaneError) as caught:
        run_deployment("a/b", {"values": values}, timeout=0)
    assert caught.value.code == code
