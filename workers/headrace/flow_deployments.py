"""Deployments from Python: what a flow shall be run as, before any control plane hears of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, Unpack

from headrace.callee import Callee
from headrace.deployment_options import DeploymentOptions, check_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from headrace.flows import Flow


@dataclass(frozen=True)
class FlowDeployment:
    """A flow, the deployment's name, and its other members as `headrace.yaml` spells them."""

    flow: Flow[..., Any]
    name: str
    entry: Mapping[str, Any]
    folder: str
    entrypoint: str

    @property
    def full_name(self) -> str:
        """`flow-name/deployment-name`."""
        return f"{self.flow.name}/{self.name}"

    if not TYPE_CHECKING:  # a type checker shall go on to report what is not there

        def __getattr__(self, name: str) -> NoReturn:
            text = f"a FlowDeployment has no {name!r}"
            if name in ("deploy", "serve", "apply"):
                call = "serve" if name == "serve" else "deploy"
                text = (
                    f"{text}: it is a plain value; give it to headrace.{call}(...), or say flow.{call}(...)"
                )
            raise AttributeError(text)


def deployment_of(flow: Flow[..., Any], name: str, **options: Unpack[DeploymentOptions]) -> FlowDeployment:
    """What `Flow.to_deployment` gives.

    Raises:
        TypeError: There is no such option, or it takes something else.
        ValueError: No other process could find the flow, or the options contradict each other.
    """
    from headrace.jsonable import jsonable

    if not isinstance(name, str) or not name:
        raise TypeError(f"the deployment's name is text, not {name!r}")
    check_options(options)
    folder, entrypoint = place_of(flow)
    strategy = options.get("collision_strategy")
    if strategy is not None and options.get("concurrency_limit") is None:
        raise ValueError("collision_strategy says nothing without concurrency_limit")
    parameters = options.get("parameters")
    pool = {name: options.get(name) for name in ("work_queue_name", "job_variables")}
    pool["name"] = options.get("work_pool_name")
    entry = {
        "name": name,
        "entrypoint": entrypoint,
        "schedules": _schedules(options),
        "parameters": None if parameters is None else jsonable(dict(parameters)),
        "tags": None if (tags := options.get("tags")) is None else list(tags),
        "concurrency_options": None if strategy is None else {"collision_strategy": strategy},
        "work_pool": {key: value for key, value in pool.items() if value is not None},
    }
    plain = ("description", "version", "paused", "enforce_parameter_schema", "concurrency_limit")
    entry |= {key: options.get(key) for key in plain}
    return FlowDeployment(
        flow, name, {key: value for key, value in entry.items() if value is not None}, folder, entrypoint
    )


def check_deployments(taker: str, given: Sequence[object]) -> None:
    """Refuse what is no `FlowDeployment`. `taker` is the function that it was given to, `serve` or `deploy`.

    Raises:
        TypeError: It says what to give instead.
    """
    for one in given:
        if isinstance(one, FlowDeployment):
            continue
        text = f"{taker} takes what flow.to_deployment(...) makes, not {one!r}"
        if isinstance(one, Callee) and one.kind == "flow":
            own = getattr(one.fn, "__name__", "flow")
            text += f"; say {taker}({own}.to_deployment('main')) or {own}.{taker}('main')"
        elif isinstance(one, (list, tuple)):
            text += f"; give them one by one: {taker}(*deployments)"
        elif callable(one):
            text += "; make a flow of the function by @flow first"
        raise TypeError(text)


def place_of(flow: Flow[..., Any]) -> tuple[str, str]:
    """A folder and, relative to it, the entrypoint by which any process there finds the flow.

    The folder is the current one if the flow's file lies below it, as for `headrace deploy`; else the file's.
    """
    module = sys.modules.get(getattr(flow.fn, "__module__", ""))
    file = getattr(module, "__file__", None)
    if module is None or file is None or not os.path.isfile(file):  # noqa: PTH113 - pathlib is not worth its import
        raise ValueError(
            f"flow {flow.name!r} is in no file, so that no other process can find it; put it into a module"
        )
    names = [name for name, value in vars(module).items() if value is flow]
    if not names:
        raise ValueError(
            f"flow {flow.name!r} has no name of its own in {os.path.basename(file)}, by which another process "  # noqa: PTH119
            "could find it; assign it to one outside of all functions"
        )
    here, path = os.path.realpath(os.getcwd()), os.path.realpath(file)  # noqa: PTH109
    folder = here if path.startswith(here.rstrip(os.sep) + os.sep) else os.path.dirname(path)  # noqa: PTH120
    return folder, f"{os.path.relpath(path, folder).replace(os.sep, '/')}:{names[0]}"


def _schedules(options: DeploymentOptions) -> list[dict[str, Any]] | None:
    given = {kind: _each(options.get(kind)) for kind in ("cron", "interval", "rrule")}
    zone = {} if options.get("timezone") is None else {"timezone": options["timezone"]}
    found = [{kind: _plain(value), **zone} for kind, values in given.items() for value in values]
    own = options.get("schedules")
    if zone and not found:
        raise ValueError("timezone belongs to cron, interval or rrule; in schedules each has its own")
    if own is not None:
        found += [{key: _plain(value) for key, value in one.items()} for one in own]
    return found if found or own is not None else None


def _each(value: Any) -> Sequence[Any]:
    if value is None:
        return ()
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]


def _plain(value: Any) -> Any:
    """A duration in seconds, a moment in ISO 8601; all else as it is."""
    if hasattr(value, "total_seconds"):
        return value.total_seconds()
    return value.isoformat() if hasattr(value, "isoformat") else value
