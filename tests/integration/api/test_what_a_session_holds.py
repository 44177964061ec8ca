"""No run waits in PENDING for ever: what a session holds, its worker lists, or it is found out what became of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from tests.support import world
from tests.support.aws import Carry
from tests.support.faults import _conflict, _repeated
from tests.support.plane import Reply, Rig, WorkerRig
from tests.support.strict import Call

SYNC = "/work_pools/pool/workers/w1/sync"
PART = 12
"""Seconds after which a session looks at what its worker does not list."""


def of_a_run(call: Call) -> bool:
    return call.operation == "PutItem" and call.params["Item"]["pk"]["S"].startswith("RUN#")


def held(plane: Rig, worker: WorkerRig) -> set[str]:
    return {str(run) for run in world.read(plane.aws).sessions[UUID(worker.session)].held}


def once(plane: Rig, of: Any, happen: Any) -> None:
    """The next call that fits goes another way."""

    def fault(call: Call, carry: Carry) -> Any:
        if not of(call):
            return carry()
        plane.aws.fault = None
        return happen(call, carry)

    plane.aws.fault = fault


def test_a_claim_whose_first_answer_was_lost_on_its_way_from_the_table_is_granted(plane: Rig) -> None:
    """The SDK sends it again, and it finds its condition broken by itself."""
    plane.pool()
    worker = plane.worker(limit=2)
    run = plane.run(plane.deployment())
    once(plane, of_a_run, _repeated)
    answer = worker.sync(want=1, hints=[run["id"]])
    assert [(grant["run"], grant["attempt"]) for grant in answer["granted"]] == [(run["id"], 1)]
    assert [hint["verdict"] for hint in answer["hints"]] == ["granted"]


def test_what_ended_leaves_with_its_report(plane: Rig) -> None:
    """So the tick sees the free slot, and an idle worker has the lease of one."""
    plane.pool()
    worker = plane.worker()
    run = plane.run(plane.deployment())
    (grant,) = worker.claim()
    plane.clock.forward(1)
    assert held(plane, worker) == {run["id"]}
    worker.end(grant)
    assert held(plane, worker) == set()
    session = world.read(plane.aws).sessions[UUID(worker.session)]
    assert (session.lease_until - plane.clock.now).total_seconds() == 180


def test_a_doorbell_that_was_lost_is_rung_again_for_a_worker_whose_one_run_has_just_ended(plane: Rig) -> None:
    plane.pool()
    worker, deployment = plane.worker(limit=1), plane.deployment()
    plane.run(deployment)
    (grant,) = worker.claim()
    once(plane, lambda call: call.operation == "SendMessage", lambda call, carry: {"MessageId": "lost"})
    run = plane.run(deployment)

    def rung() -> int:
        before = len(plane.aws.calls)
        plane.plane.tick()
        calls = plane.aws.calls[before:]
        return sum(run["id"] in str(call.params) for call in calls if call.service == "sqs")

    assert rung() == 0, "nobody has a slot for it"
    worker.end(grant)
    assert rung() == 1


@pytest.mark.parametrize("heard", [500, 1])
def test_an_answer_heard_in_another_session_is_no_word_about_this_one(plane: Rig, heard: int) -> None:
    plane.pool()
    run = plane.run(plane.deployment())
    worker = plane.worker(limit=3)
    body = {"session": worker.session, "seq": 1, "slots": 3, "want": 1, "heard": heard}
    granted = [plane.ok("POST", SYNC, body)["granted"] for _ in range(2)]
    assert [[grant["run"] for grant in grants] for grants in granted] == [[run["id"]]] * 2


def test_claims_that_come_after_the_answer_to_a_repeat_are_granted_again(plane: Rig) -> None:
    """The first handler has claimed one of two when its connection breaks; the repeat's answer knows of that one."""
    plane.pool()
    worker, deployment = plane.worker(limit=3), plane.deployment()
    worker.sync()
    runs = [plane.run(deployment)["id"] for _ in range(2)]
    body = {"session": worker.session, "seq": 2, "slots": 3, "want": 2, "hints": runs, "heard": 1}
    answers: list[Reply] = []
    claims = 0

    def fault(call: Call, carry: Carry) -> Any:
        nonlocal claims
        claims += of_a_run(call)
        if claims == 2:
            plane.aws.fault = None
            answers.append(plane.call("POST", SYNC, body))
        return carry()

    plane.aws.fault = fault
    plane.call("POST", SYNC, body)
    worker.seq, worker.held = 2, {grant["run"]: 1 for grant in answers[0].body["granted"]}
    assert list(worker.held) == runs[:1]
    assert {plane.read(run)["state_type"] for run in runs} == {"PENDING"}
    assert worker.sync(want=1)["granted"] == [], "not asked at every sync"
    plane.clock.forward(PART)
    assert [grant["run"] for grant in worker.sync()["granted"]] == runs[1:]


def test_a_run_that_another_got_is_let_go_and_one_that_waits_when_no_claim_can_be_under_way(
    plane: Rig,
) -> None:
    plane.pool()
    worker, other, deployment = plane.worker(limit=2), plane.worker(name="w2", limit=1), plane.deployment()
    runs = [plane.run(deployment)["id"] for _ in range(2)]

    def too_late(call: Call, carry: Carry) -> Any:
        """Before the first claim is written another worker takes the first run, and somebody moves the second."""
        other.claim()
        later = {"type": "SCHEDULED", "state_details": {"scheduled_time": plane.clock.now.replace(year=2027)}}
        plane.ok("POST", f"/flow_runs/{runs[1]}/set_state", {"state": later, "force": True})
        return carry()

    once(plane, of_a_run, too_late)
    assert worker.claim(2) == []
    assert held(plane, worker) == set(runs)
    plane.clock.forward(PART)
    worker.sync()
    assert held(plane, worker) == {runs[1]}
    plane.clock.forward(60)
    worker.sync()
    assert held(plane, worker) == set()


def test_a_claim_lost_and_cancelled_on_its_way_does_not_stay_in_cancelling(plane: Rig) -> None:
    """Claimed, the answer lost, cancelled, and then the SDK's repeat: the worker is never told of it."""
    plane.pool()
    worker = plane.worker()
    run = plane.run(plane.deployment())

    def cancelled_between(call: Call, carry: Carry) -> Any:
        carry()
        plane.ok("POST", f"/flow_runs/{run['id']}/set_state", {"state": {"type": "CANCELLED"}})
        return carry()

    once(plane, of_a_run, cancelled_between)
    assert worker.claim() == []
    assert plane.read(run)["state_type"] == "CANCELLING"
    plane.clock.forward(PART)
    worker.sync()
    assert plane.read(run)["state_type"] == "CANCELLED"


def test_the_tick_finds_a_run_under_a_limit_that_its_session_does_not_hold(plane: Rig) -> None:
    """A net of its own, should a session ever forget a run: there is no lane of PENDING runs."""
    plane.pool(concurrency_limit=1)
    worker = plane.worker()
    run = plane.run(plane.deployment())
    worker.claim()
    worker.held.clear()
    sessions = plane.plane.ports.sessions
    sessions.change(UUID(worker.session), plane.clock.now, lambda one: replace(one, held=frozenset()))
    plane.plane.tick()
    assert plane.read(run)["state_type"] == "PENDING", "it was claimed a moment ago"
    plane.clock.forward(61)
    plane.plane.tick()
    assert plane.read(run)["state_type"] == "SCHEDULED"
    assert [grant["attempt"] for grant in worker.claim()] == [2]


def test_another_transaction_at_the_same_limit_does_not_cost_the_claim(plane: Rig) -> None:
    plane.pool()
    plane.ok("POST", "/v2/concurrency_limits", {"name": "db", "limit": 10})
    worker = plane.worker()
    run = plane.run(plane.deployment(), tags=["db"])
    once(plane, lambda call: call.operation == "TransactWriteItems", _conflict)
    assert [grant["run"] for grant in worker.sync(want=1, hints=[run["id"]])["granted"]] == [run["id"]]


def test_a_run_that_others_transactions_keep_from_being_claimed_keeps_its_doorbell(plane: Rig) -> None:
    plane.pool()
    plane.ok("POST", "/v2/concurrency_limits", {"name": "db", "limit": 10})
    worker = plane.worker()
    run = plane.run(plane.deployment(), tags=["db"])
    tried: list[Call] = []

    def always(call: Call, carry: Carry) -> Any:
        if call.operation == "TransactWriteItems":
            tried.append(call)
            _conflict(call, carry)
        return carry()

    plane.aws.fault = always
    answer = worker.sync(want=1, hints=[run["id"]])
    plane.aws.fault = None
    assert (answer["granted"], [hint["verdict"] for hint in answer["hints"]]) == ([], ["ready"])
    assert len(tried) == 4
    assert [grant["run"] for grant in worker.claim()] == [run["id"]]


def test_an_answer_with_the_next_attempt_of_the_run_that_ended_is_given_again(plane: Rig) -> None:
    """The worker repeats what it said: the end of an attempt that it still lists."""
    plane.pool()
    run = plane.run(plane.deployment(retry_policy={"retries": 1}))
    worker = plane.worker()
    worker.start(worker.claim()[0])
    end = {"run": run["id"], "attempt": 1, "seq": 2, "kind": "ended", "state_type": "FAILED"}
    body = {
        "session": worker.session,
        "seq": worker.seq + 1,
        "slots": 1,
        "want": 1,
        "heard": worker.seq,
        "held": [{"run": run["id"], "attempt": 1}],
        "reports": [{**end, "at": plane.clock.now}],
    }
    for _ in range(2):
        answer = plane.ok("POST", SYNC, body)
        assert [(grant["run"], grant["attempt"]) for grant in answer["granted"]] == [(run["id"], 2)]
