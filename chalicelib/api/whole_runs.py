"""One run, with its parameters or with the address of those that no answer carries."""

from __future__ import annotations

from typing import Any

from chalicelib.api import render
from chalicelib.api.endpoint import Call
from chalicelib.domain import payloads
from chalicelib.domain.runs import Run
from headrace.contract.flow_runs import FlowRun


def whole(call: Call[Any], run: Run) -> FlowRun:
    """The run as its own page shows it. Raises `NotFound` where its parameters are nowhere, `Unavailable`."""
    runs, now = call.plane.runs, call.plane.ports.clock()
    shown = render.run(runs.whole(run), now)
    if run.parameters_digest is not None and payloads.carried(shown.model_dump_json()) > payloads.MOST:
        shown = render.run(run, now)
        shown.parameters_url = runs.parameters_url(run, call.host)
    return shown
