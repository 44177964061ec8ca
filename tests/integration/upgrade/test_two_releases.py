"""The release before and this code serve one table at the same time, as during an upgrade and a way back.

Each is a process of its own, as in two Lambdas, over one AWS; every step of a run's life is done by one of them and
the next step by the other, in both orders, with one worker session throughout.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import permutations
from pathlib import Path
from typing import Any, cast

import pytest
from moto.dynamodb.models import dynamodb_backends
from moto.server import ThreadedMotoServer
from moto.sqs.models import sqs_backends

from chalicelib.settings import Settings
from chalicelib.storage.table import create_table, use_table
from headrace.local.aws.place import ACCOUNT, REGION
from tests.integration.upgrade import tables
from tests.integration.upgrade.packages import FOLDER, ROOT
from tests.support import world
from tests.support.aws import ENVIRONMENT
from tests.support.plane import FakeClock, Rig, WorkerRig, rig

RELEASES = sorted(FOLDER.glob("*.zip"))
MINUTES = {"schedule": {"cron": "* * * * *"}, "slug": "minutes"}


class Release:
    """The process of one release."""

    def __init__(self, places: list[Path], environment: dict[str, str], clock: FakeClock) -> None:
        command = [sys.executable, str(Path(__file__).with_name("release.py")), *map(str, places)]
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self._clock = clock

    def begun(self) -> str:
        """Where its code is; only once, at first."""
        return str(self._read()["app"])

    def tick(self) -> None:
        self._ask({})

    def call(self, method: str, path: str, body: object = None) -> Any:
        wire = json.loads(json.dumps(body, default=str))
        status, answer = self._ask({"call": [method, path, wire]})
        assert 200 <= status < 300, (method, path, status, answer)
        return answer

    def end(self) -> None:
        self._process.communicate(timeout=20)

    def _ask(self, asked: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"now": self._clock.now.isoformat(), **asked}) + "\n")
        return self._read()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


class Both:
    """Two releases; `turn` is the one that answers now. It stands in for a `Rig`, as far as a worker needs one."""

    def __init__(self, old: Release, new: Release, clock: FakeClock) -> None:
        self.old, self.new, self.clock = old, new, clock
        self.turn = old

    def ok(self, method: str, path: str, body: object = None) -> Any:
        return self.turn.call(method, path, body)


@contextmanager
def one_aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """moto as a server, with an empty table."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    for backends in (
        dynamodb_backends,
        sqs_backends,
    ):  # they are this process's own, as other tests left them
        backends[ACCOUNT][REGION].reset()
    host, port = server.get_host_and_port()
    for name, value in (ENVIRONMENT | {"AWS_ENDPOINT_URL": f"http://{host}:{port}"}).items():
        monkeypatch.setenv(name, value)
    try:
        yield f"http://{host}:{port}"
    finally:
        use_table(Settings())
        server.stop()


@pytest.fixture(params=RELEASES, ids=lambda path: path.stem)
def both(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Both]:
    with one_aws(monkeypatch) as url:
        use_table(Settings())
        create_table()
        environment = {**os.environ, "HEADRACE_SQS_ENDPOINT_URL": url, "HEADRACE_REQUIRE_KEYS": "0"}
        clock = FakeClock()
        old = Release([request.param], environment, clock)
        new = Release([ROOT, ROOT / "workers"], environment, clock)
        assert (old.begun(), new.begun()) == (f"{request.param}/app.py", f"{ROOT}/app.py")
        yield Both(old, new, clock)
        old.end()
        new.end()


def test_a_run_changes_hands_at_every_step(both: Both, tmp_path: Path) -> None:
    both.ok("POST", "/work_pools/", {"name": "pool", "concurrency_limit": 5})
    flow = both.ok("POST", "/flows/", {"name": "flow"})
    shape = {"flow_id": flow["id"], "entrypoint": "flow.py:flow", "work_pool_name": "pool"}
    deployment = both.ok("POST", "/deployments/", {"name": "main", "parameters": {"x": 1}, **shape})
    worker = WorkerRig(cast("Rig", both), "pool", "w1").register(limit=4)
    for first, second in permutations((both.old, both.new)):
        a_life(both, first, second, worker, deployment)
        a_retry_and_a_cancel(both, first, second, worker, deployment)
        a_schedule(both, first, second, worker, deployment)
        a_loss(both, first, second, worker, deployment)
    check(both, worker, tmp_path / "table.ndjson")


def a_life(both: Both, first: Release, second: Release, worker: WorkerRig, deployment: Any) -> None:
    """Made, claimed, started and ended, each step by the other one."""
    path = f"/deployments/{deployment['id']}/create_flow_run"
    run = first.call("POST", path, {"parameters": {"y": "z" * 5000}, "idempotency_key": f"life-{id(first)}"})
    again = second.call("POST", path, {"idempotency_key": f"life-{id(first)}"})
    assert again["id"] == run["id"]
    both.turn = second
    assert [grant["run"] for grant in worker.claim()] == [run["id"]]
    both.turn = first
    assert worker.start(run["id"])["verdict"] == "accepted"
    second.tick()
    both.turn = second
    assert worker.end(run["id"], result={"rows": 3})["verdict"] == "accepted"
    for release in (first, second):
        found = release.call("GET", f"/flow_runs/{run['id']}")
        assert (found["state_type"], found["result"]) == ("COMPLETED", {"rows": 3})
        assert found["parameters"] == {"x": 1, "y": "z" * 5000}


def a_retry_and_a_cancel(
    both: Both, first: Release, second: Release, worker: WorkerRig, deployment: Any
) -> None:
    """A limit and a retry policy that one of them gave, kept by the other; a cancel that each does half of."""
    both.turn = first
    shape = {"flow_id": deployment["flow_id"], "entrypoint": "flow.py:flow", "work_pool_name": "pool"}
    policy = {"concurrency_limit": 1, "retry_policy": {"retries": 1, "delay": 10}}
    name = f"retried-{id(first)}"
    other = both.ok("POST", "/deployments/", {"name": name, **shape, **policy})
    run, waits = (
        release.call("POST", f"/deployments/{other['id']}/create_flow_run", {}) for release in (first, second)
    )
    both.turn = second
    assert [grant["run"] for grant in worker.claim(want=2)] == [run["id"]]
    both.turn = first
    worker.start(run["id"])
    both.turn = second
    worker.end(run["id"], "FAILED", message="no such file")
    assert first.call("GET", f"/flow_runs/{run['id']}")["state"]["name"] == "AwaitingRetry"
    both.turn = first
    assert [grant["run"] for grant in worker.claim(want=2)] == [waits["id"]]
    worker.start(waits["id"])
    second.call("POST", f"/flow_runs/{waits['id']}/set_state", {"state": {"type": "CANCELLING"}})
    assert [(c["kind"], c["run"]) for c in worker.sync()["commands"]] == [("cancel", waits["id"])]
    both.turn = second
    worker.report(waits["id"], "cancelled")
    both.clock.forward(11)
    assert [grant["run"] for grant in worker.claim(want=2)] == [run["id"]]
    both.turn = first
    worker.start(run["id"])
    both.turn = second
    worker.end(run["id"])
    states = [first.call("GET", f"/flow_runs/{one['id']}")["state_type"] for one in (run, waits)]
    assert states == ["COMPLETED", "CANCELLED"]


def a_schedule(both: Both, first: Release, second: Release, worker: WorkerRig, deployment: Any) -> None:
    """One run for each occurrence, although both ticks look for it; deleted by the one that did not make it."""
    path = f"/deployments/{deployment['id']}/schedules"
    (schedule,) = first.call("POST", path, [MINUTES])
    second.tick()
    first.tick()
    both.clock.forward(60)
    second.tick()
    first.tick()
    mine = {"deployments": {"id": {"any_": [deployment["id"]]}}, "limit": 200}
    made = [
        run
        for run in first.call("POST", "/flow_runs/filter", mine)
        if run["auto_scheduled"] and run["state_type"] == "SCHEDULED"
    ]
    dues = [run["expected_start_time"] for run in made]
    assert dues
    assert len(set(dues)) == len(dues)
    both.turn = first
    (grant,) = worker.claim()
    assert grant["run"] in {run["id"] for run in made}
    both.turn = second
    worker.start(grant["run"])
    second.call("DELETE", f"{path}/{schedule['id']}")
    both.turn = first
    worker.end(grant["run"])
    left = second.call("POST", "/flow_runs/filter", mine)
    assert [run for run in left if run["state_type"] == "SCHEDULED"] == []


def a_loss(both: Both, first: Release, second: Release, worker: WorkerRig, deployment: Any) -> None:
    """A worker that one of them gave a run, judged by the other; the one that goes on speaking is not."""
    both.turn = first
    lost = WorkerRig(cast("Rig", both), "pool", f"lost-{id(first)}").register()
    run = both.ok("POST", f"/deployments/{deployment['id']}/create_flow_run", {})
    assert lost.claim()
    lost.start(run["id"])
    for _ in range(5):
        both.clock.forward(60)
        worker.sync()
        second.tick()
    assert first.call("GET", f"/flow_runs/{run['id']}")["state_type"] == "CRASHED"


def check(both: Both, worker: WorkerRig, file: Path) -> None:
    """What must hold in the table whoever wrote it, once it is settled."""
    for release in (both.new, both.old, both.new):
        both.clock.forward(60)
        worker.sync()
        release.tick()
    file.write_text("\n".join(tables.lines(tables.scanned())) + "\n")
    with rig() as plane:
        tables.load(plane, file)
        end = world.read(plane.aws)
    world.check_always(end)
    world.check_settled(end)
    assert {run.state.type.value for run in end.runs.values()} == {"COMPLETED", "CANCELLED", "CRASHED"}
