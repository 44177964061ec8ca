"""Sessions, `sync` and the tick under faults."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from headrace.contract.states import StateName, StateType
from tests.faults.conductor import Scenario, Scene
from tests.support.plane import Reply, Rig, WorkerRig
from tests.support.world import World

PATH = "/work_pools/pool/workers/w1"
SYNC = "POST /work_pools/{pool}/workers/{worker}/sync"
RETRIED = {"retries": 1, "max_lost": 3}


def _crowd(rig: Rig, **values: Any) -> Scene:
    """A pool with two queues and limits of every kind, and runs that want more than there is."""
    rig.pool(concurrency_limit=4)
    rig.ok("POST", "/work_pools/pool/queues", {"name": "fast", "priority": 1, "concurrency_limit": 2})
    rig.ok("POST", "/v2/concurrency_limits", {"name": "db", "limit": 1})
    worker = rig.worker(limit=5)
    scene = Scene(workers=[worker])
    scene.deployment = rig.deployment(concurrency_limit=3, retry_policy=RETRIED, **values)
    scene.fast = rig.deployment(name="fast", work_queue_name="fast")
    scene.runs = [rig.run(scene.deployment, tags=["db"] if number % 2 else []) for number in range(6)]
    scene.runs += [rig.run(scene.fast) for _ in range(3)]
    return scene


def _resumed(rig: Rig) -> Scene:
    """More wait in the line of a resumed deployment than were promoted at once."""
    rig.pool()
    scene = Scene(workers=[rig.worker(limit=5)])
    scene.deployment = rig.deployment(paused=True, retry_policy=RETRIED)
    scene.runs = [rig.run(scene.deployment) for _ in range(4)]
    rig.ok("PATCH", f"/deployments/{scene.deployment['id']}", {"paused": False})
    return scene


def _running(rig: Rig, runs: int = 5) -> Scene:
    scene = _crowd(rig)
    worker = scene.workers[0]
    for number, grant in enumerate(worker.claim(runs)):
        if number:
            worker.start(grant)
    return scene


def _two_in_hand(rig: Rig) -> Scene:
    return _running(rig, runs=2)


def _body(worker: WorkerRig, **more: Any) -> dict[str, Any]:
    held = [{"run": run, "attempt": attempt} for run, attempt in worker.held.items()]
    base = {"session": worker.session, "seq": worker.seq + 1, "slots": worker.limit, "want": 0, "held": held}
    return {**base, "heard": worker.seq, **more}


def _sync(rig: Rig, scene: Scene, body: dict[str, Any]) -> Reply:
    """A worker takes note of what an answer grants; the number rises once the answer has come."""
    reply = rig.call("POST", f"{PATH}/sync", body)
    worker = scene.workers[0]
    if reply.status == 200:
        scene.answered = True
        for grant in reply.body["granted"]:
            worker.held[grant["run"]] = grant["attempt"]
        for verdict in reply.body["verdicts"]:
            # What failed is retried, maybe by this very answer: then the repeat is of an old attempt.
            fenced = "fenced" if verdict["state"]["type"] == "PENDING" else "repeated"
            assert verdict["verdict"] in ("accepted", "repeated", fenced), verdict
    return reply


def _claim(rig: Rig, scene: Scene) -> Reply:
    scene.body = getattr(scene, "body", None) or _body(
        scene.workers[0], want=5, hints=[run["id"] for run in scene.runs]
    )
    reply = _sync(rig, scene, scene.body)
    scene.workers[0].seq = scene.body["seq"]
    return reply


def _granted(rig: Rig, scene: Scene, now: World) -> None:
    held = {run.id for run in now.held()}
    assert held == {UUID(run) for run in scene.workers[0].held}, "the worker knows what it holds"


def _report_all(rig: Rig, scene: Scene) -> Reply:
    """Everything at once: starts, ends of each kind, logs, and the wish for more."""
    worker = scene.workers[0]
    if not hasattr(scene, "body"):
        first, second, third, *_ = worker.held
        reports = [
            _report(worker, first, "started", pid=7),
            _report(worker, first, "ended", more=1, state_type="COMPLETED"),
            _report(worker, second, "ended", state_type="FAILED", error={"type": "ValueError"}),
            _report(worker, third, "ended", state_type="COMPLETED", result={"rows": list(range(900))}),
        ]
        record = {"at": rig.clock.now, "level": 20, "name": "n", "message": "m"}
        logs = [{"run": first, "attempt": 1, "seq": 1, "records": [record]}]
        scene.ended = [first, second, third]
        for run in scene.ended:
            worker.held.pop(run)
        scene.body = _body(worker, want=3, reports=reports, logs=logs)
    reply = _sync(rig, scene, scene.body)
    worker.seq = scene.body["seq"]
    return reply


def _report(worker: WorkerRig, run: str, kind: str, more: int = 0, **values: Any) -> dict[str, Any]:
    seq = worker.said.get(run, 0) + 1 + more
    attempt = worker.held[run]
    return {"run": run, "attempt": attempt, "seq": seq, "kind": kind, "at": worker.rig.clock.now, **values}


def _reported(rig: Rig, scene: Scene, now: World) -> None:
    first, second, third = (now.runs[UUID(run)] for run in scene.ended)
    assert first.state.type is StateType.COMPLETED
    assert third.state.type is StateType.COMPLETED
    assert first.run_count == third.run_count == 1
    assert second.attempt == 1 or second.is_held, "it failed once, and is retried once if its policy says so"
    _granted(rig, scene, now)


def _cancelled(rig: Rig) -> Scene:
    scene = _running(rig, runs=3)
    rig.clock.forward(1)
    for run in list(scene.workers[0].held)[:2]:
        rig.ok("POST", f"/flow_runs/{run}/set_state", {"state": {"type": "CANCELLING"}})
    return scene


def _report_cancelled(rig: Rig, scene: Scene) -> Reply:
    worker = scene.workers[0]
    if not hasattr(scene, "body"):
        scene.ended = list(worker.held)[:2]
        reports = [_report(worker, run, "cancelled") for run in scene.ended]
        for run in scene.ended:
            worker.held.pop(run)
        scene.body = _body(worker, reports=reports, want=2)
    reply = _sync(rig, scene, scene.body)
    worker.seq = scene.body["seq"]
    return reply


def _are_cancelled(rig: Rig, scene: Scene, now: World) -> None:
    assert all(now.runs[UUID(run)].state.type is StateType.CANCELLED for run in scene.ended)


def _register(rig: Rig, scene: Scene) -> Reply:
    if not hasattr(scene, "session"):
        old = scene.workers[0]
        scene.session, scene.lost = str(uuid4()), [{"run": r, "attempt": a} for r, a in old.held.items()]
        scene.old = old.session
        scene.workers[0] = WorkerRig(rig, "pool", "w1", scene.session, limit=5)
    body = {"session": scene.session, "info": {"host": "host", "limit": 5}}
    body |= {"predecessor": scene.old, "lost": scene.lost}
    return rig.call("POST", f"{PATH}/sessions", body)


def _succeeded(rig: Rig, scene: Scene, now: World) -> None:
    assert now.sessions[UUID(scene.session)].is_open
    assert not now.sessions[UUID(scene.old)].is_open
    assert rig.aws.has_queue(now.sessions[UUID(scene.session)].control_queue_url)
    assert not any(run.session == UUID(scene.old) for run in now.held())
    assert _control_queues(rig) == 1


def _control_queues(rig: Rig) -> int:
    return sum("-c" in name for name in rig.aws.queues)


def _leaving(rig: Rig) -> Scene:
    scene = _two_in_hand(rig)
    scene.leaving, scene.workers = scene.workers[0], []
    return scene


def _left(rig: Rig, scene: Scene, now: World) -> None:
    assert not list(now.held())
    assert _control_queues(rig) == 0
    scene.workers.append(rig.worker(name="w2", limit=5))


def _is_leaving(rig: Rig, scene: Scene, now: World) -> None:
    (told,) = scene.workers
    assert [command["kind"] for command in told.sync(want=1)["commands"]] == ["drain"]
    assert len(list(now.held())) == 2
    scene.workers.append(rig.worker(name="w2", limit=5))


def _leave(rig: Rig, scene: Scene) -> Reply:
    return rig.call("DELETE", f"{PATH}/sessions/{scene.leaving.session}")


def _much_to_do(rig: Rig) -> Scene:
    """For one tick: a lapsed session with runs in each state, full lines, schedules, doorbells to ring."""
    scene = _cancelled(rig)
    rig.plane.tick()
    schedules = [{"schedule": {"cron": "* * * * *"}, "slug": "s"}]
    rig.deployment(name="timed", schedules=schedules, concurrency_limit=1)
    rig.clock.forward(100)
    rig.plane.tick()
    rig.clock.forward(60)
    scene.workers = [rig.worker(name="w2", limit=5)]
    return scene


def _tick(rig: Rig, scene: Scene) -> None:
    rig.plane.tick()


def _rescued(rig: Rig, scene: Scene, now: World) -> None:
    assert not list(now.held())
    cancelled = [run for run in now.runs.values() if run.state.type is StateType.CANCELLED]
    assert sum(run.state.name != StateName.SKIPPED for run in cancelled) == 2
    assert _control_queues(rig) == 1


SCENARIOS = [
    Scenario("claim under limits of every kind", SYNC, _crowd, _claim, _granted),
    Scenario("claim what others follow", SYNC, _resumed, _claim),
    Scenario("report everything, and claim", SYNC, _running, _report_all, _reported),
    Scenario("report cancelled runs", SYNC, _cancelled, _report_cancelled, _are_cancelled),
    Scenario(
        "register after a crash",
        "POST /work_pools/{pool}/workers/{worker}/sessions",
        _two_in_hand,
        _register,
        _succeeded,
    ),
    Scenario(
        "sign off with runs in hand",
        "DELETE /work_pools/{pool}/workers/{worker}/sessions/{session_id}",
        _leaving,
        _leave,
        _left,
    ),
    Scenario(
        "a worker told to leave",
        "POST /work_pools/{pool}/workers/{worker}/drain",
        _two_in_hand,
        lambda rig, scene: rig.call("POST", "/work_pools/pool/workers/w1/drain"),
        _is_leaving,
    ),
    Scenario(
        "a sign of life",
        "POST /work_pools/{pool}/workers/heartbeat",
        lambda rig: _ready(rig),
        lambda rig, scene: rig.call("POST", "/work_pools/pool/workers/heartbeat", {"name": "old"}),
    ),
    Scenario("a tick with much to do", "tick", _much_to_do, _tick, _rescued),
]


def _ready(rig: Rig) -> Scene:
    rig.pool()
    return Scene(workers=[])
