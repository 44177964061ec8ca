"""The table does not grow without end: whatever a run leaves behind expires, and so do the traces of workers."""

from __future__ import annotations

from typing import Any

from tests.support.plane import Rig, WorkerRig

HISTORY = {"RUN", "PARAMETERS", "OUTCOME", "LOG", "WORKER", "SESSION"}
"""Kinds of items that work leaves behind: each must expire."""
KEPT = {
    "POOL", "QUEUE", "ID", "FLOW", "DEPLOYMENT", "SCHEDULE", "VERSION", "DEFINITION", "SLOTS", "KEY", "TICK", "LINE",
}  # fmt: skip
"""Kinds that people make, or that there is one of; they stay until they are deleted."""
TIMED = {"DAY"}
"""Kinds of which there is one for each day at most."""
LONG = "x" * 30_000


def items(plane: Rig) -> list[dict[str, Any]]:
    """Every item of the table, without a call of AWS."""
    return [
        {name: value.value for name, value in stored.attrs.items()}
        for rows in plane.aws.table.items.values()
        for stored in rows.values()
    ]


def kind(item: dict[str, Any]) -> str:
    return str(item["sk"]).partition("#")[0]


def said(worker: WorkerRig, grant: Any, now: object) -> None:
    record = {"at": now, "level": 20, "name": "flow", "message": "said"}
    worker.sync(logs=[{"run": grant["run"], "attempt": grant["attempt"], "seq": 1, "records": [record]}])


def test_all_that_work_leaves_behind_expires(plane: Rig) -> None:
    plane.pool()
    noise = "".join(f"{number:x}" for number in range(20_000))
    schedule = {"schedule": {"cron": "0 0 * * *"}, "slug": "daily"}
    deployment = plane.deployment(schedules=[schedule], concurrency_limit=3, tags=["a"])
    for number in range(5):
        plane.run(deployment, parameters={"noise": noise, "number": number})
    worker = plane.worker(limit=3)
    done, failed, cancelled = worker.claim(3)
    for grant in (done, failed, cancelled):
        worker.start(grant)
        said(worker, grant, plane.clock.now)
    worker.end(done, result=LONG)
    worker.end(failed, "FAILED", message=LONG[:1000])
    plane.ok("POST", f"/flow_runs/{cancelled['run']}/set_state", {"state": {"type": "CANCELLING"}})
    worker.end(cancelled, "CANCELLED")
    (crashed,) = worker.claim(1)
    worker.start(crashed)
    plane.clock.forward(1000)
    plane.plane.tick()
    plane.clock.forward(1000)
    plane.plane.tick()
    assert plane.read(crashed["run"])["state_type"] == "CRASHED"
    for run in plane.ok("POST", "/flow_runs/filter", {}):
        if run["state_type"] == "SCHEDULED":
            plane.ok("POST", f"/flow_runs/{run['id']}/set_state", {"state": {"type": "CANCELLED"}})

    everything = items(plane)
    kinds = {kind(item) for item in everything}
    assert kinds <= HISTORY | KEPT | TIMED, (
        f"of {kinds - HISTORY - KEPT - TIMED} nobody said whether they expire"
    )
    assert {"RUN", "PARAMETERS", "LOG", "WORKER", "SESSION"} <= kinds
    forever = [item["sk"] for item in everything if kind(item) in HISTORY and not item.get("expires_at")]
    assert forever == []


def test_what_was_large_and_is_not_any_more_is_left_by_nobody(plane: Rig) -> None:
    """Large parameters that are changed, and the traceback of an attempt after which another did better."""
    plane.pool()
    noise = "".join(f"{number:x}" for number in range(20_000))
    run = plane.run(plane.deployment(retry_policy={"retries": 1}), parameters={"noise": noise})
    plane.ok("PATCH", f"/flow_runs/{run['id']}", {"parameters": {}})
    assert {kind(item) for item in items(plane)}.isdisjoint({"PARAMETERS", "OUTCOME"})
    worker = plane.worker()
    worker.start(worker.claim()[0])
    worker.end(run["id"], "FAILED", error={"type": "E", "message": "m", "traceback": noise[:50_000]})
    assert "OUTCOME" in {kind(item) for item in items(plane)}
    worker.said.clear()
    worker.start(worker.claim()[0])
    worker.end(run["id"], result=1)
    assert plane.read(run)["state_type"] == "COMPLETED"
    assert "OUTCOME" not in {kind(item) for item in items(plane)}
