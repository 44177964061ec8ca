"""Workers: their sessions, who is online, and what sync says of hints and reports."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from chalicelib.domain.pools import Worker
from tests.integration.api.test_why import why
from tests.support.plane import Reply, Rig


def shown(plane: Rig, pool: str = "pool", **status: Any) -> dict[str, str]:
    body = {"workers": {"status": status}} if status else {}
    return {
        row["name"]: row["status"] for row in plane.ok("POST", f"/work_pools/{pool}/workers/filter", body)
    }


def test_a_worker_is_online_while_its_lease_runs(plane: Rig) -> None:
    plane.pool()
    assert shown(plane) == {}
    worker = plane.worker(limit=2, version="1")
    (row,) = plane.ok("POST", "/work_pools/pool/workers/filter", {})
    assert (row["name"], row["status"], row["limit"], row["host"]) == ("w1", "ONLINE", 2, "host")
    assert (row["session_id"], row["version"]) == (worker.session, "1")
    plane.clock.forward(100)
    worker.sync()
    plane.clock.forward(179)
    assert shown(plane) == {"w1": "ONLINE"}
    plane.clock.forward(2)
    assert shown(plane) == {"w1": "OFFLINE"}
    assert shown(plane, any_=["ONLINE"]) == {}
    assert shown(plane, any_=["OFFLINE", "ONLINE"]) == {"w1": "OFFLINE"}


def test_a_pool_is_ready_while_a_worker_is_online(plane: Rig) -> None:
    plane.pool()
    plane.pool("other")
    worker = plane.worker()
    assert [row["status"] for row in plane.ok("POST", "/work_pools/filter", {})] == ["NOT_READY", "READY"]
    queue = plane.ok("GET", "/work_pools/pool/queues/default")
    assert (queue["status"], queue["last_polled"]) == ("READY", "2026-03-02T12:00:00Z")
    plane.ok("DELETE", f"/work_pools/pool/workers/w1/sessions/{worker.session}")
    assert plane.ok("GET", "/work_pools/pool")["status"] == "NOT_READY"
    assert shown(plane) == {"w1": "OFFLINE"}


def test_signing_off_gives_the_runs_back(plane: Rig) -> None:
    plane.pool()
    run = plane.run(plane.deployment())
    worker = plane.worker()
    worker.claim()
    path = f"/work_pools/pool/workers/w1/sessions/{worker.session}"
    for _ in range(2):
        plane.ok("DELETE", path)
    assert plane.read(run)["state_type"] == "SCHEDULED"
    reply = plane.call(
        "POST", "/work_pools/pool/workers/w1/sync", {"session": worker.session, "seq": 9, "slots": 1}
    )
    assert (reply.status, reply.body["code"]) == (409, "session_closed")
    plane.ok("DELETE", f"/work_pools/pool/workers/w1/sessions/{uuid4()}")


def test_a_worker_that_only_sends_heartbeats(plane: Rig) -> None:
    plane.pool()
    body = {"name": "w3", "heartbeat_interval_seconds": 30}
    plane.ok("POST", "/work_pools/pool/workers/heartbeat", body)
    (row,) = plane.ok(
        "POST", "/work_pools/pool/workers/filter", {"workers": {"status": {"any_": ["ONLINE"]}}}
    )
    assert (row["name"], row["heartbeat_interval_seconds"]) == ("w3", 30)
    assert row["last_heartbeat_time"] == "2026-03-02T12:00:00Z"
    plane.clock.forward(91)
    assert shown(plane) == {"w3": "OFFLINE"}


def test_an_idle_worker_outlasts_the_time_to_its_next_sync(plane: Rig) -> None:
    """Otherwise the tick or another worker closes its session just before it speaks."""
    plane.pool()
    worker, other = plane.worker(), plane.worker(name="other")
    for _ in range(3):
        plane.clock.forward(worker.registered["idle_sync_seconds"])
        plane.plane.tick()
        other.sync()
        worker.sync()


def test_of_a_new_queue_a_worker_hears_where_it_listens(plane: Rig) -> None:
    """One with nothing in hand listens to its work queues alone, one with runs to its control queue, too."""
    plane.pool()
    idle, busy = plane.worker(name="idle"), plane.worker(name="busy")
    plane.run(plane.deployment())
    busy.claim()
    plane.ok("POST", "/work_pools/pool/queues", {"name": "further"})
    (default,) = idle.registered["queues"]
    assert set(told(plane)) == {default["url"], busy.registered["control_queue_url"]}


def told(plane: Rig) -> list[str]:
    """Where it was told since the calls were cleared that the pool changed."""
    sent = [call.params for call in plane.aws.calls if call.operation == "SendMessage"]
    return [one["QueueUrl"] for one in sent if one["MessageBody"] == '{"kind": "sync"}']


def test_of_a_deleted_queue_a_worker_hears_where_it_listens_still(plane: Rig) -> None:
    plane.pool()
    queue = plane.ok("POST", "/work_pools/pool/queues", {"name": "q", "priority": 1})
    worker = plane.worker()
    plane.aws.calls.clear()
    plane.ok("DELETE", f"/work_queues/{queue['id']}")
    urls = {one["name"]: one["url"] for one in worker.registered["queues"]}
    assert told(plane) == [urls["default"]]
    answer = worker.sync()
    assert [one["name"] for one in answer["queues"]] == ["default"]


def test_a_queue_made_again_is_not_where_its_workers_listen(plane: Rig) -> None:
    """They know the one before it by its address; this one has another."""
    plane.pool()
    queue = plane.ok("POST", "/work_pools/pool/queues", {"name": "q"})
    both, alone = plane.worker(name="both"), plane.worker(name="alone", work_queues=["q"])
    plane.ok("DELETE", f"/work_queues/{queue['id']}")
    plane.aws.calls.clear()
    plane.ok("POST", "/work_pools/pool/queues", {"name": "q"})
    (default,) = [one["url"] for one in both.registered["queues"] if one["name"] == "default"]
    assert set(told(plane)) == {default, alone.registered["control_queue_url"]}


def test_a_pool_made_again_is_served_by_those_that_open_a_session_in_it(plane: Rig) -> None:
    """The one before knows the queues of the pool before it: till it hears of that, nobody serves this one."""
    plane.pool()
    worker = plane.worker()
    plane.ok("DELETE", "/work_pools/pool")
    said = {"session": worker.session, "seq": 1, "slots": 1}
    assert plane.call("POST", "/work_pools/pool/workers/w1/sync", said).body["code"] == "not_found"
    plane.pool()
    run = plane.run(plane.deployment())
    assert plane.ok("GET", f"/flow_runs/{run['id']}/why")["code"] == "no_worker"
    assert plane.call("POST", "/work_pools/pool/workers/w1/sync", said).body["code"] == "session_closed"
    assert [grant["run"] for grant in plane.worker().claim()] == [run["id"]]


def test_registering_says_what_a_worker_must_know(plane: Rig) -> None:
    plane.pool()
    plane.ok("POST", "/work_pools/pool/queues", {"name": "urgent", "priority": 1})
    worker = plane.worker()
    answer = worker.registered
    assert [queue["name"] for queue in answer["queues"]] == ["default", "urgent"]
    assert all(plane.aws.has_queue(queue["url"]) for queue in answer["queues"])
    assert plane.aws.has_queue(answer["control_queue_url"])
    assert (answer["lease_seconds"], answer["type"], answer["sqs"]["region"]) == (
        180.0,
        "process",
        "us-east-1",
    )
    assert answer["sync_within_seconds"] < answer["lease_seconds"] / 2
    assert worker.sync(pool_revision=answer["pool_revision"])["queues"] is None
    plane.ok("POST", "/work_pools/pool/queues", {"name": "third"})
    plane.clock.forward(answer["sync_within_seconds"])
    changed = worker.sync(pool_revision=answer["pool_revision"])
    assert [queue["name"] for queue in changed["queues"]] == ["default", "urgent", "third"]


def test_a_worker_of_some_queues_hears_of_no_others(plane: Rig) -> None:
    """Else it would take the doorbells of others away from those that are waiting for them."""
    plane.pool()
    plane.ok("POST", "/work_pools/pool/queues", {"name": "urgent"})
    worker = plane.worker(work_queues=["urgent"])
    assert [queue["name"] for queue in worker.registered["queues"]] == ["urgent"]
    plane.ok("POST", "/work_pools/pool/queues", {"name": "third"})
    plane.clock.forward(worker.registered["sync_within_seconds"])
    changed = worker.sync(pool_revision=worker.registered["pool_revision"])
    assert [queue["name"] for queue in changed["queues"]] == ["urgent"]


def _opens(plane: Rig, **body: object) -> Reply:
    said = {"session": str(uuid4()), "info": {"host": "host"}, **body}
    return plane.call("POST", "/work_pools/pool/workers/w1/sessions", said)


def test_who_was_that_worker_takes_the_place_of_its_session(plane: Rig) -> None:
    plane.pool()
    run = plane.run(plane.deployment())
    old = plane.worker()
    old.claim()
    assert _opens(plane, predecessor=old.session).status == 201
    assert plane.read(run)["state_type"] == "SCHEDULED"
    (row,) = plane.ok("POST", "/work_pools/pool/workers/filter", {})
    assert row["session_id"] not in (None, old.session)


@pytest.mark.parametrize("host", ["host", "elsewhere"])
def test_a_name_is_refused_to_another_until_the_lease_is_over(plane: Rig, host: str) -> None:
    """Also on the same host: with another home its keeper is not found, and keeps the run going."""
    plane.pool()
    run = plane.run(plane.deployment(retry_policy={"retries": 1}))
    worker = plane.worker()
    (grant,) = worker.claim()
    worker.start(grant)
    refused = _opens(plane, info={"host": host}, predecessor=str(uuid4()))
    assert (refused.status, refused.body["code"]) == (409, "worker_online")
    assert "--name" in refused.body["hint"]
    assert "180 s" in refused.body["hint"]
    assert plane.read(run)["state_type"] == "RUNNING"
    plane.clock.forward(181)
    assert _opens(plane, info={"host": host}).status == 201
    assert plane.read(run)["state_name"] == "AwaitingRetry"


def test_hints_are_sorted(plane: Rig) -> None:
    plane.pool()
    plane.ok("POST", "/v2/concurrency_limits", {"name": "db", "limit": 0})
    free, tagged = plane.deployment(name="free"), plane.deployment(name="tagged", tags=["db"])
    first, second, blocked = plane.run(free), plane.run(free), plane.run(tagged)
    over = plane.run(free)
    plane.ok("POST", f"/flow_runs/{over['id']}/set_state", {"state": {"type": "CANCELLED"}})
    worker = plane.worker()
    nobody = str(uuid4())
    hints = [run["id"] for run in (first, second, blocked, over)] + [nobody]
    answer = worker.sync(want=1, hints=hints)
    assert {row["run"]: row["verdict"] for row in answer["hints"]} == {
        first["id"]: "granted",
        second["id"]: "ready",
        blocked["id"]: "blocked",
        over["id"]: "gone",
        nobody: "gone",
    }


@pytest.mark.parametrize("want", [1, 2, 3])
def test_one_bad_report_does_not_fail_the_others(plane: Rig, want: int) -> None:
    plane.pool()
    deployment = plane.deployment()
    runs = [plane.run(deployment) for _ in range(want)]
    worker = plane.worker(limit=want)
    worker.claim(want)

    def report(run: str, **more: Any) -> dict[str, Any]:
        return {"run": run, "attempt": 1, "seq": 1, "kind": "started", "at": plane.clock.now, **more}

    told = [report(run["id"]) for run in runs]
    told += [report(str(uuid4())), report(runs[0]["id"], attempt=7), report(runs[0]["id"])]
    told += [report(runs[0]["id"], seq=2, kind="ended", state_type="SCHEDULED")]
    verdicts = worker.sync(reports=told)["verdicts"]
    assert sorted(row["verdict"] for row in verdicts) == sorted(
        ["accepted"] * want + ["fenced", "fenced", "repeated", "refused"]
    )
    assert {plane.read(run)["state_type"] for run in runs} == {"RUNNING"}


def test_a_repeated_sync_gets_the_same_grants_and_no_more(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment()
    runs = [plane.run(deployment) for _ in range(3)]
    worker = plane.worker(limit=3)
    body = {"session": worker.session, "seq": 1, "slots": 3, "want": 1}
    first, again = (plane.ok("POST", "/work_pools/pool/workers/w1/sync", body)["granted"] for _ in range(2))
    assert [grant["run"] for grant in first] == [grant["run"] for grant in again] == [runs[0]["id"]]
    assert [grant["attempt"] for grant in again] == [1]
    states = [plane.read(run)["state_type"] for run in runs]
    assert states == ["PENDING", "SCHEDULED", "SCHEDULED"]


def test_a_worker_is_shown_for_a_day_after_its_last_session(plane: Rig) -> None:
    plane.pool()
    gone, back = plane.worker(name="gone"), plane.worker(name="back")
    for worker in (gone, back):
        plane.ok("DELETE", f"/work_pools/pool/workers/{worker.name}/sessions/{worker.session}")
    plane.clock.forward(23 * 3600)
    assert shown(plane) == {"gone": "OFFLINE", "back": "OFFLINE"}
    plane.worker(name="back")
    plane.clock.forward(3600)
    assert set(shown(plane)) == {"back"}


def test_all_workers_are_listed_however_many(plane: Rig) -> None:
    plane.pool()
    now = plane.clock.now
    for number in range(205):
        row = Worker("pool", f"w{number:03}", created=now, updated=now)
        plane.plane.ports.pools.put_worker(row, now + timedelta(days=1))
    first = plane.call("POST", "/work_pools/pool/workers/filter", {})
    cursor = first.headers["Headrace-Next-Cursor"]
    second = plane.call("POST", "/work_pools/pool/workers/filter", {"cursor": cursor})
    names = [row["name"] for row in (*first.body, *second.body)]
    assert names == [f"w{number:03}" for number in range(205)]
    assert "Headrace-Next-Cursor" not in second.headers


def test_a_worker_told_to_leave_is_given_nothing_new_and_keeps_what_it_runs(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment()
    first, second = plane.run(deployment), plane.run(deployment)
    worker = plane.worker(limit=2)
    (grant,) = worker.claim(1)
    worker.start(grant)
    for _ in range(2):
        plane.ok("POST", "/work_pools/pool/workers/w1/drain")
    for hints in ([], [second["id"]]):
        answer = worker.sync(want=1, hints=hints)
        assert answer["granted"] == [] and [command["kind"] for command in answer["commands"]] == ["drain"]
    assert answer["hints"] == [{"run": second["id"], "verdict": "ready"}]
    assert why(plane, second) == (
        "no_worker",
        "No worker takes runs of queue 'default' any more: worker 'w1' is about to leave.",
    )
    worker.end(grant)
    assert plane.read(first)["state_type"] == "COMPLETED"
    assert [one["run"] for one in plane.worker(name="w2").claim(1)] == [second["id"]]


def test_a_worker_that_is_gone_cannot_be_told_to_leave(plane: Rig) -> None:
    plane.pool()
    worker = plane.worker()
    plane.ok("DELETE", f"/work_pools/pool/workers/w1/sessions/{worker.session}")
    reply = plane.call("POST", "/work_pools/pool/workers/w1/drain")
    assert (reply.status, reply.body["code"]) == (409, "worker_offline")


def test_a_worker_is_listed_however_long_it_is_online(plane: Rig) -> None:
    plane.pool()
    worker = plane.worker()
    for _ in range(3):
        plane.clock.forward(200 * 86_400)
        worker.sync()
    assert shown(plane) == {"w1": "ONLINE"}
    plane.clock.forward(86_400)
    plane.plane.tick()
    plane.plane.tick()
    plane.clock.forward(2 * 86_400)
    assert shown(plane) == {}
