"""When a failure is followed by another attempt, and after how long."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from headrace import Retry
from headrace.contract.deployments import RetryPolicy
from headrace.retries import RetryRules


@pytest.mark.parametrize(
    ("rules", "delays"),
    [
        (RetryRules(), [None]),
        (RetryRules(0, 5), [None]),
        (RetryRules(2, 5), [5, 5, None]),
        (RetryRules(4, [1, 2, 3], backoff=10), [1, 2, 3, 3, None]),
        (RetryRules(4, 2, backoff=3), [2, 6, 18, 54, None]),
        (RetryRules(3, 1000, backoff=10), [1000, 3600, 3600, None]),
        (RetryRules(2, 5000, backoff=10), [5000, 5000, None]),
    ],
)
def test_delays(rules: RetryRules, delays: list[float | None]) -> None:
    assert [rules.delay_after(ValueError(), count) for count in range(1, len(delays) + 1)] == delays


def test_backoff_does_not_overflow() -> None:
    assert RetryRules(1000, 1, backoff=100).delay_after(ValueError(), 1000) == 3600


def test_jitter_lengthens_by_up_to_its_part() -> None:
    rules = RetryRules(1, 100, jitter=0.5)
    delays = [rules.delay_after(ValueError(), 1) for _ in range(200)]
    assert all(delay is not None and 100 <= delay <= 150 for delay in delays)
    assert len(set(delays)) > 100


def test_only_errors_of_the_types_named_are_tried_again() -> None:
    rules = RetryRules(1, on=(OSError, KeyError))
    assert rules.delay_after(ConnectionError(), 1) == 0  # derives from OSError
    assert rules.delay_after(ValueError(), 1) is None
    assert RetryRules(1, on=KeyError).delay_after(KeyError(), 1) == 0


def test_an_explicit_retry_has_its_own_delay_while_retries_remain() -> None:
    rules = RetryRules(1, 5, on=OSError)
    assert rules.delay_after(Retry(after=30), 1) == 30
    assert rules.delay_after(Retry(), 1) == 5
    assert rules.delay_after(Retry(after=30), 2) is None
    assert Retry("wait", after=timedelta(minutes=1)).after == 60


@pytest.mark.parametrize(
    "options",
    [
        {"retries": -1},
        {"retries": 1.5},
        {"retries": True},
        {"delay": -1},
        {"delay": []},
        {"delay": [1, "2"]},
        {"delay": float("nan")},
        {"backoff": 0.5},
        {"jitter": 2},
        {"on": "ValueError"},
        {"on": [int]},
    ],
    ids=str,
)
def test_senseless_rules_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        RetryRules(**options)


def test_rules_fit_a_deployments_policy() -> None:
    class Odd(Exception):
        pass

    rules = RetryRules(3, [1, 2], jitter=0.1, on=(OSError, Odd))
    policy = RetryPolicy.model_validate(rules.as_policy())
    assert (policy.retries, policy.delay, policy.jitter) == (3, [1, 2], 0.1)
    assert policy.on[0] == "OSError"
    assert policy.on[1].endswith("Odd")
    assert RetryRules().as_policy() is None
