"""Headrace: a serverless control plane for Python flows that run on your own machines."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from headrace.context import flow_run
    from headrace.flows import Flow, flow
    from headrace.parameters.errors import ParameterError
    from headrace.retries import Retry
    from headrace.run_logs import get_run_logger
    from headrace.tasks import Task, task
    from headrace.timeouts import RunTimedOut

__version__ = "0.1.0"

__all__ = [
    "Flow",
    "ParameterError",
    "Retry",
    "RunTimedOut",
    "Task",
    "__version__",
    "flow",
    "flow_run",
    "get_run_logger",
    "task",
]

_HOMES = {
    "Flow": "flows",
    "ParameterError": "parameters.errors",
    "Retry": "retries",
    "RunTimedOut": "timeouts",
    "Task": "tasks",
    "flow": "flows",
    "flow_run": "context",
    "get_run_logger": "run_logs",
    "task": "tasks",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: worker, client and command line need none of them."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'headrace' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"headrace.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
