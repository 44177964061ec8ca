"""What a run costs in requests and units: the counted rows of the budget.

A real worker process runs no-op flows against the embedded control plane, which serves inside this process
so that every AWS call can be counted (`recorder.py`) together with the HTTP requests for the API and for
SQS that the worker sends. Long polls that come back empty are counted too, and so are the doorbells that are
left when the runs are over: the figures are taken when the queue is empty and nothing has come for a while.

- one short run: created by the API while one worker idles on one queue, no limits;
- the same under a burst: 1,000 runs (`--count`) created, then one worker with a limit of 8.

Counted, not timed: the figures depend on the order of events only, so a busy machine changes the burst's a little
and the others not at all. HEADRACE_REQUIRE_KEYS=1 asks for API keys, as in the cloud. With `--api-url` nothing is
counted: units are made of the sizes of items, which only the process that calls DynamoDB sees, and the worker's
SQS requests go past the API to an address that it hands out.
There AWS counts (the bill, CloudWatch), and `headrace cost actual` says what the counted units come to.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from benchmarks.recorder import Bill, recording, uncounted
from benchmarks.rows import Row, run_alone
from headrace.local.server import EmbeddedServer, ServerOptions

BUDGETS = {"single": (3, 4, 10, 6), "burst": (1.3, 1.5, 9, 4)}
NAMES = ("API requests", "SQS requests", "write units", "read units")


class Meter:
    """Requests that arrive at the server, and the AWS bill."""

    def __init__(self, bill: Bill) -> None:
        self.bill = bill
        self.api = 0
        self.sqs = 0
        self._lock = threading.Lock()

    def watch(self, gateway: Any) -> None:
        """Count the requests that a gateway class answers."""
        application, aws = gateway._application, gateway._aws
        meter = self

        def counted_application(self: Any, request: Any) -> Any:
            with meter._lock:
                meter.api += not request.target.startswith("/api/health")
            return application(self, request)

        def counted_aws(self: Any, request: Any) -> Any:
            with meter._lock:
                meter.sqs += 1
            return aws(self, request)

        gateway._application, gateway._aws = counted_application, counted_aws

    def take(self) -> tuple[float, float, float, float]:
        """API requests, SQS requests, write units, read units so far."""
        own = sum(count for name, count in self.bill.calls.items() if name.startswith("sqs."))
        return self.api, self.sqs + own, self.bill.write_units, self.bill.read_units

    def clear(self) -> None:
        """From nothing again."""
        self.bill.clear()
        self.api = self.sqs = 0


@contextmanager
def serving(home: Path) -> Iterator[tuple[EmbeddedServer, Meter]]:
    """The embedded control plane in this process, with a meter."""
    from headrace.local.gateway import Gateway

    os.environ["HEADRACE_HOME"] = str(home)
    with recording() as bill:
        meter = Meter(bill)
        meter.watch(Gateway)
        keys = os.environ.get("HEADRACE_REQUIRE_KEYS") == "1"
        server = EmbeddedServer(ServerOptions(port=0, data_dir=home / "server", require_keys=keys))
        server.start()
        try:
            yield server, meter
        finally:
            server.stop()


@contextmanager
def worker(home: Path, limit: int) -> Iterator[None]:
    """A real worker of pool `bench`."""
    command = [
        sys.executable,
        "-m",
        "headrace.cli.main",
        "worker",
        "start",
        "--pool",
        "bench",
        "--limit",
        str(limit),
    ]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with (home / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            command, env=kept, cwd=home, stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
    try:
        until(lambda: "serves pool" in (home / "worker.log").read_text(), "the worker is up")
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def until(check: Callable[[], Any], what: str, patience: float = 600) -> Any:
    """Ask until there is an answer."""
    deadline = time.monotonic() + patience
    while not (found := check()):
        if time.monotonic() > deadline:
            raise SystemExit(f"did not happen: {what}")
        time.sleep(0.05)
    return found


class Api:
    """The few calls that a benchmark makes."""

    def __init__(self, url: str, home: Path) -> None:
        key = json.loads((home / "profiles.json").read_text())["profiles"]["local"]["api_key"]
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.http = httpx.Client(base_url=url, timeout=60, headers=headers)
        (home / "noop.py").write_text("def noop():\n    pass\n")
        self.ok("POST", "/work_pools/", {"name": "bench"})
        flow = self.ok("POST", "/flows/", {"name": "noop"})
        step = {"headrace.deployments.steps.set_working_directory": {"directory": str(home)}}
        body = {"name": "b", "flow_id": flow["id"], "work_pool_name": "bench", "entrypoint": "noop.py:noop"}
        self.deployment = self.ok("POST", "/deployments/", {**body, "pull_steps": [step]})["id"]

    def ok(self, method: str, path: str, body: Any = None) -> Any:
        """The answer of a call that must succeed."""
        answer = self.http.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def create(self) -> str:
        """A run."""
        return str(self.ok("POST", f"/deployments/{self.deployment}/create_flow_run", {})["id"])


def states(runs: list[str]) -> set[str]:
    """The states of runs, read past the API so that nothing of it is counted."""
    from chalicelib.wiring import control_plane

    with uncounted():
        found = control_plane().ports.runs.read_many([UUID(run) for run in runs])
    return {run.state.type.value for run in found.values()}


def finished(runs: list[str]) -> None:
    """Wait until the runs are over."""
    pending = list(runs)

    def all_over() -> bool:
        nonlocal pending
        over = states(pending[:50]) == {"COMPLETED"}
        pending = pending[50:] if over else pending
        return not pending

    until(all_over, "the runs are over")


def doorbells() -> int:
    """How many lie in the pool's queues, those that were received and are not deleted yet included."""
    from chalicelib.wiring import control_plane

    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    with uncounted():
        view = control_plane().ports.pools.view("bench")
        found = [
            _sqs().get_queue_attributes(QueueUrl=queue.url, AttributeNames=names)["Attributes"]
            for queue in (view.queues.values() if view else ())
        ]
    return sum(int(attributes[name]) for attributes in found for name in names)


@cache
def _sqs() -> Any:
    import botocore.session

    return botocore.session.get_session().create_client("sqs", region_name="us-east-1")


def single(home: Path, repeats: int) -> tuple[float, ...]:
    """One short run at a time; the mean of several."""
    with serving(home) as (server, meter):
        api = Api(server.api_url, home)
        with worker(home, 1):
            finished([api.create()])
            settle(meter)
            meter.clear()
            for _ in range(repeats):
                finished([api.create()])
                settle(meter)
            return tuple(value / repeats for value in meter.take())


def settle(meter: Meter) -> None:
    """Wait until no doorbell is left and no request has come for a while: the next long poll is on."""
    until(lambda: doorbells() == 0, "no doorbell is left")
    seen = meter.take()
    since = time.monotonic()

    def quiet() -> bool:
        nonlocal seen, since
        if meter.take() != seen:
            seen, since = meter.take(), time.monotonic()
        return time.monotonic() - since > 0.7

    until(quiet, "quiet")


def burst(home: Path, count: int) -> tuple[float, ...]:
    """Many runs at once for one worker with a limit of 8; per run."""
    with serving(home) as (server, meter):
        api = Api(server.api_url, home)
        runs = [api.create() for _ in range(count)]
        with worker(home, 8):
            finished(runs)
            settle(meter)
            return tuple(value / count for value in meter.take())


def measured(measure: Callable[..., Any], argument: Any) -> Any:
    """A measurement in a process of its own: a process serves one control plane in its life."""
    with tempfile.TemporaryDirectory() as folder:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            return pool.submit(measure, Path(folder), argument).result()


def measure(options: Any) -> list[Row]:
    """The rows of this benchmark."""
    if options.api_url:
        print(
            "units: not counted with --api-url, see the first lines of benchmarks/units.py", file=sys.stderr
        )
        return []
    result = []
    for name, count, amount in (("single", single, 5), ("burst", burst, options.count or 1000)):
        for what, value, budget in zip(NAMES, measured(count, amount), BUDGETS[name], strict=True):
            result.append(Row(f"{name} run: {what}", round(value, 2), "", budget))
    return result


if __name__ == "__main__":
    run_alone(__doc__, measure)
