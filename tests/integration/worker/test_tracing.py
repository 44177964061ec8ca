"""One trace from the making of a run to the end of its function: in the API, the worker and the child."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.worker.conftest import WorkerProcess, until
from tests.integration.worker.plane import Plane
from tests.support.plane import rig

trace = pytest.importorskip("opentelemetry.trace")
export = pytest.importorskip("opentelemetry.sdk.trace.export")
memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
FLOW = """
import os
from headrace import flow
@flow
def main():
    print("traceparent", os.environ["TRACEPARENT"])
    if os.environ.get("FAILS"):
        raise ValueError("a secret")
"""


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """What this process exports, where the API is; its provider is gone after the test."""
    from opentelemetry.sdk.trace import TracerProvider

    exporter, provider = memory.InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(export.SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    yield exporter
    provider.shutdown()


def granted(*traceparents: str | None) -> list[str | None]:
    """What a worker is told of runs that are made by the real API with these headers."""
    with rig() as plane:
        plane.pool()
        path = f"/deployments/{plane.deployment()['id']}/create_flow_run"
        made = []
        for given in traceparents:
            made.append(plane.call("POST", path, {}, extra={"traceparent": given} if given else None).body)
            plane.clock.forward(1)
        grants = plane.worker(limit=10).claim(want=10)
        assert [grant["run"] for grant in grants] == [run["id"] for run in made]
        assert [run["traceparent"] for run in made] == [grant["traceparent"] for grant in grants]
        return [grant["traceparent"] for grant in grants]


def told(lines: Iterable[str]) -> dict[str, Any]:
    """Spans that OpenTelemetry's console exporter wrote among other lines, by name."""
    found, decoder, at = {}, json.JSONDecoder(), 0
    text = "".join(line for line in lines if line.startswith(("{", "}", "    ")))
    while at < len(text):
        span, at = decoder.raw_decode(text, at)
        found[span["name"]] = span
    return found


def test_one_trace_from_the_request_to_the_flow(
    spans: Any,
    plane: Plane,
    worker: Callable[..., WorkerProcess],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (traceparent,) = granted(CALLER)
    assert traceparent is not None
    (create,) = spans.get_finished_spans()
    _, of_trace, of_create, _ = traceparent.split("-")
    assert (create.name, f"{create.parent.span_id:016x}") == ("create flow run", CALLER.split("-")[2])
    assert (f"{create.context.trace_id:032x}", f"{create.context.span_id:016x}") == (of_trace, of_create)
    assert of_trace == CALLER.split("-")[1]

    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "console")
    (tmp_path / "etl.py").write_text(FLOW)
    shape = {"working_dir": str(tmp_path), "stream_output": False, "env": {"FAILS": "1"}}
    run = plane.add(ring=False, entrypoint="etl.py:main", **shape)
    run.grant["traceparent"] = traceparent
    process = worker(run_once=True)
    assert process.wait() == 0
    until(lambda: run.end, "the end")
    theirs, childs = told(process.text.splitlines()), told(run.lines())
    assert theirs.keys() == {"claim", "prepare", "run"}
    assert childs.keys() == {"f"}
    everything = {**theirs, **childs}
    assert {span["context"]["trace_id"] for span in everything.values()} == {f"0x{of_trace}"}
    parents = {name: span["parent_id"] for name, span in everything.items()}
    of_run = theirs["run"]["context"]["span_id"]
    assert parents == dict.fromkeys(theirs, f"0x{of_create}") | {"f": of_run}
    assert f"traceparent 00-{of_trace}-{of_run.removeprefix('0x')}-01" in run.lines()
    statuses = {name: span["status"] for name, span in everything.items()}
    assert statuses["run"] == {"status_code": "ERROR", "description": "FAILED"}
    assert statuses["f"] == {"status_code": "ERROR", "description": "ValueError"}
    assert "a secret" not in json.dumps(everything), "what an error says may hold a secret"
    services = {name: span["resource"]["attributes"]["service.name"] for name, span in everything.items()}
    assert services == dict.fromkeys(theirs, "headrace-worker") | {"f": "headrace-flow"}
    assert theirs["claim"]["start_time"] <= theirs["claim"]["end_time"] <= theirs["prepare"]["start_time"]


def test_without_opentelemetry_at_work_the_callers_trace_is_still_handed_on(
    plane: Plane, worker: Callable[..., WorkerProcess], tmp_path: Path
) -> None:
    wrong = "00-00000000000000000000000000000000-b7ad6b7169203331-01"
    assert granted(None, wrong, CALLER) == [None, None, CALLER]
    imported = "    import sys\n    print([name for name in sys.modules if 'opentel' in name])\n"
    (tmp_path / "etl.py").write_text(FLOW + imported)
    run = plane.add(ring=False, entrypoint="etl.py:main", working_dir=str(tmp_path))
    run.grant["traceparent"] = CALLER
    assert worker(run_once=True).wait() == 0
    assert run.lines() == [f"traceparent {CALLER}", "[]"]
