"""The worker's part of a run's trace: its claim, the preparation of its code, and its process's life."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from headrace.contract.sync import Grant, Report, ReportKind
from headrace.tracing import VARIABLE, context_of, traceparent_of
from headrace.worker.decisions import Key, Start
from headrace.worker.events import Launch
from headrace.worker.keeper.clock import boottime


class Tracing:
    """Spans of the runs in hand. Without a tracer each call here is one comparison.

    A worker that takes over its predecessor's keeper finds no spans of it: their runs end without one.
    """

    def __init__(self, tracer: Any) -> None:
        self._tracer = tracer
        self._parents: dict[Key, str] = {}
        self._runs: dict[Key, Any] = {}

    def claimed(self, grants: list[Grant], asked_at: float) -> None:
        """These came with the answer to a call of then. A run without a trace begins one here."""
        if self._tracer is None:
            return
        began = time.time_ns() - int((boottime() - asked_at) * 1e9)
        for grant in grants:
            span = self._span("claim", grant, grant.traceparent, began)
            self._parents[grant.run, grant.attempt] = grant.traceparent or traceparent_of(span)
            span.end()

    @contextmanager
    def preparing(self, grant: Grant) -> Iterator[None]:
        """Its code is made ready within."""
        if self._tracer is None:
            yield
            return
        span = self._span("prepare", grant, self._parents.get((grant.run, grant.attempt)))
        try:
            yield
        except BaseException as error:
            _fail(span, type(error).__name__)
            raise
        finally:
            span.end()

    def begun(self, start: Start) -> Launch:
        """It is handed to the keeper: its process is told its place in the trace."""
        if self._tracer is None:
            return start.launch
        grant = Grant.model_validate(start.meta["grant"])
        span = self._runs[start.key] = self._span("run", grant, self._parents.get(start.key))
        return replace(start.launch, env={**start.launch.env, VARIABLE: traceparent_of(span)})

    def told(self, report: Report) -> None:
        """The control plane is told of it; by all but its start it is over."""
        if self._tracer is None or report.kind is ReportKind.STARTED:
            return
        key = (report.run, report.attempt)
        self._parents.pop(key, None)
        span = self._runs.pop(key, None)
        if span is None:
            return
        state = report.state_type.value if report.state_type else report.kind.value.upper()
        span.set_attribute("headrace.state", state)
        if state in ("FAILED", "CRASHED"):
            _fail(span, state)
        span.end()

    def forgotten(self, key: Key) -> None:
        """It is somebody else's now: nothing was told of its end."""
        self._parents.pop(key, None)
        if (span := self._runs.pop(key, None)) is not None:
            span.end()

    def _span(self, name: str, grant: Grant, parent: str | None, began: int | None = None) -> Any:
        attributes = {
            "headrace.flow_run.id": str(grant.run),
            "headrace.flow_run.attempt": grant.attempt,
            "headrace.flow.name": grant.flow_name,
            "headrace.deployment.name": grant.deployment_name or "",
        }
        return self._tracer.start_span(name, context_of(parent), attributes=attributes, start_time=began)


def _fail(span: Any, why: str) -> None:
    from opentelemetry.trace import Status, StatusCode

    span.set_status(Status(StatusCode.ERROR, why))
