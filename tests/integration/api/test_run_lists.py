"""`POST /flow_runs/filter`: what each filter lets through, and pages without repeats or gaps."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from tests.support.plane import Reply, Rig, rig

START = datetime.fromisoformat("2026-03-02T12:00:00+00:00")
RUNS = 60


class Town:
    """60 runs of three flows and four deployments, due over several days, some of them over."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        rig.pool()
        rig.pool("other")
        rig.ok("POST", "/work_pools/pool/queues", {"name": "second"})
        self.deployments = [
            rig.deployment(flow="a", name="x"),
            rig.deployment(flow="a", name="y", work_queue_name="second"),
            rig.deployment(flow="b", name="x", pool="other"),
            rig.deployment(flow="b", name="no pool", pool=None),
        ]
        dice = Random(7)
        self.runs = [self._run(number, dice) for number in range(RUNS)]
        worker = rig.worker(limit=10)
        for number, grant in enumerate(worker.claim(10)):
            worker.start(grant)
            if number < 7:
                worker.end(grant, ("COMPLETED", "FAILED", "CRASHED")[number % 3])
        self.runs = [rig.read(run) for run in self.runs]

    def _run(self, number: int, dice: Random) -> Any:
        minutes = dice.choice((-5000, -3000, -1500, -10, 0, 10, 1500, 3000, 5000)) + dice.choice((0, 0, 1, 2))
        due = (START + timedelta(minutes=minutes)).isoformat()
        return self.rig.run(
            dice.choice(self.deployments),
            name=f"run {number}",
            tags=dice.sample(["red", "green", "blue"], dice.randrange(3)),
            state={"type": "SCHEDULED", "state_details": {"scheduled_time": due}},
        )

    def page(self, **body: Any) -> Reply:
        reply = self.rig.call("POST", "/flow_runs/filter", body)
        assert reply.status == 200, reply
        return reply

    def names(self, **filters: Any) -> list[str]:
        return [run["name"] for run in self.page(flow_runs=filters).body]

    def expected(self, wanted: Any, backwards: bool = True) -> list[str]:
        rows = sorted(self.runs, key=lambda run: (run["expected_start_time"], run["id"]), reverse=backwards)
        return [run["name"] for run in rows if wanted(run)]


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    """Nothing changes in it."""
    with rig() as made:
        yield Town(made)


@pytest.mark.parametrize("sort", ["EXPECTED_START_TIME_DESC", "EXPECTED_START_TIME_ASC"])
@pytest.mark.parametrize("limit", [1, 7, 60, 200])
@pytest.mark.parametrize("which", ["all", "deployment", "flow", "filtered"])
def test_pages_are_whole(town: Town, sort: str, limit: int, which: str) -> None:
    filters: dict[str, Any] = {
        "all": {},
        "deployment": {"flow_runs": {"deployment_id": {"any_": [d["id"] for d in town.deployments[:2]]}}},
        "flow": {"flows": {"name": {"any_": ["b"]}}},
        "filtered": {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}, "tags": {"any_": ["red"]}}},
    }[which]
    wanted = {
        "all": lambda run: True,
        "deployment": lambda run: run["flow_name"] == "a",
        "flow": lambda run: run["flow_name"] == "b",
        "filtered": lambda run: run["state_type"] == "SCHEDULED" and "red" in run["tags"],
    }[which]
    found: list[str] = []
    cursor: str | None = None
    for _ in range(RUNS + 2):
        reply = town.page(**filters, sort=sort, limit=limit, **({"cursor": cursor} if cursor else {}))
        assert len(reply.body) <= limit
        found += [run["name"] for run in reply.body]
        cursor = reply.headers.get("Headrace-Next-Cursor")
        if cursor is None:
            break
    assert cursor is None
    assert found == town.expected(wanted, backwards=sort.endswith("DESC"))


@pytest.mark.parametrize("offset", [0, 1, 13, 59, 60, 1000])
def test_an_offset_skips_as_many(town: Town, offset: int) -> None:
    everything = town.expected(lambda run: True)
    assert [run["name"] for run in town.page(offset=offset, limit=5).body] == everything[offset : offset + 5]
    red = town.expected(lambda run: "red" in run["tags"])
    rows = town.page(flow_runs={"tags": {"any_": ["red"]}}, offset=offset, limit=5).body
    assert [run["name"] for run in rows] == red[offset : offset + 5]


def test_by_id(town: Town) -> None:
    ids = [run["id"] for run in town.runs[:5]]
    nobody = "00000000-0000-4000-8000-000000000000"
    expected = town.expected(lambda run: run["id"] in ids)
    assert town.names(id={"any_": [*ids, ids[0], nobody]}) == expected
    assert town.names(id={"any_": []}) == []
    two = town.page(flow_runs={"id": {"any_": ids}}, limit=2, offset=1).body
    assert [run["name"] for run in two] == expected[1:3]


def test_by_state(town: Town) -> None:
    for state in ("SCHEDULED", "RUNNING", "COMPLETED", "FAILED", "CRASHED", "CANCELLED"):
        expected = town.expected(lambda run, state=state: run["state_type"] == state)
        assert town.names(state={"type": {"any_": [state]}}) == expected
        others = town.expected(lambda run, state=state: run["state_type"] != state)
        assert town.names(state={"type": {"not_any_": [state]}}) == others
    names = {run["state_name"] for run in town.runs}
    assert {"Late", "Scheduled", "Running", "Completed"} <= names
    for name in names:
        expected = town.expected(lambda run, name=name: run["state_name"] == name)
        assert town.names(state={"name": {"any_": [name]}}) == expected


def test_by_tags(town: Town) -> None:
    both = {"red", "blue"}
    assert town.names(tags={"all_": ["red", "blue"]}) == town.expected(lambda run: both <= set(run["tags"]))
    assert town.names(tags={"any_": ["red", "blue"]}) == town.expected(lambda run: both & set(run["tags"]))
    assert town.names(tags={"all_": ["grey"]}) == []


def test_by_time(town: Town) -> None:
    after, before = "2026-03-02T00:00:00Z", "2026-03-03T13:01:00Z"
    between = town.expected(lambda run: after <= run["expected_start_time"] <= before)
    assert 0 < len(between) < RUNS
    assert town.names(expected_start_time={"after_": after, "before_": before}) == between
    assert town.names(expected_start_time={"after_": "2399-01-01T00:00:00Z"}) == []
    edge = between[0], next(run["expected_start_time"] for run in town.runs if run["name"] == between[0])
    assert edge[0] in town.names(expected_start_time={"after_": edge[1], "before_": edge[1]})


def test_by_names_of_all_kinds(town: Town) -> None:
    def found(**body: Any) -> list[str]:
        return [run["name"] for run in town.page(**body).body]

    assert town.names(name={"any_": ["run 3", "run 4", "none"]}) == town.expected(
        lambda run: run["name"] in ("run 3", "run 4")
    )
    by_x = {"name": {"any_": ["x"]}}
    assert found(deployments=by_x) == town.expected(lambda run: run["deployment_name"] == "x")
    assert found(deployments=by_x, flows={"name": {"any_": ["b"]}}) == town.expected(
        lambda run: (run["flow_name"], run["deployment_name"]) == ("b", "x")
    )
    ids = [town.deployments[0]["flow_id"]]
    assert found(flows={"id": {"any_": ids}}) == town.expected(lambda run: run["flow_name"] == "a")
    assert found(flows={"id": {"any_": ids}}, deployments={"id": {"any_": [town.deployments[2]["id"]]}}) == []
    other = {"name": {"any_": ["other"]}}
    assert found(work_pools=other) == town.expected(lambda run: run["work_pool_name"] == "other")
    second = {"name": {"any_": ["second"]}}
    assert found(work_pool_queues=second) == town.expected(lambda run: run["work_queue_name"] == "second")
    assert town.names(work_queue_name={"any_": ["second"]}) == found(work_pool_queues=second)


def test_what_prefect_sends_for_cancelling_runs(town: Town) -> None:
    """Null members and `and_` come with every filter of its client."""
    body = {
        "flows": None,
        "flow_runs": {
            "operator": "and_",
            "id": None,
            "state": {"operator": "and_", "type": {"any_": ["RUNNING"]}, "name": None},
            "tags": None,
        },
        "task_runs": None,
        "deployments": None,
        "work_pools": None,
        "work_pool_queues": None,
        "sort": "EXPECTED_START_TIME_DESC",
        "limit": 200,
        "offset": 0,
    }
    assert [run["name"] for run in town.page(**body).body] == town.expected(
        lambda run: run["state_type"] == "RUNNING"
    )


@pytest.mark.parametrize("sort", ["EXPECTED_START_TIME_DESC", "EXPECTED_START_TIME_ASC"])
def test_a_list_goes_on_after_many_days(plane: Rig, sort: str) -> None:
    """A page looks into 62 days; the rest is on the pages after it."""
    plane.pool()
    deployment = plane.deployment()
    due = [(START + timedelta(days=day)).isoformat() for day in range(0, 400, 5)]
    ids = [
        plane.run(deployment, state={"type": "SCHEDULED", "state_details": {"scheduled_time": at}})["id"]
        for at in due
    ]
    found: list[str] = []
    cursor: str | None = None
    pages = 0
    while pages == 0 or cursor:
        body = {"limit": 200, "sort": sort, **({"cursor": cursor} if cursor else {})}
        reply = plane.call("POST", "/flow_runs/filter", body)
        found += [run["id"] for run in reply.body]
        cursor = reply.headers.get("Headrace-Next-Cursor")
        pages += 1
    assert found == (ids if sort.endswith("ASC") else ids[::-1])
    assert pages == 2


def test_a_cursor_belongs_to_its_list(town: Town) -> None:
    cursor = town.page(limit=1).headers["Headrace-Next-Cursor"]
    reply = town.rig.call("POST", "/flows/filter", {"cursor": cursor})
    assert (reply.status, reply.body["errors"][0]["path"]) == (422, "cursor")


def test_runs_that_are_forgotten_are_not_listed(plane: Rig) -> None:
    plane.pool()
    run = plane.run(plane.deployment())
    worker = plane.worker()
    (grant,) = worker.claim()
    worker.start(grant)
    worker.end(grant)
    plane.clock.forward(30 * 86_400 - 1)
    assert [row["id"] for row in plane.ok("POST", "/flow_runs/filter", {})] == [run["id"]]
    plane.clock.forward(2)
    assert plane.ok("POST", "/flow_runs/filter", {}) == []
    assert plane.call("GET", f"/flow_runs/{run['id']}").status == 404


def test_what_goes_on_is_found_without_a_look_at_the_history(plane: Rig) -> None:
    plane.pool()
    plane.pool("other")
    deployment, elsewhere = plane.deployment(), plane.deployment(name="elsewhere", pool="other")
    runs = [plane.run(deployment, name=f"run {number}") for number in range(4)]
    away = plane.run(elsewhere, name="away")
    worker, other = plane.worker(limit=4), plane.worker("other", "w2")
    grants = worker.claim(4)
    for grant in grants[:3]:
        worker.start(grant)
    worker.end(grants[0])
    other.start(other.claim()[0])
    plane.ok("POST", f"/flow_runs/{runs[2]['id']}/set_state", {"state": {"type": "CANCELLING"}})
    flow = plane.ok("POST", "/flows/", {"name": "bare"})["id"]
    bare = plane.ok("POST", "/flow_runs/", {"flow_id": flow, "name": "bare", "state": {"type": "PENDING"}})

    def names(states: list[str], more: dict[str, Any] | None = None, **filters: Any) -> list[str]:
        before = len(plane.aws.calls)
        found: list[str] = []
        cursor: str | None = None
        while True:
            body = {"flow_runs": {"state": {"type": {"any_": states}}, **filters}, "limit": 2, **(more or {})}
            body |= {"cursor": cursor}
            reply = plane.call("POST", "/flow_runs/filter", {**body, "sort": "EXPECTED_START_TIME_ASC"})
            found += [run["name"] for run in reply.body]
            cursor = reply.headers.get("Headrace-Next-Cursor")
            if cursor is None:
                break
        queries = [call for call in plane.aws.calls[before:] if call.operation == "Query"]
        assert {call.params["IndexName"] for call in queries if "IndexName" in call.params} == {"lane"}
        return found

    going = ["PENDING", "RUNNING", "CANCELLING"]
    assert sorted(names(going)) == ["away", "bare", "run 1", "run 2", "run 3"]
    assert names(["RUNNING"]) == ["run 1", "away"] and names(["PENDING"]) == ["run 3", "bare"]
    assert names(going, {"work_pools": {"name": {"any_": ["pool"]}}}) == ["run 1", "run 2", "run 3"]
    assert names(["RUNNING"], name={"any_": ["away"]}) == ["away"]
    plane.ok("POST", f"/flow_runs/{bare['id']}/set_state", {"state": {"type": "RUNNING"}, "force": True})
    assert names(["RUNNING"]) == ["run 1", "away", "bare"] and away["name"] == "away"


def test_who_counts_by_offset_is_refused_where_a_page_ends_before_it_is_full(plane: Rig) -> None:
    """With matching runs behind more of others than one page looks at: an empty answer would be taken for the end."""
    plane.pool()
    deployment = plane.deployment()
    rare = [plane.run(deployment, tags=["rare"])["id"] for _ in range(2)]
    plane.clock.forward(10)
    path = f"/deployments/{deployment['id']}/create_flow_runs"
    for key in ("a", "b"):
        plane.ok("POST", path, {"idempotency_key": key, "flow_runs": [{}] * 600})
    wanted = {"flow_runs": {"tags": {"all_": ["rare"]}}, "sort": "EXPECTED_START_TIME_DESC"}
    for offset in (0, 1):
        reply = plane.call("POST", "/flow_runs/filter", {**wanted, "offset": offset})
        assert (reply.status, reply.body["code"]) == (422, "too_rare")
        assert "cursor" in reply.body["hint"]
    first = plane.call("POST", "/flow_runs/filter", wanted)
    cursor = first.headers["Headrace-Next-Cursor"]
    rest = plane.call("POST", "/flow_runs/filter", {**wanted, "cursor": cursor, "offset": 0})
    assert {run["id"] for run in [*first.body, *rest.body]} == set(rare)
