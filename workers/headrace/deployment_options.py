"""The options of `to_deployment`, `serve` and `deploy`, and what is wrong with those that somebody gave.

Only what can be told without a control plane is checked here: names and types. Whether a cron expression is right,
or a pool is there, the control plane says when the deployment is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypedDict


class DeploymentOptions(TypedDict, total=False):
    """Options of `to_deployment`, `serve` and `deploy`."""

    cron: str | Sequence[str] | None
    interval: float | timedelta | Sequence[float | timedelta] | None
    rrule: str | Sequence[str] | None
    timezone: str | None
    schedules: Sequence[Mapping[str, Any]] | None
    parameters: Mapping[str, Any] | None
    tags: Sequence[str] | None
    description: str | None
    version: str | None
    paused: bool | None
    enforce_parameter_schema: bool | None
    concurrency_limit: int | None
    collision_strategy: str | None
    work_pool_name: str | None
    work_queue_name: str | None
    job_variables: Mapping[str, Any] | None


_SCHEDULE = (
    "say cron=..., interval=... or rrule=..., with timezone=..., or schedules=[{...}] as in headrace.yaml"
)
_NOTHING = "there is nothing to switch off"
_CODE = "runs are processes of a worker; source=... of deploy says where it gets the code"
_NOT_KNOWN = {
    "schedule": _SCHEDULE,
    "image": _CODE,
    "build": _CODE,
    "push": _CODE,
    "entrypoint_type": "the flow is found by its file and name",
    "triggers": "Headrace starts runs by schedules and by run_deployment",
    "version_type": "Headrace numbers versions by itself; version=... is a word of yours for one",
    "global_limit": "say concurrency_limit=...",
    "global_concurrency_limit_id": "say concurrency_limit=...",
    "concurrency_options": "say collision_strategy=...",
    "webserver": "there is none to start",
    "print_next_steps": _NOTHING,
    "print_starting_message": _NOTHING,
    "ignore_warnings": _NOTHING,
    "flow_name": "the flow's own name is meant: @flow(name=...)",
    "source": "it belongs to deploy",
    "create_pool": "it belongs to deploy",
    "limit": "it belongs to serve; for the deployment's runs say concurrency_limit=...",
    "pause_on_shutdown": "it belongs to serve",
    **{
        name: f"it belongs to the flow: @flow({name}=...)"
        for name in ("retries", "retry_delay_seconds", "timeout_seconds", "log_prints")
    },
}
"""What to say of options that people know from elsewhere."""


def check_options(options: Mapping[str, object]) -> None:
    """Refuse what is no option, or of another type than the option takes.

    Raises:
        TypeError: It names the option and what to say instead.
    """
    for name, value in options.items():
        if name not in _TAKES:
            raise TypeError(f"a deployment has no option {name!r}: {_advice(name)}")
        fits, expected = _TAKES[name]
        if value is not None and not fits(value):
            hint = f"; {_SCHEDULE}" if name == "schedules" else ""
            raise TypeError(f"{name} takes {expected}, not {value!r}{hint}")


def _advice(name: str) -> str:
    if name in _NOT_KNOWN:
        return _NOT_KNOWN[name]
    from difflib import get_close_matches

    near = get_close_matches(name, _TAKES, n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else f"it has {', '.join(_TAKES)}"


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_duration(value: object) -> bool:
    return isinstance(value, (int, float, timedelta)) and not isinstance(value, bool)


def _is_truth(value: object) -> bool:
    return isinstance(value, bool)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_mapping(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(key, str) for key in value)


def _all(fits: Callable[[object], bool]) -> Callable[[object], bool]:
    """Several values, of which each fits; a text is no list of letters."""

    def each(value: object) -> bool:
        several = isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping))
        return several and isinstance(value, Sequence) and all(fits(one) for one in value)

    return each


def _one_or_all(fits: Callable[[object], bool]) -> Callable[[object], bool]:
    several = _all(fits)
    return lambda value: fits(value) or several(value)


_TEXT = (_is_text, "text")
_TEXTS = (_one_or_all(_is_text), "text, or a list of it")
_TRUTH = (_is_truth, "True or False")
_DICT = (_is_mapping, "a dict whose keys are text")
_TAKES: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "cron": _TEXTS,
    "interval": (_one_or_all(_is_duration), "seconds or a timedelta, or a list of these"),
    "rrule": _TEXTS,
    "timezone": _TEXT,
    "schedules": (_all(_is_mapping), "a list of dicts"),
    "parameters": _DICT,
    "tags": (_all(_is_text), "a list of text"),
    "description": _TEXT,
    "version": _TEXT,
    "paused": _TRUTH,
    "enforce_parameter_schema": _TRUTH,
    "concurrency_limit": (_is_whole, "a whole number"),
    "collision_strategy": _TEXT,
    "work_pool_name": _TEXT,
    "work_queue_name": _TEXT,
    "job_variables": _DICT,
}
