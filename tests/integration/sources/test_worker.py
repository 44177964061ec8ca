"""A real worker process that gets its code by git, fails at steps, goes on, and keeps what its runs use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.integration.sources.conftest import Origin
from tests.integration.worker.conftest import WorkerProcess, plane, until, worker
from tests.integration.worker.plane import Plane
from tests.support.git_host import GitHost

__all__ = ["plane", "worker"]

S = "headrace.deployments.steps."
FLOW = """
from headrace import flow

@flow
def main():
    print("from", __file__)
    return 7
"""


def leases(process: WorkerProcess) -> list[Path]:
    return list((process.home / "cache" / "leases").glob("*.json"))


def test_a_private_flow_runs_and_its_secret_stays_hidden(
    plane: Plane, worker, origin: Origin, backend: GitHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = origin.commit("flows/etl.py", FLOW)
    origin.push()
    monkeypatch.setenv("PRIVATE_TOKEN", backend.password)
    run = plane.add(entrypoint="flows/etl.py:main")
    options = {"repository": backend.url(), "commit": commit, "credentials": {"env": "PRIVATE_TOKEN"}}
    run.grant["pull_steps"] = [{f"{S}git_clone": options}]
    process = worker(run_once=True)
    until(lambda: run.end, "the end", 60)
    assert run.end is not None
    assert (run.end["state_type"], run.end["result"]) == ("COMPLETED", 7)
    assert any(commit in line for line in run.lines())
    assert process.wait() == 0
    assert leases(process) == []
    said = f"{run.grant}{run.reports}{run.logs}{plane.syncs}{plane.messages}{process.text}"
    assert backend.password not in said
    for path in process.home.rglob("*"):
        assert not path.is_file() or backend.password.encode() not in path.read_bytes()


def test_a_failing_step_ends_its_run_and_the_worker_goes_on(plane: Plane, worker, origin: Origin) -> None:
    bad = plane.add(entrypoint="flow.py:f")
    bad.grant["pull_steps"] = [{f"{S}run_shell_script": {"script": "echo the reason; exit 9"}}]
    bad.grant["pull_steps"].insert(0, {f"{S}run_shell_script": {"script": "echo first"}})
    gone = plane.add(entrypoint="flow.py:f")
    gone.grant["pull_steps"] = [{f"{S}git_clone": {"repository": origin.url, "branch": "gone"}}]
    process = worker()
    until(lambda: bad.end and gone.end, "both ends")
    assert bad.end is not None
    assert gone.end is not None
    assert {bad.end["state_type"], gone.end["state_type"]} == {"CRASHED"}
    assert "step 2 of 2, headrace.deployments.steps.run_shell_script" in bad.end["message"]
    assert "the reason" in bad.end["error"]["traceback"]
    until(lambda: len(bad.lines("headrace.worker")) > 1, "its log")
    assert bad.lines("headrace.worker") == ["first", "the reason"]
    assert "| the reason" in process.text
    assert "branches main" in gone.end["message"]
    assert "Deploy again" in gone.end["error"]["hint"]
    good = plane.add(command="cat flow.py")
    good.grant["pull_steps"] = [{f"{S}git_clone": {"repository": origin.url}}]
    good.grant["pull_steps"].append({f"{S}run_shell_script": {"script": "echo a; echo b"}})
    until(lambda: good.end, "the good one's end")
    assert good.end is not None
    assert good.end["state_type"] == "COMPLETED"
    until(lambda: good.lines(), "the good one's log")
    assert (good.lines("headrace.worker"), good.lines()) == (["a", "b"], ["x = 1"])


def test_what_a_run_uses_stays_when_its_worker_is_killed(
    plane: Plane, worker, origin: Origin, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HEADRACE_CACHE_MB", "0.001")
    go = tmp_path / "go"
    run = plane.add(command=["sh", "-c", f"until [ -e {go} ]; do sleep 0.05; done; cat flow.py"])
    run.grant["pull_steps"] = [{f"{S}git_clone": {"repository": origin.url}}]
    first = worker()
    until(lambda: "started" in run.kinds(), "the start")
    first.process.kill()
    first.wait()
    assert len(leases(first)) == 1
    other = plane.add(command="cat flow.py")
    origin.commit(text="second\n")
    origin.push()
    other.grant["pull_steps"] = [{f"{S}git_clone": {"repository": origin.url}}]
    second = worker()
    until(lambda: other.end, "the other's end")
    trees = [path for path in (second.home / "cache" / "trees").iterdir() if path.is_dir()]
    assert "x = 1\n" in [(tree / "flow.py").read_text() for tree in trees]
    os.close(os.open(go, os.O_CREAT))
    until(lambda: run.end, "the end")
    assert run.lines() == ["x = 1"]
    until(lambda: not leases(second), "the leases are let go")
