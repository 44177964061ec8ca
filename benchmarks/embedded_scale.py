"""Create, claim, finish and list with few and with many runs in the embedded control plane's table.

Finished runs are put into the table first (1,000, then up to `--count`, usually 100,000) by the service's own
code in this process; then a session of a worker is played: create, one sync that claims, one that reports
the end, one page of a list, each over HTTP, medians of 20. All are meant to stay as they were.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from benchmarks.rows import Row, run_alone

SAMPLES = 20
SLOWER = 1.5


class Player:
    """A worker's part, played over HTTP."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=60)
        self.call("POST", "/work_pools/", {"name": "scale", "type": "process"})
        flow = self.call("POST", "/flows/", {"name": "noop"})
        body = {"name": "b", "flow_id": flow["id"], "work_pool_name": "scale", "entrypoint": "flows.py:noop"}
        self.deployment = str(self.call("POST", "/deployments/", body)["id"])

    def begin(self) -> None:
        """Open a session: the one before has lapsed while the table was filled."""
        self.session, self.seq = str(uuid.uuid4()), 0
        body = {"session": self.session, "info": {"limit": 10}}
        self.call("POST", "/work_pools/scale/workers/w/sessions", body)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The answer of a call that must succeed."""
        answer = self.http.request(method, path, json=body)
        if answer.is_error:
            raise SystemExit(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json() if answer.content else None

    def create(self) -> str:
        """A run."""
        return str(self.call("POST", f"/deployments/{self.deployment}/create_flow_run", {})["id"])

    def sync(self, **what: Any) -> Any:
        """One sync."""
        self.seq += 1
        body = {"session": self.session, "seq": self.seq, "slots": 10, "heard": self.seq - 1, **what}
        return self.call("POST", "/work_pools/scale/workers/w/sync", body)

    def list(self) -> Any:
        """The newest page."""
        return self.call("POST", "/flow_runs/filter", {"limit": 50})


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Milliseconds, and the answer."""
    before = time.perf_counter()
    answer = call()
    return (time.perf_counter() - before) * 1000, answer


def sample(player: Player) -> dict[str, float]:
    """Medians of each step."""
    player.begin()
    times: dict[str, list[float]] = {"create": [], "claim": [], "finish": [], "list": []}
    for _ in range(SAMPLES):
        took, run = timed(player.create)
        times["create"].append(took)
        took, answer = timed(lambda run=run: player.sync(want=1, hints=[run]))
        times["claim"].append(took)
        held = [{"run": run, "attempt": answer["granted"][0]["attempt"]}]
        now = datetime.now(UTC).isoformat()
        reports = [
            {**held[0], "seq": 1, "at": now, "kind": "started"},
            {**held[0], "seq": 2, "at": now, "kind": "ended", "state_type": "COMPLETED"},
        ]
        took, _ = timed(lambda held=held, reports=reports: player.sync(want=0, held=held, reports=reports))
        times["finish"].append(took)
        times["list"].append(timed(player.list)[0])
    return {name: statistics.median(found) for name, found in times.items()}


def pattern_of(run: str) -> Any:
    """A waiting run, of which finished ones are made."""
    from chalicelib.wiring import control_plane

    return control_plane().ports.runs.require(uuid.UUID(run))


def fill(model: Any, first: int, last: int) -> None:
    """Put finished runs into the table."""
    from chalicelib.domain import runs as domain
    from chalicelib.domain.names import new_run_id
    from chalicelib.domain.transitions import Cause
    from chalicelib.wiring import control_plane
    from headrace.contract.states import StateType

    store = control_plane().ports.runs
    now = datetime.now(UTC)
    for number in range(first, last):
        when = now - timedelta(seconds=number % 86_400)
        run = domain.replace(model, id=new_run_id(), listed_at=when, due=when)
        store.create(domain.ended(run, StateType.CANCELLED, Cause.USER, now))


def measure(options: Any) -> list[Row]:
    """The rows of this benchmark."""
    if options.api_url:
        return []  # a table that others use is not filled
    from headrace.local.server import EmbeddedServer, ServerOptions

    many = options.count or 100_000
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HEADRACE_HOME"] = folder
        server = EmbeddedServer(ServerOptions(port=0, data_dir=Path(folder) / "server"))
        server.start()
        try:
            player = Player(server.api_url)
            run = player.create()
            pattern = pattern_of(run)
            player.call("POST", f"/flow_runs/{run}/set_state", {"state": {"type": "CANCELLED"}})
            fill(pattern, 0, 1_000)
            few = sample(player)
            fill(pattern, 1_000, many)
            found = sample(player)
        finally:
            server.stop()
    rows = [Row(f"embedded, 1,000 runs in the table: {name}", value, "ms") for name, value in few.items()]
    for name, value in found.items():
        rows.append(Row(f"embedded, {many:,} runs in the table: {name}", value, "ms", SLOWER * few[name]))
    return rows


if __name__ == "__main__":
    run_alone(__doc__, measure)
