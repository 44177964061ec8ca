"""What people write who know Prefect, and Headrace has not: each with what to write instead.

Imported only where something is missing, so that a plain flow does not pay for it.
"""

from __future__ import annotations

from collections.abc import Iterable

GUIDE = "docs/guides/coming-from-prefect.md"

_IN_ORDER = (
    "tasks run where they are called, in order, and give their result: call it plainly. For parallel work use a "
    "ThreadPoolExecutor in the flow (pool.submit(task, ...)), or start a run each with run_deployment"
)
_NO_TASK_WORKERS = "tasks run inside flows only. Make it a flow, deploy it, and start it with run_deployment"
_NO_HOOKS = "there are no hooks on states: use try, except and finally in the function"
_NOT_KEPT = "results of tasks are neither kept nor cached: keep them yourself, in a file or a database"
_RUN_NAMES = (
    "name a run where it is started: headrace deployment run --name, run_deployment(flow_run_name=...)"
)

_HOOKS = dict.fromkeys(
    (
        "on_completion",
        "on_failure",
        "on_cancellation",
        "on_crashed",
        "on_running",
        "on_rollback",
        "on_commit",
    ),
    _NO_HOOKS,
)
_RESULTS = dict.fromkeys(
    (
        "cache_key_fn",
        "cache_policy",
        "cache_expiration",
        "cache_result_in_memory",
        "refresh_cache",
        "persist_result",
        "result_storage",
        "result_storage_key",
        "result_serializer",
    ),
    _NOT_KEPT,
)
_OPTIONS = {
    **_HOOKS,
    **_RESULTS,
    "retry_condition_fn": "retry_on takes the exception types that are worth a retry",
    "retry_jitter_factor": "retry_jitter, from 0 to 1, spreads the delay",
    "task_runner": _IN_ORDER,
    "flow_run_name": _RUN_NAMES,
    "task_run_name": "a task's runs are numbered after its name; say name=...",
    "tags": "tags belong to deployments and runs, and limits hold for the runs that carry them",
}
_MEMBERS = {
    "task": {
        **_HOOKS,
        **dict.fromkeys(("submit", "map"), _IN_ORDER),
        **dict.fromkeys(("delay", "serve", "apply_async"), _NO_TASK_WORKERS),
    },
    "flow": {
        **_HOOKS,
        "from_source": "where the code comes from is said by source=... of deploy",
        "visualize": "nothing is drawn: tasks are plain calls",
    },
}


def no_option(kind: str, name: str, options: Iterable[str]) -> str:
    """What to say of an option that `@flow` or `@task` (`kind`) has not; `options` are those that it has."""
    has = ", ".join(sorted(options))
    if (advice := _OPTIONS.get(name)) is not None:
        return f"@{kind} has no option {name!r}: {advice}. It has: {has}"
    from difflib import get_close_matches

    near = get_close_matches(name, list(options), n=1, cutoff=0.6)
    meant = f": did you mean {near[0]!r}?" if near else "."
    return f"@{kind} has no option {name!r}{meant} It has: {has}"


def no_member(kind: str, name: str, called: object) -> str:
    """What to say of an attribute that a flow or a task (`kind`) named `called` has not."""
    what = f"{kind} {called!r} has no {name!r}"
    advice = _MEMBERS[kind].get(name)
    return f"{what}: {advice}. See {GUIDE}" if advice else what
