"""What a flow and a task share: the function, its options, and how it is told apart from others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from functools import partial, update_wrapper
from types import MethodType
from typing import Any, Generic, ParamSpec, Self, TypedDict, TypeVar, cast

from headrace.retries import RetryRules

TYPE_CHECKING = False

P = ParamSpec("P")
R = TypeVar("R")

Sleep = Callable[[float], Awaitable[None] | None]
"""Waits so many seconds; what an async function waits with may return an awaitable."""

_ANY_ARGUMENTS = 0x04 | 0x08
_GENERATOR = 0x20
_COROUTINE = 0x80
_ASYNC_GENERATOR = 0x200


class CalleeOptions(TypedDict, total=False):
    """Options that `@flow` and `@task` share."""

    name: str | None
    description: str | None
    retries: int | None
    retry_delay_seconds: float | Sequence[float]
    retry_backoff: float
    retry_jitter: float
    retry_on: type[BaseException] | Iterable[type[BaseException]] | None
    timeout_seconds: float | None
    log_prints: bool | None
    sleep: Sleep | None


class Callee(Generic[P, R]):
    """A function with a name, retries and a time limit.

    `kind` is the word for it in messages, `takes` are the names of its options.
    """

    kind = ""
    takes: Collection[str] = CalleeOptions.__optional_keys__

    def __init__(
        self,
        fn: Callable[P, R],
        *,
        name: str | None = None,
        description: str | None = None,
        retries: int | None = None,
        retry_delay_seconds: float | Sequence[float] = 0,
        retry_backoff: float = 1,
        retry_jitter: float = 0,
        retry_on: type[BaseException] | Iterable[type[BaseException]] | None = None,
        timeout_seconds: float | None = None,
        log_prints: bool | None = None,
        sleep: Sleep | None = None,
    ) -> None:
        if not callable(fn):
            raise TypeError(f"@{self.kind} goes on a function, got {fn!r}")
        update_wrapper(cast("Callable[P, R]", self), fn)
        own_name = getattr(fn, "__name__", type(fn).__name__)
        self.fn = fn
        self.name = name or own_name.strip("<>").replace("_", "-")
        self.description = description if description is not None else _first_line(fn)
        self.rules = RetryRules(retries, retry_delay_seconds, retry_backoff, retry_jitter, retry_on)
        self.timeout_seconds = _timeout(timeout_seconds)
        self.log_prints = log_prints
        self.sleep = sleep
        self.is_async = _is_async(fn, self.kind)
        self._options: dict[str, object] = {
            "name": name,
            "description": description,
            "retries": retries,
            "retry_delay_seconds": retry_delay_seconds,
            "retry_backoff": retry_backoff,
            "retry_jitter": retry_jitter,
            "retry_on": retry_on,
            "timeout_seconds": timeout_seconds,
            "log_prints": log_prints,
            "sleep": sleep,
        }

    def __get__(self, instance: object, owner: type | None = None) -> Self:
        """Bind to an instance as a function does, so that methods may be decorated."""
        return self if instance is None else cast("Self", MethodType(cast("Any", self), instance))

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name!r}>"

    def __reduce__(self) -> str:
        """Pickled as a function is, by its name: a process pool may be given a flow or task."""
        return str(getattr(self, "__qualname__", self.name))

    if not TYPE_CHECKING:  # a type checker tells by itself what is missing

        def __getattr__(self, name: str) -> object:
            """Say of what is missing what to use instead."""
            if name.startswith("_"):
                raise AttributeError(name)
            from headrace.prefect_words import no_member

            raise AttributeError(no_member(self.kind, name, self.__dict__.get("name")))

    @classmethod
    def check_options(cls, options: Mapping[str, object]) -> None:
        """Refuse what is no option of the decorator.

        Raises:
            TypeError: It names the option, and what there is.
        """
        for name in options:
            if name not in cls.takes:
                from headrace.prefect_words import no_option

                raise TypeError(no_option(cls.kind, name, cls.takes))

    def copy_with(self, changes: dict[str, object]) -> Self:
        """The same function under other options."""
        self.check_options(changes)
        return type(self)(self.fn, **{**self._options, **changes})  # type: ignore[arg-type]


def _first_line(fn: Callable[..., object]) -> str | None:
    lines = (getattr(fn, "__doc__", None) or "").strip().splitlines()
    return lines[0].strip() if lines else None


def _timeout(seconds: object) -> float | None:
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds > 0:
        raise ValueError(f"timeout_seconds must be a number above 0, got {seconds!r}")
    return float(seconds)


def _is_async(fn: Callable[..., object], kind: str) -> bool:
    """Whether calling it gives a coroutine; told from the code's flags, as `inspect` does at more cost."""
    inner: object = fn
    while isinstance(inner, partial):
        inner = inner.func
    inner = getattr(inner, "__func__", inner)
    if not hasattr(inner, "__code__"):
        inner = type(inner).__call__ if callable(inner) else inner
    flags = getattr(getattr(inner, "__code__", None), "co_flags", 0)
    if flags & (_GENERATOR | _ASYNC_GENERATOR):
        raise TypeError(
            f"a {kind} cannot be a generator: {fn!r} should return its values instead of yielding"
        )
    return bool(flags & _COROUTINE)


def takes_nothing(fn: Callable[..., object]) -> bool:
    """Whether this is plainly a function without parameters: then `inspect` need not be imported."""
    code = getattr(fn, "__code__", None)
    if code is None or hasattr(fn, "__wrapped__") or hasattr(fn, "__signature__"):
        return False
    return not (code.co_argcount or code.co_kwonlyargcount or code.co_flags & _ANY_ARGUMENTS)
