"""Whether a flow run is tried again, and when.

Three counts are kept apart: how often the run was started, how many of these starts were lost together
with their worker, and the rest, which used up retries. `run_count` and `lost_count` include the start that
has just ended.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Retries of a flow run. Times are in seconds.

    `delay` is one number, multiplied by `backoff` from retry to retry and at most `max_delay`, or one
    number per retry, the last of which repeats; these are taken as they are. `jitter` lengthens a delay
    by up to this part of it. `on` names exception types worth a retry, bare or with their module;
    empty means all.
    """

    retries: int = 0
    delay: float | tuple[float, ...] = 0.0
    backoff: float = 1.0
    max_delay: float = 3600.0
    jitter: float = 0.0
    on: tuple[str, ...] = ()
    max_lost: int = 3


def policy(wire: Mapping[str, Any] | None) -> RetryPolicy:
    """A policy from the wire's form, whose bounds the contract has checked; None is the one that never retries.

    Definitions are kept in this form: a member that a later release has added to them is left out.
    """
    given = {**asdict(RetryPolicy()), **(wire or {})}
    delay = given["delay"]
    return RetryPolicy(
        retries=given["retries"],
        delay=tuple(map(float, delay)) if isinstance(delay, (list, tuple)) else float(delay),
        backoff=float(given["backoff"]),
        max_delay=float(given["max_delay"]),
        jitter=float(given["jitter"]),
        on=tuple(given["on"]),
        max_lost=given["max_lost"],
    )


def decide(
    policy: RetryPolicy,
    run_count: int,
    wish_wanted: bool | None,
    wish_after: float | None,
    error_type: str | None,
    random01: float,
    *,
    lost_count: int = 0,
) -> float | None:
    """Seconds until the next attempt of a run that failed, or None if there is none.

    The wish comes from the user's code: `False` forbids a retry, `True` asks for one whatever the type of
    the error, within the retries that the policy has; `wish_after` is taken as it is. `random01` is a
    random number from 0 to 1 that places the delay within its jitter.
    """
    used = run_count - lost_count - 1
    if wish_wanted is False or used >= policy.retries:
        return None
    if not wish_wanted and not _worth_a_retry(policy, error_type):
        return None
    if wish_after is not None and math.isfinite(wish_after):
        return max(0.0, wish_after)
    return _delay_of(policy, max(0, used)) * (1 + policy.jitter * random01)


def after_lost(policy: RetryPolicy, lost_count: int, run_count: int) -> bool:
    """Whether a run whose worker was lost is tried again: retries are left, and it was not lost too often."""
    used = run_count - lost_count
    return used < policy.retries and lost_count <= policy.max_lost


def _worth_a_retry(policy: RetryPolicy, error_type: str | None) -> bool:
    if not policy.on:
        return True
    return error_type is not None and any(
        error_type == name or error_type.endswith(f".{name}") or name.endswith(f".{error_type}")
        for name in policy.on
    )


def _delay_of(policy: RetryPolicy, retry: int) -> float:
    """The delay before the retry of this number, counted from 0."""
    if isinstance(policy.delay, tuple):
        return policy.delay[min(retry, len(policy.delay) - 1)]
    try:
        return min(policy.delay * policy.backoff**retry, policy.max_delay)
    except OverflowError:
        return policy.max_delay if policy.delay else 0.0
