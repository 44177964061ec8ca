"""Retries: the exception by which code asks for one, and the rules that decide whether and when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

LONGEST_BACKOFF = 3600.0
"""Growing by backoff never makes a delay longer than this many seconds."""


class Retry(Exception):
    """Raise it to ask for another attempt, `after` so many seconds (or a `timedelta`).

    It is honoured while retries remain, whatever `retry_on` says; then it fails the run like any other
    exception. Without `after`, the delay is the one that the rules give.
    """

    def __init__(self, reason: str = "", *, after: object = None) -> None:
        seconds = getattr(after, "total_seconds", None)
        self.after = _seconds(seconds() if seconds else after, "after") if after is not None else None
        super().__init__(reason or "the code asked to be run again")


class RetryRules:
    """When a failed attempt is followed by another. The first attempt has `run_count` 1."""

    __slots__ = ("backoff", "delay", "jitter", "on", "retries")

    def __init__(
        self,
        retries: int | None = None,
        delay: float | Sequence[float] = 0,
        backoff: float = 1,
        jitter: float = 0,
        on: type[BaseException] | Iterable[type[BaseException]] | None = None,
    ) -> None:
        self.retries = _count(retries)
        self.delay = _delay(delay)
        self.backoff = _seconds(backoff, "retry_backoff")
        self.jitter = _seconds(jitter, "retry_jitter")
        self.on = _types(on)
        if not 1 <= self.backoff <= 100:
            raise ValueError(f"retry_backoff must be between 1 and 100, got {backoff!r}")
        if self.jitter > 1:
            raise ValueError(f"retry_jitter must be between 0 and 1, got {jitter!r}")

    def delay_after(self, error: BaseException, run_count: int) -> float | None:
        """Seconds from this failure to the next attempt; None when there is to be none."""
        if run_count > (self.retries or 0) or not self.worth_it(error):
            return None
        if isinstance(error, Retry) and error.after is not None:
            return error.after
        return self._delay_before(run_count)

    def worth_it(self, error: BaseException) -> bool:
        """Whether such an error is one to try again after."""
        return isinstance(error, Retry) or not self.on or isinstance(error, self.on)

    def _delay_before(self, retry: int) -> float:
        """The delay before this retry. A list is taken as it is, its last member for all later retries."""
        if isinstance(self.delay, list):
            delay = self.delay[min(retry, len(self.delay)) - 1]
        else:
            delay = min(self.delay * self.backoff ** min(retry - 1, 64), max(self.delay, LONGEST_BACKOFF))
        if self.jitter:
            from random import random  # kept out of the start-up of every run

            delay *= 1 + self.jitter * random()  # noqa: S311 - spreading load, no secret
        return delay

    def as_policy(self) -> dict[str, object] | None:
        """These rules as a deployment's retry policy, or None when they leave it open."""
        if self.retries is None:
            return None
        base = 0 if isinstance(self.delay, list) else self.delay
        return {
            "retries": self.retries,
            "delay": self.delay,
            "backoff": self.backoff,
            "max_delay": max(base, LONGEST_BACKOFF),
            "jitter": self.jitter,
            "on": [type_name(kind) for kind in self.on],
        }


def type_name(kind: type) -> str:
    """The name of an exception's type as reports and policies give it: with its module unless built in."""
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _count(retries: object) -> int | None:
    if retries is None:
        return None
    if not isinstance(retries, int) or isinstance(retries, bool) or retries < 0:
        raise ValueError(f"retries must be a whole number from 0 on, got {retries!r}")
    return retries


def _delay(given: object) -> float | list[float]:
    if not isinstance(given, (list, tuple)):
        return _seconds(given, "retry_delay_seconds")
    if not given:
        raise ValueError("retry_delay_seconds is an empty list; give at least one number")
    return [_seconds(one, "retry_delay_seconds") for one in given]


def _seconds(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
        raise ValueError(f"{name} must be a number from 0 on, got {value!r}")
    return value


def _types(on: object) -> tuple[type[BaseException], ...]:
    found = tuple(on) if isinstance(on, (list, tuple, set, frozenset)) else () if on is None else (on,)
    for kind in found:
        if not isinstance(kind, type) or not issubclass(kind, BaseException):
            raise TypeError(f"retry_on takes exception types, got {kind!r}")
    return found
