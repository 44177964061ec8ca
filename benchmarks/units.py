"""What a run costs in requests and units: the counted rows of the budget.

A real worker process runs no-op flows against the embedded control plane, which serves inside this process
so that every AWS call can be counted (`recorder.py`) together with the HTTP requests for the API and for
SQS that the worker sends. Long polls that come back empty are counted too.

- one short run: created by the API while one worker idles on one queue, no limits;
- the same under a burst: 1,000 runs (`--burst`) created, then one worker with a limit of 8;
- items read by a tick and by list pages, with few and with many finished runs in the table (`--history`).

Run it with `python -m benchmarks.units`. Counted, not timed: the figures depend on the order of events
only, so a busy machine changes the burst's a little and the others not at all.
"""

from __future__ import annotations

import argparse
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
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from benchmarks.recorder import Bill, recording
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

    found = control_plane().ports.runs.read_many([UUID(run) for run in runs])
    return {run.state.type.value for run in found.values()}


def finished(meter: Meter, runs: list[str]) -> tuple[float, float, float, float]:
    """Wait until the runs are over; the figures without what the waiting itself read."""
    pending = list(runs)

    def all_over() -> bool:
        nonlocal pending
        read = meter.bill.read_units
        part = pending[:50]
        over = states(part) == {"COMPLETED"}
        meter.bill.read_units = read
        pending = pending[50:] if over else pending
        return not pending

    until(all_over, "the runs are over")
    return meter.take()


def single(home: Path, repeats: int) -> tuple[float, ...]:
    """One short run at a time; the mean of several."""
    with serving(home) as (server, meter):
        api = Api(server.api_url, home)
        with worker(home, 1):
            finished(meter, [api.create()])
            settle(meter)
            meter.clear()
            for _ in range(repeats):
                finished(meter, [api.create()])
                settle(meter)
            return tuple(value / repeats for value in meter.take())


def settle(meter: Meter) -> None:
    """Wait until no request has come for a while: the last doorbell is deleted, the next long poll is on."""
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
            taken = finished(meter, runs)
        return tuple(value / count for value in taken)


def history(home: Path, counts: list[int]) -> dict[int, dict[str, int]]:
    """Items that a tick and list pages read, with so many finished runs in the table."""
    from datetime import UTC, datetime, timedelta

    from chalicelib.domain import runs as domain
    from chalicelib.domain.names import new_run_id
    from chalicelib.domain.transitions import Cause
    from chalicelib.wiring import control_plane
    from headrace.contract.states import StateType

    found: dict[int, dict[str, int]] = {}
    left: list[str] = []
    with serving(home) as (server, meter):
        api = Api(server.api_url, home)
        plane = control_plane()
        pattern = plane.ports.runs.require(UUID(api.create()))
        made, now = 0, datetime.now(UTC)
        for count in counts:
            while made < count:
                when = now - timedelta(seconds=made % 86_400)
                run = domain.replace(pattern, id=new_run_id(), listed_at=when, due=when)
                over = domain.ended(run, StateType.CANCELLED, Cause.USER, now)
                plane.ports.runs.create(over)
                made += 1
            found[count] = {
                what: _items(meter, call)
                for what, call in {
                    "tick": plane.tick,
                    "flow_runs/filter": lambda: api.ok("POST", "/flow_runs/filter", {"limit": 50}),
                    "flow_runs/filter of a deployment": lambda: api.ok(
                        "POST",
                        "/flow_runs/filter",
                        {"limit": 50, "deployments": {"id": {"any_": [api.deployment]}}},
                    ),
                    "deployments/filter": lambda: api.ok("POST", "/deployments/filter", {"limit": 50}),
                    "work_pools/filter": lambda: api.ok("POST", "/work_pools/filter", {}),
                    "create_flow_run": lambda: left.append(api.create()),
                }.items()
            }
            # Just after midnight a page of all runs reads each one of the new day, so this one, too.
            api.ok("DELETE", f"/flow_runs/{left.pop()}")
    return found


def _items(meter: Meter, call: Callable[[], Any]) -> int:
    before = meter.bill.items_read
    call()
    return meter.bill.items_read - before


def measured(measure: Callable[..., Any], argument: Any) -> Any:
    """A measurement in a process of its own: a process serves one control plane in its life."""
    with tempfile.TemporaryDirectory() as folder:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            return pool.submit(measure, Path(folder), argument).result()


def rows(burst_size: int = 1000, history_sizes: tuple[int, ...] = (1000, 5000)) -> list[dict[str, Any]]:
    """All counted rows with their budgets."""
    result = []
    for name, measure, argument in (("single", single, 5), ("burst", burst, burst_size)):
        for what, value, budget in zip(NAMES, measured(measure, argument), BUDGETS[name], strict=True):
            result.append({"row": f"{name} run: {what}", "value": round(value, 2), "budget": budget})
    found = measured(history, list(history_sizes))
    first = found[history_sizes[0]]
    for count in history_sizes[1:]:
        for what, items in found[count].items():
            row = f"items read by {what} at {count} finished runs, against {history_sizes[0]}"
            result.append({"row": row, "value": items, "budget": first[what]})
    return result


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--burst", type=int, default=1000)
    parser.add_argument("--history", type=int, nargs="+", default=[1000, 5000])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keys", action="store_true", help="ask for API keys, as in the cloud")
    options = parser.parse_args()
    os.environ["HEADRACE_REQUIRE_KEYS"] = str(int(options.keys))
    table = rows(options.burst, tuple(options.history))
    if options.json:
        print(json.dumps(table))
        return
    for row in table:
        mark = "ok" if row["value"] <= row["budget"] else "OVER"
        print(f"{row['row']:<75} {row['value']:>8} {row['budget']:>8}  {mark}")


if __name__ == "__main__":
    main()
