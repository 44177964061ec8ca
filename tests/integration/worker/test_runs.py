"""A real worker, its keeper and real children: from grant to receipt."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from headrace.settings import Settings
from headrace.worker.console import Console
from headrace.worker.main import start
from headrace.worker.options import WorkerOptions
from tests.integration.worker.conftest import WorkerProcess, until
from tests.integration.worker.plane import Plane

Starter = Callable[..., WorkerProcess]

ENGINE = """#!{python}
import json, os, sys
spec_fd, events_fd = (int(sys.argv[sys.argv.index(name) + 1]) for name in ("--spec", "--events"))
with os.fdopen(spec_fd, "rb") as file:
    spec = json.loads(file.readline())
events = os.fdopen(events_fd, "w")
def say(**event):
    events.write(json.dumps({{"at": "2026-01-01T00:00:00+00:00", **event}}) + chr(10))
    events.flush()
{body}
"""


@pytest.fixture
def engine(tmp_path: Path) -> Callable[[str], str]:
    """Makes a stand-in for the engine with this body; gives what to use as `python`."""

    def make(body: str) -> str:
        path = tmp_path / "engine"
        path.write_text(ENGINE.format(python=sys.executable, body=body))
        path.chmod(0o755)
        return str(path)

    return make


def test_a_run_from_doorbell_to_receipt(plane: Plane, worker: Starter, engine: Callable[[str], str]) -> None:
    python = engine(
        'say(t="started")\n'
        'say(t="log", level=30, name="flow", message="careful")\n'
        'print("hello", spec["parameters"])\n'
        "sys.stdout.flush()\n"
        'say(t="receipt", state_type="COMPLETED", message="done", result={"answer": 42})\n'
    )
    worker()
    until(lambda: plane.syncs, "the first sync")
    run = plane.add(entrypoint="f.py:f", python=python)
    until(lambda: run.end, "the end")
    assert run.kinds() == ["started", "ended"]
    assert run.end is not None
    assert (run.end["state_type"], run.end["result"]) == ("COMPLETED", {"answer": 42})
    assert run.reports[0]["pid"] > 0
    assert 100 < run.end["log_bytes"] < 300, "two lines, as they are sent"
    assert run.lines() == ["hello {}"]
    assert run.lines("flow") == ["careful"]
    until(lambda: len(plane.deleted) == 1, "the doorbell is deleted")


def test_registration_claims_at_once(plane: Plane, worker: Starter) -> None:
    run = plane.add(ring=False, command="echo hi")
    worker()
    until(lambda: run.end, "the end")
    assert run.end is not None
    assert run.end["state_type"] == "COMPLETED"
    assert plane.syncs[0]["want"] == 10


@pytest.mark.parametrize(
    ("command", "state", "words"),
    [
        ("sh -c 'exit 3'", "FAILED", "exit code 3"),
        ("sh -c 'kill -9 $$'", "CRASHED", "out of memory"),
        ("sh -c 'kill -SEGV $$'", "CRASHED", "segmentation fault"),
        ("no-such-program-here", "CRASHED", "or mend the job variable `command`"),
        ("sh -c 'no-such-program-here'", "FAILED", "not found"),
    ],
)
def test_exit_statuses_are_explained(
    plane: Plane, worker: Starter, command: str, state: str, words: str
) -> None:
    run = plane.add(command=command)
    worker(run_once=True)
    until(lambda: run.end, "the end")
    assert run.end is not None
    assert run.end["state_type"] == state
    assert words in run.end["message"]


def test_a_receipt_beats_the_exit_code(plane: Plane, worker: Starter, engine: Callable[[str], str]) -> None:
    python = engine('say(t="started"); say(t="receipt", state_type="COMPLETED", message="m"); sys.exit(9)')
    run = plane.add(entrypoint="f.py:f", python=python)
    worker(run_once=True)
    until(lambda: run.end, "the end")
    assert run.end is not None
    assert run.end["state_type"] == "COMPLETED"


def test_code_that_is_not_there_is_explained(plane: Plane, worker: Starter) -> None:
    run = plane.add(entrypoint="f.py:f")
    run.grant["pull_steps"] = [{"prefect.deployments.steps.set_working_directory": {"directory": "/no/such"}}]
    other = plane.add(entrypoint="f.py:f")
    other.grant["pull_steps"] = [{"prefect.deployments.steps.git_clone": {"repository": "x"}}]
    worker(run_once=True)
    until(lambda: run.end and other.end, "both ends")
    assert run.end is not None
    assert other.end is not None
    assert "/no/such is not on this machine" in run.end["message"]
    assert "git_clone" in other.end["message"]
    assert run.kinds() == ["ended"]


def test_run_once_takes_all_that_is_due_and_leaves(plane: Plane, worker: Starter) -> None:
    runs = [plane.add(command="true") for _ in range(5)]
    plane.calls_back = 2  # nothing yet, but not all that waits was looked at
    process = worker(run_once=True, limit=2)
    assert process.wait() == 0
    assert all(run.end and run.end["state_type"] == "COMPLETED" for run in runs)
    assert len(plane.signed_off) == 1


def test_a_worker_whose_console_nobody_reads_works_on(plane: Plane, tmp_path: Path) -> None:
    """In this process: what matters is that its loop does not wait for the pipe."""
    run = plane.add(ring=False, command=["sh", "-c", "yes line | head -n 15000"])
    options = WorkerOptions(
        pool="p", name="w", run_once=True, settings=Settings(tmp_path / "home", api_url=plane.url)
    )
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as out:
        console = Console(out)
        codes: list[int] = []
        thread = threading.Thread(target=lambda: codes.append(start(options, console)), daemon=True)
        thread.start()
        until(lambda: run.end, "the end")
        until(lambda: codes, "the worker's end")
        os.close(reader)
    assert codes == [0]
    assert len(run.lines()) == 15_000


def test_children_see_no_credentials(plane: Plane, worker: Starter) -> None:
    run = plane.add(command=["env"], env={"MINE": "1"})
    worker(run_once=True)
    until(lambda: run.end and run.lines(), "the end, and what was printed")
    names = {line.partition("=")[0] for line in run.lines()}
    assert {"PATH", "MINE", "HEADRACE__FLOW_RUN_ID"} <= names
    assert not names & {"HEADRACE_API_KEY", "AWS_SECRET_ACCESS_KEY"}


def test_repeated_doorbells_start_a_run_once(plane: Plane, worker: Starter, tmp_path: Path) -> None:
    worker()
    until(lambda: plane.syncs, "the first sync")
    run = plane.add(ring=False, command=["sh", "-c", f"echo x >> {tmp_path}/starts"])
    plane.ring(run, times=4)
    until(lambda: run.end, "the end")
    until(lambda: len(plane.deleted) == 4, "all doorbells are deleted")
    assert (tmp_path / "starts").read_text() == "x\n"
    syncs = len(plane.syncs)
    plane.ring(run)
    until(lambda: len(plane.deleted) == 5, "a late one is deleted")
    assert len(plane.syncs) == syncs


def test_an_unknown_pool_ends_the_worker_with_a_reason(plane: Plane, worker: Starter) -> None:
    plane.pool_exists = False
    process = worker()
    assert process.wait() == 1
    assert "There is no work pool 'p'" in process.text
    assert "make it" in process.text


def test_a_second_worker_of_the_same_name_is_refused(plane: Plane, worker: Starter) -> None:
    worker()
    until(lambda: plane.syncs, "the first sync")
    second = worker()
    assert second.wait() == 1
    assert "--name" in second.text


def test_ctrl_c_once_finishes_what_runs(plane: Plane, worker: Starter, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    run = plane.add(command=["cat", str(tmp_path / "gate")])
    process = worker(limit=1)
    until(lambda: "started" in run.kinds(), "the start")
    waiting = plane.add(command="true")
    process.signal(signal.SIGINT)
    until(lambda: "Taking nothing new" in process.text, "the first Ctrl-C")
    until(lambda: plane.syncs[-1]["slots"] == 0, "the news that it offers nothing any more")
    (tmp_path / "gate").write_text("open")
    assert process.wait() == 0
    assert run.end is not None
    assert run.end["state_type"] == "COMPLETED"
    assert waiting.state == "ready"
    assert len(plane.signed_off) == 1


def test_ctrl_c_twice_stops_what_runs(plane: Plane, worker: Starter) -> None:
    run = plane.add(command="sleep 1000")
    process = worker()
    until(lambda: "started" in run.kinds(), "the start")
    process.signal(signal.SIGINT)
    until(lambda: "Taking nothing new" in process.text, "the first Ctrl-C")
    process.signal(signal.SIGINT)
    assert process.wait() == 0
    assert run.end is not None
    assert (run.end["state_type"], run.end["message"]) == (
        "CRASHED",
        "The worker was stopped while the run was going on.",
    )


@pytest.mark.skipif(sys.platform != "linux", reason="zygotes need Linux")
def test_what_a_job_preloads_is_there_before_its_flow(plane: Plane, worker: Starter, tmp_path: Path) -> None:
    (tmp_path / "heavy.py").write_text("")
    (tmp_path / "etl.py").write_text("import sys\ndef main(): return 'heavy' in sys.modules\n")
    worker(start_method="auto")

    def result() -> object:
        run = plane.add(
            entrypoint="etl.py:main",
            working_dir=str(tmp_path),
            preload=["heavy"],
            env={"PYTHONPATH": str(tmp_path)},
        )
        end = until(lambda: run.end, "the end")
        assert end["state_type"] == "COMPLETED", end
        return end["result"]

    assert result() is False
    until(result, "it is forked from a process that has imported it")
