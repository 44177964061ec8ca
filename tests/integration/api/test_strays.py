"""A queue or pool is deleted while a worker has a run of it: the run waits elsewhere, or is over."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.plane import Rig, WorkerRig
from tests.support.strict import Call

RETRIES = {"retry_policy": {"retries": 3, "delay": 60}}


def claimed_meanwhile(plane: Rig, path: str) -> tuple[WorkerRig, Any]:
    """A run that was claimed after the deletion had asked what runs; and the deletion was done."""
    plane.pool()
    queue = plane.ok("POST", "/work_pools/pool/queues", {"name": "q"})
    run = plane.run(plane.deployment(work_queue_name="q", **RETRIES))
    worker = plane.worker(limit=2)

    def claim(call: Call) -> None:
        if call.operation == "Query" and "READY#pool/q" in str(call.params):
            plane.aws.watch = None
            assert [grant["run"] for grant in worker.claim()] == [run["id"]]

    plane.aws.watch = claim
    plane.ok("DELETE", path.format(**queue))
    assert plane.read(run)["state_type"] == "PENDING"
    return worker, run


QUEUE = "/work_queues/{id}?cancel_runs=true"
POOL = "/work_pools/pool?cancel_runs=true"


@pytest.mark.parametrize("how", ["ended", "released"])
def test_a_run_given_back_to_a_queue_that_is_gone_waits_in_the_default_queue(plane: Rig, how: str) -> None:
    worker, run = claimed_meanwhile(plane, QUEUE)
    if how == "ended":
        worker.start(run["id"])
        worker.end(run["id"], "FAILED")
    else:
        worker.report(run["id"], how)
    found = plane.read(run)
    assert (found["state_type"], found["work_queue_name"]) == ("SCHEDULED", "default")
    plane.clock.forward(61)
    assert [grant["run"] for grant in worker.claim()] == [run["id"]]


def test_a_run_lost_with_its_worker_waits_in_the_default_queue(plane: Rig) -> None:
    worker, run = claimed_meanwhile(plane, QUEUE)
    plane.ok("DELETE", f"/work_pools/pool/workers/{worker.name}/sessions/{worker.session}")
    found = plane.read(run)
    assert (found["state_type"], found["work_queue_name"]) == ("SCHEDULED", "default")


def test_a_run_whose_pool_is_gone_is_over_and_keeps_its_error(plane: Rig) -> None:
    worker, run = claimed_meanwhile(plane, POOL)
    told = {"run": run["id"], "attempt": 1, "at": plane.clock.now}
    error = {"type": "ValueError", "message": "no"}
    started = {**told, "seq": 1, "kind": "started", "pid": 1}
    ended = {**told, "seq": 2, "kind": "ended", "state_type": "FAILED", "error": error}
    worker.sync(reports=[started, ended], pool_revision=worker.registered["pool_revision"])
    found = plane.read(run)
    assert (found["state_type"], found["error"]["message"]) == ("CANCELLED", "no")
    assert found["state"]["message"] == "Its work pool 'pool' was deleted before it could start again."


def test_a_run_given_back_before_its_queue_was_removed_is_found_by_the_tick(plane: Rig) -> None:
    """The deletion has looked at what waits, and the queue is still there as the run comes back."""
    plane.pool()
    queue = plane.ok("POST", "/work_pools/pool/queues", {"name": "q"})
    run = plane.run(plane.deployment(work_queue_name="q"))
    worker = plane.worker()

    def claim(call: Call) -> None:
        text = str(call.params)
        if call.operation == "Query" and "READY#pool/q" in text:
            plane.aws.watch = release
            worker.claim()

    def release(call: Call) -> None:
        if call.operation == "TransactWriteItems":
            plane.aws.watch = None
            worker.report(run["id"], "released")

    plane.aws.watch = claim
    plane.ok("DELETE", f"/work_queues/{queue['id']}?cancel_runs=true")
    assert plane.aws.watch is None
    assert plane.read(run)["work_queue_name"] == "q"
    plane.plane.tick()
    assert plane.read(run)["work_queue_name"] == "default"
    assert [grant["run"] for grant in worker.claim()] == [run["id"]]


def test_the_tick_looks_for_a_while_and_then_no_more(plane: Rig) -> None:
    plane.pool()
    queue = plane.ok("POST", "/work_pools/pool/queues", {"name": "q"})
    plane.ok("DELETE", f"/work_queues/{queue['id']}")
    for _ in range(7):
        plane.clock.forward(60)
        plane.plane.tick()
    plane.aws.calls.clear()
    plane.plane.tick()
    assert not [call for call in plane.aws.calls if "READY#pool/q" in str(call.params)]


def test_a_run_is_started_again_where_there_is_a_queue(plane: Rig) -> None:
    plane.pool()
    queue = plane.ok("POST", "/work_pools/pool/queues", {"name": "q"})
    run = plane.run(plane.deployment(), work_queue_name="q")
    plane.ok("DELETE", f"/work_queues/{queue['id']}?cancel_runs=true")
    again = {"state": {"type": "SCHEDULED"}, "force": True}
    assert plane.ok("POST", f"/flow_runs/{run['id']}/set_state", again)["status"] == "ACCEPT"
    assert plane.read(run)["work_queue_name"] == "default"


@pytest.mark.parametrize(
    ("path", "word"),
    [("/deployments/{deployment}?cancel_runs=true", "deployment 'flow/main'"), (POOL, "work pool 'pool'")],
)
def test_what_nothing_could_start_is_not_started_again(plane: Rig, path: str, word: str) -> None:
    """It would be skipped at once, and what it came to before would be forgotten."""
    plane.pool()
    deployment = plane.deployment()
    run = plane.run(deployment)
    plane.ok("DELETE", path.format(deployment=deployment["id"]))
    again = {"state": {"type": "SCHEDULED"}, "force": True}
    answer = plane.ok("POST", f"/flow_runs/{run['id']}/set_state", again)
    assert answer["status"] != "ACCEPT"
    assert answer["details"]["reason"].startswith(f"The run cannot start again: its {word} was deleted.")
    assert plane.read(run)["state_type"] == "CANCELLED"


def _waits_for_a_tag(plane: Rig) -> tuple[Any, WorkerRig, Any, Any]:
    """A queue with a run that waits for a tag's limit, and the run that holds it, in a worker's hands."""
    plane.pool()
    plane.pool("other")
    plane.ok("POST", "/work_pools/other/queues", {"name": "fast"})
    queue = plane.ok("POST", "/work_pools/pool/queues", {"name": "q"})
    plane.ok("POST", "/v2/concurrency_limits", {"name": "db", "limit": 1})
    deployment = plane.deployment(tags=["db"])
    holder = plane.run(deployment)
    worker = plane.worker()
    assert [grant["run"] for grant in worker.claim()] == [holder["id"]]
    worker.start(holder["id"])
    return queue, worker, holder, plane.run(deployment, work_queue_name="q")


@pytest.mark.parametrize("target", ["other/fast", "new"])
def test_a_promotion_judges_none_by_the_place_that_it_has_left(plane: Rig, target: str) -> None:
    """It has found the run in its line, and reads it when it is moved: to another pool, or a queue made just now."""
    queue, worker, holder, run = _waits_for_a_tag(plane)
    seen: list[Call] = []

    def move(call: Call) -> None:
        if call.operation == "Query" and "LINE#tag:db" in str(call.params) and "pool/q#'" in str(call.params):
            seen.append(call)
        elif call.operation == "BatchGetItem" and seen:
            plane.aws.watch = None
            if target == "new":
                plane.ok("POST", "/work_pools/pool/queues", {"name": target})
            plane.ok("DELETE", f"/work_queues/{queue['id']}?move_to={target}")

    plane.aws.watch = move
    worker.end(holder["id"])
    assert plane.aws.watch is None
    plane.plane.tick()
    found = plane.read(run)
    assert (found["state_type"], found["work_queue_name"]) == ("SCHEDULED", target.rpartition("/")[2])
    mine = worker if target == "new" else plane.worker("other", "w2")
    assert [grant["run"] for grant in mine.claim()] == [run["id"]]


def test_nor_by_an_index_that_still_shows_it_there(plane: Rig) -> None:
    queue, worker, holder, run = _waits_for_a_tag(plane)
    plane.aws.lag(30)

    def end(call: Call) -> None:
        if call.operation == "PutItem" and "GONE#" in str(call.params):
            plane.aws.watch = None
            worker.end(holder["id"])

    plane.aws.watch = end
    plane.ok("DELETE", f"/work_queues/{queue['id']}?move_to=other/fast")
    assert plane.aws.watch is None
    plane.aws.lag(0)
    assert plane.read(run)["state_type"] == "SCHEDULED"


def test_a_run_made_for_a_line_as_its_queue_goes_is_taken_back(plane: Rig) -> None:
    plane.pool()
    queue = plane.ok("POST", "/work_pools/pool/queues", {"name": "q"})
    deployment = plane.deployment(paused=True)

    def delete(call: Call) -> None:
        if call.operation == "PutItem" and call.params["Item"]["pk"]["S"].startswith("RUN#"):
            plane.aws.watch = None
            plane.ok("DELETE", f"/work_queues/{queue['id']}")

    plane.aws.watch = delete
    path = f"/deployments/{deployment['id']}/create_flow_run"
    assert plane.call("POST", path, {"work_queue_name": "q"}).status == 404
    assert plane.ok("POST", "/flow_runs/filter", {}) == []


def test_one_that_the_deletion_did_not_see_in_the_line_of_its_paused_deployment_is_found(plane: Rig) -> None:
    plane.pool()
    queue = plane.ok("POST", "/work_pools/pool/queues", {"name": "q"})
    deployment = plane.deployment(paused=True)
    plane.aws.lag(3)
    run = plane.run(deployment, work_queue_name="q")
    plane.ok("DELETE", f"/work_queues/{queue['id']}")
    plane.aws.lag(0)
    plane.plane.tick()
    plane.ok("PATCH", f"/deployments/{deployment['id']}", {"paused": False})
    assert [grant["run"] for grant in plane.worker().claim()] == [run["id"]]


def test_a_look_that_one_tick_has_no_time_for_is_gone_on_with_and_comes_to_an_end(plane: Rig) -> None:
    """In more lines than a tick gets through; with two deletions, and a run in the queue of the second."""
    plane.pool()
    queues = [plane.ok("POST", "/work_pools/pool/queues", {"name": name}) for name in ("q0", "q1")]
    for number in range(30):
        plane.ok("POST", "/v2/concurrency_limits", {"name": f"t{number:02}", "limit": 0})
    deployment = plane.deployment(tags=["t29"])
    plane.ok("DELETE", f"/work_queues/{queues[0]['id']}")
    plane.clock.forward(1)
    plane.aws.lag(3)
    run = plane.run(deployment, work_queue_name="q1")
    plane.ok("DELETE", f"/work_queues/{queues[1]['id']}")
    plane.aws.lag(0)

    def slowly(call: Call) -> None:
        if call.operation == "Query" and "LINE#" in str(call.params):
            plane.clock.forward(0.5)

    def tick() -> None:
        plane.aws.watch = slowly
        plane.plane.tick()
        plane.aws.watch = None
        plane.clock.forward(50)

    for _ in range(4):
        tick()
    assert plane.read(run)["work_queue_name"] == "default"
    assert len(plane.plane.ports.watermark.read().gone) == 2, "requests that began before may still write"
    for _ in range(12):
        tick()
    assert plane.plane.ports.watermark.read().gone == []
