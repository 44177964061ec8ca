"""What calls cost with few and with many finished runs in the embedded control plane's table.

Finished runs are put into the table first (1,000, then up to `--count`, usually 100,000, or as many as ten minutes
allow) by the service's own code in this process; then a session of a worker is played over HTTP: create, one sync
that claims, one that reports the end, one page of a list. Of each: the time until it is answered and the
processor time of this process, which is client and server together; medians of 20. Then create goes on while
the journal is folded into a snapshot. At last the items of the table that each list and a tick read
(`lists.py`), counted, not timed: they are the same for any number of finished runs, since every list is one Query
with a limit of one partition of an index, and a Query that starts at a key reads on from there whatever lies
elsewhere (AWS, "Querying tables in DynamoDB"). What is the same at 1,000 and at 100,000 is so at 1,000,000.
"""

from __future__ import annotations

import os
import statistics
import sys
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from benchmarks.lists import BOUNDED, items_read
from benchmarks.rows import Row, run_alone
from benchmarks.units import measured

SAMPLES = 20
SLOWER = 1.5
FEW, MANY = 1_000, 100_000
FILL_WITHIN = 600.0


class Player:
    """A worker's part, played over HTTP."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=60)
        self.call("POST", "/work_pools/", {"name": "scale", "type": "process"})
        flow = self.call("POST", "/flows/", {"name": "noop"})
        body = {"name": "b", "flow_id": flow["id"], "work_pool_name": "scale", "entrypoint": "flows.py:noop"}
        self.deployment = str(self.call("POST", "/deployments/", body)["id"])
        yearly = {"schedule": {"cron": "0 0 29 2 *"}, "slug": "leap-day"}
        path = f"/deployments/{self.deployment}/schedules"
        (schedule,) = self.call("POST", path, [yearly])
        queue = self.call("GET", "/work_pools/scale/queues/default")
        self.ids = {"deployment_id": self.deployment, "schedule_id": str(schedule["id"]), "name": "scale"}
        self.session, self.seq = str(uuid.uuid4()), 0
        self.call(
            "POST", "/work_pools/scale/workers/w/sessions", {"session": self.session, "info": {"limit": 10}}
        )
        self.ids |= {"pool": "scale", "queue_id": str(queue["id"])}

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


class Took(NamedTuple):
    """Milliseconds of one call: until its answer, and of the processor."""

    waited: float
    cpu: float


def timed(call: Callable[[], Any]) -> tuple[Took, Any]:
    """What a call took, and the answer."""
    cpu, before = time.process_time(), time.perf_counter()
    answer = call()
    return Took((time.perf_counter() - before) * 1000, (time.process_time() - cpu) * 1000), answer


def sample(player: Player) -> dict[str, Took]:
    """Medians of each step."""
    times: dict[str, list[Took]] = {"create": [], "claim": [], "finish": [], "list": []}
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
    return {name: Took(*map(statistics.median, zip(*found, strict=True))) for name, found in times.items()}


class Compactions:
    """The compactions of the server's journal: asked for, and awaited."""

    def __init__(self) -> None:
        from headrace.local.store import Store

        self.runs = threading.Event()
        self._stores: list[Any] = []
        opening, compacting = Store.open, Store.compact

        def opened(store: Any) -> None:
            self._stores.append(store)
            opening(store)

        def compact(store: Any) -> None:
            self.runs.set()
            try:
                compacting(store)
            finally:
                self.runs.clear()

        Store.open, Store.compact = opened, compact  # type: ignore[method-assign, assignment]

    def during(self, call: Callable[[], Any]) -> list[float]:
        """Milliseconds of each call that began while one went on."""
        while self.runs.is_set():
            time.sleep(0.05)  # one that came by itself; the next is as long
        thread = threading.Thread(target=self._stores[0].compact)
        thread.start()
        found = []
        while thread.is_alive():
            found.append(timed(call)[0].waited)
        thread.join()
        return found


def pattern_of(run: str) -> Any:
    """A waiting run, of which finished ones are made."""
    from chalicelib.wiring import control_plane

    return control_plane().ports.runs.require(uuid.UUID(run))


def fill(player: Player, model: Any, first: int, last: int) -> int:
    """Put finished runs into the table, as many as the time allows; gives how many there are.

    The session is kept: in place of a lapsed one there would be two for a while, for every list to read.
    """
    from chalicelib.domain import runs as domain
    from chalicelib.domain.transitions import Cause
    from chalicelib.services.ports import new_id
    from chalicelib.wiring import control_plane
    from headrace.contract.states import StateType

    store = control_plane().ports.runs
    now = datetime.now(UTC)
    midnight = now.replace(
        hour=0, minute=0, second=0, microsecond=0
    )  # all are of today, whatever the time is
    deadline = time.monotonic() + FILL_WITHIN
    for number in range(first, last):
        if time.monotonic() > deadline:
            return number
        if number % 1_000 == 0:
            player.sync(want=0)
        when = now - (now - midnight) * (number % 86_400 / 86_400)
        run = domain.replace(model, id=new_id(), listed_at=when, due=when)
        store.create(domain.ended(run, StateType.CANCELLED, Cause.USER, now))
    return last


def read(player: Player) -> dict[str, int]:
    """Items that lists and a tick read. One more run: past midnight a page reads each of the new day, so it goes."""
    from chalicelib.wiring import control_plane

    run = player.create()
    found = items_read(player.call, control_plane().tick, {**player.ids, "run_id": run})
    player.call("DELETE", f"/flow_runs/{run}")
    return found


def scale(home: Path, many: int) -> list[Row]:
    """All of it, in a process that serves nothing else."""
    from headrace.local.server import EmbeddedServer, ServerOptions

    os.environ["HEADRACE_HOME"] = str(home)
    compactions = Compactions()
    server = EmbeddedServer(ServerOptions(port=0, data_dir=home / "server"))
    server.start()
    try:
        player = Player(server.api_url)
        run = player.create()
        pattern = pattern_of(run)
        player.call("POST", f"/flow_runs/{run}/set_state", {"state": {"type": "CANCELLED"}})
        fill(player, pattern, 0, FEW)
        few, few_read = sample(player), read(player)
        count = fill(player, pattern, FEW, many)
        found, found_read = sample(player), read(player)
        meanwhile = compactions.during(player.create)
    finally:
        server.stop()
    return [
        *(row for name, took in few.items() for row in _rows(FEW, name, took, None)),
        *(row for name, took in found.items() for row in _rows(count, name, took, few[name])),
        Row(f"embedded, {count:,} runs: create while the journal is compacted", _median(meanwhile), "ms"),
        Row("the slowest of these", max(meanwhile, default=0.0), "ms"),
        *(
            Row(f"items read by {what}, at {count:,} runs", items, "", BOUNDED.get(what, few_read[what]))
            for what, items in found_read.items()
        ),
    ]


def _rows(count: int, name: str, took: Took, before: Took | None) -> list[Row]:
    what = f"embedded, {count:,} runs in the table: {name}"
    budgets = (None, None) if before is None else (SLOWER * before.waited, SLOWER * before.cpu)
    return [
        Row(what, took.waited, "ms", budgets[0]),
        Row(f"{what}, processor time", took.cpu, "ms", budgets[1]),
    ]


def _median(values: list[float]) -> float:
    return statistics.median(values or [0.0])


def measure(options: Any) -> list[Row]:
    """The rows of this benchmark."""
    if options.api_url:
        print("embedded_scale: a table that others use is not filled", file=sys.stderr)
        return []
    return list(measured(scale, options.count or MANY))


if __name__ == "__main__":
    run_alone(__doc__, measure)
