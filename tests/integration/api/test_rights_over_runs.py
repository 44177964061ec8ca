"""What an operator's and a worker's key reach of runs, beyond the routes that they open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from headrace.contract.roles import Role
from tests.support.plane import Reply, Rig, rig

SPY = {"command": "sh -c 'echo $X | rev'", "env": {"X": {"$secret": "env:TOKEN"}}}


class Mill:
    """A control plane that asks for keys, with pools `a` and `b`, and a deployment in each."""

    def __init__(self, made: Rig) -> None:
        self.rig = made
        self.boss = made.key = made.plane.access.first_admin() or ""
        for pool in ("a", "b"):
            made.pool(pool)
            made.deployment(name=pool, pool=pool)
        self.keys = {role: self.key(role) for role in (Role.DEPLOYER, Role.OPERATOR)}
        self.keys[Role.WORKER] = self.key(Role.WORKER, work_pool_name="a")

    def key(self, role: Role, **values: str) -> str:
        return str(self.rig.ok("POST", "/api_keys", {"name": "key", "role": role, **values})["key"])

    def by(self, role: Role) -> Rig:
        self.rig.key = self.boss if role is Role.ADMIN else self.keys[role]
        return self.rig

    def deployment(self, name: str = "a") -> Any:
        return self.by(Role.ADMIN).ok("GET", f"/deployments/name/flow/{name}")


@pytest.fixture
def mill() -> Iterator[Mill]:
    with rig(require_keys=True) as made:
        yield Mill(made)


@pytest.mark.parametrize("variables", [SPY, {"env": {"LD_PRELOAD": "/tmp/x.so"}}])
def test_an_operator_does_not_say_what_a_run_executes(mill: Mill, variables: dict[str, Any]) -> None:
    path = f"/deployments/{mill.deployment()['id']}"
    run = mill.rig.ok("POST", f"{path}/create_flow_run", {})
    asks = [
        ("POST", f"{path}/create_flow_run", {"job_variables": variables}),
        (
            "POST",
            f"{path}/create_flow_runs",
            {"idempotency_key": "k", "flow_runs": [{}, {"job_variables": variables}]},
        ),
        ("PATCH", f"/flow_runs/{run['id']}", {"job_variables": variables}),
    ]
    for ask in asks:
        reply = mill.by(Role.OPERATOR).call(*ask)
        assert (reply.status, reply.body["code"]) == (403, "role_forbids"), ask
        assert "job_variables." in reply.body["errors"][0]["path"]
        assert "admin, deployer" in reply.body["hint"]
        assert mill.by(Role.DEPLOYER).call(*ask).status < 300, ask
    harmless = {"timeout": 5, "env": {"LEVEL": "debug"}}
    made = mill.by(Role.OPERATOR).ok("POST", f"{path}/create_flow_run", {"job_variables": harmless})
    assert made["job_variables"] == harmless


class Hand:
    """A worker of pool `a` with a run of its own in hand."""

    def __init__(self, mill: Mill) -> None:
        self.mill = mill
        made = mill.by(Role.ADMIN)
        made.run(mill.deployment("a"))
        mill.by(Role.WORKER)
        self.worker = made.worker("a")
        (self.grant,) = self.worker.claim()
        self.worker.start(self.grant)

    def start(self, **more: Any) -> Reply:
        body = {
            "session": self.worker.session,
            "run": self.grant["run"],
            "attempt": 1,
            "deployment": "flow/b",
            "call": "c",
        }
        path = "/work_pools/a/workers/w1/create_flow_run"
        return self.mill.by(Role.WORKER).call("POST", path, {**body, **more})

    def read(self, run: str, query: str = "") -> Reply:
        path = f"/work_pools/a/workers/w1/flow_runs/{run}?session={self.worker.session}{query}"
        return self.mill.by(Role.WORKER).call("GET", path)

    def log(self, run: str, text: str, **more: Any) -> Any:
        record = {"at": self.mill.rig.clock.now, "level": 20, "name": "n", "message": text}
        self.mill.by(Role.WORKER)
        return self.worker.sync(logs=[{"run": run, "attempt": 1, "seq": 1, "records": [record]}], **more)

    def logged(self, run: str) -> list[str]:
        body = {"logs": {"flow_run_id": {"any_": [run]}}}
        return [row["message"] for row in self.mill.by(Role.ADMIN).ok("POST", "/logs/filter", body)]


@pytest.fixture
def hand(mill: Mill) -> Hand:
    return Hand(mill)


def test_a_worker_reads_no_run_of_another_pool(mill: Mill, hand: Hand) -> None:
    made = mill.by(Role.ADMIN)
    other = made.run(mill.deployment("b"), parameters={"password": "x"})
    for query in ("", "&parameters=true", "&idempotency_key=guess"):
        reply = hand.read(other["id"], query)
        assert (reply.status, reply.body["code"]) == (403, "wrong_pool")
    assert hand.read(hand.grant["run"]).status == 200
    mine = mill.by(Role.ADMIN).run(mill.deployment("a"))
    assert hand.read(mine["id"]).status == 200, "another one of its pool"


@pytest.mark.parametrize("as_child", [True, False])
def test_the_code_of_a_run_in_hand_waits_for_what_it_started_in_another_pool(
    hand: Hand, *, as_child: bool
) -> None:
    run = hand.start(as_child=as_child).body["id"]
    assert hand.read(run).status == 200
    hand.worker.end(hand.grant)
    assert hand.read(run).status == 403, "the run that asked is over"


def test_what_was_named_by_a_key_is_found_by_it(mill: Mill, hand: Hand) -> None:
    made = mill.by(Role.ADMIN)
    other = made.run(mill.deployment("b"), idempotency_key="today")
    found = hand.start(idempotency_key="today")
    assert (found.status, found.body["id"]) == (200, other["id"])
    assert hand.read(other["id"], "&idempotency_key=today").status == 200
    assert hand.read(other["id"]).status == 403


def test_a_session_that_lists_a_run_as_its_own_does_not_get_to_its_children(mill: Mill, hand: Hand) -> None:
    made = mill.by(Role.ADMIN)
    foreign = made.run(mill.deployment("b"))
    hand.worker.held[foreign["id"]] = 1
    mill.by(Role.WORKER)
    hand.worker.sync()
    made.clock.forward(30)
    hand.worker.sync()
    session = made.plane.ports.sessions.read(UUID(hand.worker.session))
    assert session is not None and session[0].held == {UUID(hand.grant["run"])}
    assert hand.start(run=foreign["id"]).body["code"] == "fenced"


@pytest.mark.parametrize("variables", [SPY, {"python": "/tmp/python"}])
def test_a_worker_says_no_more_than_an_operator_what_a_run_executes(
    hand: Hand, variables: dict[str, Any]
) -> None:
    reply = hand.start(job_variables=variables)
    assert (reply.status, reply.body["code"]) == (403, "role_forbids")
    assert hand.start(job_variables={"timeout": 5}).status == 201


def test_a_worker_writes_into_the_logs_of_its_own_pool_only(mill: Mill, hand: Hand) -> None:
    made = mill.by(Role.ADMIN)
    other = made.run(mill.deployment("b"))["id"]
    hand.log(other, "forged")
    hand.log(other, "forged", held=[{"run": other, "attempt": 1}])
    hand.log(str(uuid4()), "of nothing")
    hand.log(own := hand.grant["run"], "mine")
    assert (hand.logged(other), hand.logged(own)) == ([], ["mine"])


def test_the_rest_of_a_log_comes_after_the_end_and_by_a_successor(mill: Mill, hand: Hand) -> None:
    run = hand.grant["run"]
    hand.worker.end(run)
    hand.log(run, "late")
    mill.by(Role.WORKER)
    old, hand.worker = hand.worker, mill.rig.worker("a", "w2")
    record = {"at": mill.rig.clock.now, "level": 20, "name": "n", "message": "later"}
    hand.worker.sync(logs=[{"run": run, "attempt": 1, "seq": 2, "records": [record]}])
    assert sorted(hand.logged(run)) == ["late", "later"]
    assert old.session != hand.worker.session


def test_of_another_pools_run_a_report_tells_nothing(mill: Mill, hand: Hand) -> None:
    made = mill.by(Role.ADMIN)
    other = made.run(mill.deployment("b"))["id"]
    mill.by(Role.WORKER)
    told, unknown = (hand.worker.report(run, "started", seq=1) for run in (other, str(uuid4())))
    assert told == {**unknown, "run": other, "message": f"There is no flow run {other}."}


def test_a_log_in_hand_costs_no_read_of_its_run(mill: Mill, hand: Hand) -> None:
    before = len(mill.rig.aws.calls)
    hand.log(hand.grant["run"], "mine")
    called = [call.operation for call in mill.rig.aws.calls[before:]]
    assert called.count("PutItem") == 1 and "BatchGetItem" not in called, called
