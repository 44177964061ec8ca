"""Headrace: a serverless control plane for Python flows that run on your own machines."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from headrace.asking import ControlPlaneError
    from headrace.context import flow_run
    from headrace.deployment_runs import DeploymentRun, arun_deployment, run_deployment
    from headrace.flow_deployments import FlowDeployment
    from headrace.flows import Flow, flow
    from headrace.parameters.errors import ParameterError
    from headrace.publishing import deploy
    from headrace.retries import Retry
    from headrace.run_logs import get_run_logger
    from headrace.secret import Secret
    from headrace.serving import serve
    from headrace.tasks import Task, task
    from headrace.timeouts import RunTimedOut

__version__ = "0.1.0"

__all__ = [
    "ControlPlaneError",
    "DeploymentRun",
    "Flow",
    "FlowDeployment",
    "ParameterError",
    "Retry",
    "RunTimedOut",
    "Secret",
    "Task",
    "__version__",
    "arun_deployment",
    "deploy",
    "flow",
    "flow_run",
    "get_run_logger",
    "run_deployment",
    "serve",
    "task",
]

_HOMES = {
    "ControlPlaneError": "asking",
    "DeploymentRun": "deployment_runs",
    "Flow": "flows",
    "FlowDeployment": "flow_deployments",
    "ParameterError": "parameters.errors",
    "Retry": "retries",
    "RunTimedOut": "timeouts",
    "Secret": "secret",
    "Task": "tasks",
    "arun_deployment": "deployment_runs",
    "deploy": "publishing",
    "flow": "flows",
    "flow_run": "context",
    "get_run_logger": "run_logs",
    "run_deployment": "deployment_runs",
    "serve": "serving",
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
