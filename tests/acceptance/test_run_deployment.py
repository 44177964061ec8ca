"""`run_deployment` from flows under a real worker, and from a script: once per call, whatever dies between."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.support.town import Town, eventually

FLOWS = '''
import asyncio, os, pathlib
from multiprocessing import get_context
from headrace import ControlPlaneError, arun_deployment, flow, flow_run, run_deployment
from flows import mark

@flow
def child(x: int) -> int:
    if x < 0:
        raise ValueError("below 0")
    return 2 * x

@flow(retries=1)
def parent(folder: str):
    """The same call in both attempts, and another one."""
    runs = [run_deployment("child/main", {"x": x}) for x in (21, -1, 21)]
    with (pathlib.Path(folder) / "runs").open("a") as file:
        file.write(" ".join(run.id for run in runs) + "\\n")
    if flow_run.attempt == 1:
        raise RuntimeError("once more")
    return [[run.result, run.state_type, run.message] for run in runs]

@flow
async def crowd() -> list:
    runs = await asyncio.gather(*(arun_deployment("child/main", {"x": x}) for x in range(4)))
    return [run.result for run in runs]

@flow
def size(text: str) -> int:
    return len(text)

@flow
def hands_on() -> int:
    """A run whose parameters go to S3, started from a flow."""
    return run_deployment("size/main", {"text": "\u00e9" * 2_000_000}).result

@flow
def hands_on_quotes() -> int:
    """5 MB, each character of which AWS writes as two or more."""
    return run_deployment("size/main", {"text": '"' * 2_600_000}).result

@flow
def total(values: list[int]) -> int:
    return sum(values)

@flow
def hands_on_values() -> int:
    """More values than a result may have."""
    return run_deployment("total/main", {"values": [1] * 250_000}).result

@flow
def waits(folder: str):
    return run_deployment("mark/main", {"folder": folder, "name": "below"}).result

def ask(queue):
    try:
        run_deployment("child/main", {"x": 1}, timeout=0)
    except ControlPlaneError as error:
        queue.put(error.code)

@flow
def forked():
    """What a forked process, and a wrong call, are told."""
    context = get_context("fork")
    queue = context.Queue()
    process = context.Process(target=ask, args=(queue,))
    process.start()
    codes = [queue.get(timeout=30)]
    process.join()
    for name, parameters in (("nobody/main", {}), ("child", {}), ("child/main", {"x": "many"})):
        try:
            run_deployment(name, parameters)
        except ControlPlaneError as error:
            codes.append(error.code)
    return codes
'''
SCRIPT = """
import json
from headrace import run_deployment
run = run_deployment("child/main", {"x": 4}, idempotency_key="mine", tags=["t"])
again = run_deployment("child/main", {"x": 5}, idempotency_key="mine")
later = run_deployment("child/main", {"x": 6}, timeout=0)
print(json.dumps([run.result, run.tags, run.id == again.id, later.is_final, run.parent_flow_run_id]))
"""


def _ready(home: Town, *flows: str) -> None:
    (home.home / "more.py").write_text(FLOWS)
    for flow in flows:
        home.run("deploy", f"more.py:{flow}", "-n", "main", "-p", "pool")
    home.worker("w1", "--limit", "6")


def test_a_flow_starts_others_once_however_often_it_is_tried(home: Town) -> None:
    _ready(home, "child", "parent", "crowd", "forked")
    run = home.trigger("parent/main", folder=str(home.home))
    done = home.until(run, "COMPLETED", "FAILED")
    assert done["result"] == [
        [42, "COMPLETED", None],
        [None, "FAILED", "ValueError: below 0"],
        [42, "COMPLETED", None],
    ]
    first, second = ((home.home / "runs").read_text()).splitlines()
    (ok, failed, same), (ok_again, failed_again, same_again) = first.split(), second.split()
    assert (ok, same) == (ok_again, same_again), "what went well is not done again"
    assert ok != same, "two equal calls are two runs"
    assert failed != failed_again, "what failed is tried again"
    assert home.get(f"/flow_runs/{ok}")["parent_flow_run_id"] == run
    assert home.until(home.trigger("crowd/main"), "COMPLETED", "FAILED")["result"] == [0, 2, 4, 6]
    told = home.until(home.trigger("forked/main"), "COMPLETED", "FAILED")["result"]
    assert told == ["wrong_process", "not_found", "invalid", "invalid"]


def test_a_script_starts_runs_as_a_flow_does(home: Town) -> None:
    _ready(home, "child")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=home.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [8, ["t"], True, False, None]


def test_large_parameters_arrive(home: Town) -> None:
    _ready(home, "size", "hands_on")
    assert home.until(home.trigger("hands-on/main"), "COMPLETED", "FAILED", "CRASHED")["result"] == 2_000_000
    (run,) = home.ask("flow-run", "ls", "--deployment", "size/main")
    assert (run["parameters"], run["parameters_size"]) == ({}, 4_000_011)
    assert len(home.ask("flow-run", "inspect", run["id"])["parameters"]["text"]) == 2_000_000


def test_five_megabytes_arrive_whatever_they_are(home: Town) -> None:
    _ready(home, "size", "total", "hands_on_quotes", "hands_on_values")
    done = home.until(home.trigger("hands-on-quotes/main"), "COMPLETED", "FAILED", "CRASHED")
    assert done["result"] == 2_600_000, done["state"]["message"]
    done = home.until(home.trigger("hands-on-values/main"), "COMPLETED", "FAILED", "CRASHED")
    assert done["result"] == 250_000, done["state"]["message"]
    file = home.home / "parameters.json"
    file.write_text(json.dumps({"text": "\\" * 2_600_000}))
    run = home.ask("deployment", "run", "size/main", "--params", f"@{file}")
    assert home.until(run["id"], "COMPLETED", "FAILED", "CRASHED")["result"] == 2_600_000
    assert home.ask("flow-run", "inspect", run["id"])["parameters"] == json.loads(file.read_text())


def test_a_worker_killed_in_between_leaves_the_parent_waiting_for_the_one_child(home: Town) -> None:
    _ready(home, "waits")
    home.deploy("mark")
    run = home.trigger("waits/main", folder=str(home.home))
    home.started_mark("below")
    home.started[-1].kill()
    second = home.worker("w1", "--limit", "6")
    second.says("with 2 of its runs")
    (home.home / "go").touch()
    assert home.until(run, "COMPLETED", "FAILED", "CRASHED")["result"] == "below"
    assert len(home.marks("below")) == 1
    runs = eventually(lambda: home.ask("flow-run", "ls"), "the list of runs")
    assert len(runs) == 2
