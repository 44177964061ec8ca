"""One attempt of one run: load, check, run, and tell the parent. Called once in a process of its own."""

from __future__ import annotations

import faulthandler
import io
import logging
import os
import sys
import threading
from collections.abc import Coroutine, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from headrace.callee import takes_nothing
from headrace.calls import attempt, attempt_async
from headrace.context import Run, pipes
from headrace.engine import receipts
from headrace.engine.channel import Channel, now, out_of_the_way
from headrace.engine.load import LoadError, load_flow
from headrace.engine.receipts import Receipt
from headrace.engine.records import listen
from headrace.engine.signals import Terminated, TerminationWatch
from headrace.flows import Flow
from headrace.parameters.errors import ParameterError

Spec = Mapping[str, Any]


def run_spec(spec: Spec, events: int, answers: int) -> int:
    """Run what the spec says, with events to one file descriptor and answers from the other; gives the exit code.

    The process is not the same afterwards (logging, signals, `sys.path`): end it with `leave`.
    """
    channel = Channel(events)
    pipes[:] = [(channel, out_of_the_way(answers), os.getpid())]
    watch = TerminationWatch()
    try:
        watch.begin()
        _prepare_output()
        listen(channel, str(spec.get("log_level") or "INFO"))
        receipt, code = _outcome(spec, channel, watch)
    except Terminated as error:
        receipt, code = receipts.stopped(15, "SIGTERM", error)
    except KeyboardInterrupt as error:
        receipt, code = receipts.stopped(2, "SIGINT", error)
    except BaseException as error:  # noqa: BLE001 - a mistake of ours is told like any other end
        receipt, code = receipts.broken(error)
    watch.end()
    channel.send(receipt)
    channel.close()
    return code


def _prepare_output() -> None:
    """Lines appear when they are written, and text that the encoding lacks does not end the run."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True, errors="backslashreplace")
    if sys.stderr is not None and not faulthandler.is_enabled():
        try:
            faulthandler.enable()  # a crash in C code leaves its Python traceback on standard error
        except (OSError, ValueError, RuntimeError):
            return  # standard error is no file: then there is nowhere to leave it


def _outcome(spec: Spec, channel: Channel, watch: TerminationWatch) -> Receipt:
    try:
        flow = load_flow(spec["entrypoint"])
    except LoadError as error:
        return _not_loaded(spec, error)
    try:
        args, kwargs = _arguments(flow, spec)
    except ParameterError as error:
        return receipts.refused(error)
    run = _context(flow, spec)
    channel.send({"t": "started", "at": now()})
    timeout = spec.get("timeout_seconds") or flow.timeout_seconds  # the deployment's has the last word
    try:
        with _traced(run):
            result = _attempt(flow, run, args, kwargs, timeout)
    except (Terminated, KeyboardInterrupt):
        raise
    except BaseException as error:  # noqa: BLE001 - whatever the user's code raises is its outcome
        watch.end()
        return _raised(flow, run, error)
    watch.end()
    _name_threads_left(run)
    return receipts.completed(result)


def _arguments(flow: Flow[..., Any], spec: Spec) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of the call. Raises `ParameterError`."""
    values = dict(spec.get("parameters") or {})
    if not values and takes_nothing(flow.fn):
        return (), {}
    from headrace import secret
    from headrace.parameters.arguments import Arguments  # costs more than a flow without parameters needs

    if read := spec.get("secrets"):
        secret.known.update(read)
    if flow.should_validate:
        return Arguments(flow.fn, values).validated(flow.label).as_call()
    return Arguments(flow.fn, secret.filled(values)).as_call()


def _context(flow: Flow[..., Any], spec: Spec) -> Run:
    return Run(
        "flow",
        spec.get("name") or flow.name,
        spec.get("flow_name") or flow.name,
        run_id=spec.get("run"),
        deployment_name=spec.get("deployment_name"),
        attempt=spec.get("attempt") or 1,
        run_count=spec.get("run_count") or 1,
        parameters=spec.get("parameters"),
        tags=spec.get("tags") or (),
        expected_start_time=spec.get("expected_start_time"),
        log_prints=bool(flow.log_prints),
    )


def _traced(run: Run) -> AbstractContextManager[None]:
    """The run's place in a trace, if it has one."""
    if "TRACEPARENT" not in os.environ:
        return nullcontext()
    from headrace.tracing import flow_span

    return flow_span(
        run.flow_name, {"headrace.flow_run.id": run.id, "headrace.flow_run.attempt": run.attempt}
    )


def _attempt(
    flow: Flow[..., Any], run: Run, args: tuple[Any, ...], kwargs: dict[str, Any], timeout: float | None
) -> Any:
    begun = None if flow.is_async else attempt(flow.fn, run, args, kwargs, timeout)
    if not flow.is_async and not isinstance(begun, Coroutine):
        return begun
    import asyncio

    with asyncio.Runner() as runner:
        # It would wait for threads that nobody waits for any more, such as that of a `to_thread` that was given up:
        # `leave` does so, and not for ever.
        runner.get_loop().shutdown_default_executor = _not_yet  # type: ignore[method-assign]
        return runner.run(attempt_async(flow.fn, run, args, kwargs, timeout, begun))


async def _not_yet(*_timeout: object) -> None:
    return None


def _not_loaded(spec: Spec, error: LoadError) -> Receipt:
    """The receipt of a flow that could not be loaded; its log has the traceback, as that of one that raised."""
    receipt, code = receipts.not_loaded(error)
    told = "\n".join(filter(None, [receipt["message"], receipt["error"]["traceback"]]))
    name = f"Flow run {spec['name']!r}" if spec.get("name") else "The flow run"
    logging.getLogger("headrace.flow_runs").error("%s could not start: %s", name, told.rstrip("\n"))
    return receipt, code


def _raised(flow: Flow[..., Any], run: Run, error: BaseException) -> Receipt:
    """The receipt of a flow that raised; whoever reads its log finds the traceback there, too."""
    if isinstance(error, SystemExit):
        return receipts.exited(flow, error)
    receipt, code = receipts.failed(flow, error)
    trace = receipt["error"]["traceback"].rstrip("\n")
    logging.getLogger("headrace.flow_runs").error("%s failed\n%s", run.label, trace)
    return receipt, code


def _name_threads_left(run: Run) -> None:
    """Say which threads go on; those of an executor are expected, and end when they are told to."""
    names = [
        thread.name
        for thread in threading.enumerate()
        if not thread.daemon and thread is not threading.main_thread() and not _is_executors(thread.name)
    ]
    if names:
        logging.getLogger("headrace.flow_runs").warning(
            "%s is over; threads still running (%s) are stopped with its process", run.label, ", ".join(names)
        )


def _is_executors(name: str) -> bool:
    return "PoolExecutor" in name or name.startswith("asyncio_")
