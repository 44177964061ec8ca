"""Many runs by one request."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.plane import Rig


@pytest.fixture
def deployment(plane: Rig) -> Any:
    plane.pool()
    return plane.deployment(
        schedules=[{"schedule": {"cron": "0 * * * *"}, "slug": "hourly", "parameters": {"day": "x"}}],
        parameters={"size": 1},
    )


def send(rig: Rig, deployment: Any, rows: list[Any], key: str | None = "k", **more: Any) -> Any:
    body = {"flow_runs": rows, **({"idempotency_key": key} if key else {}), **more}
    return rig.call("POST", f"/deployments/{deployment['id']}/create_flow_runs", body)


def calls(rig: Rig, since: int) -> dict[str, int]:
    found: dict[str, int] = {}
    for call in rig.aws.calls[since:]:
        found[call.operation] = found.get(call.operation, 0) + 1
    return found


def test_a_thousand_runs_cost_few_calls(plane: Rig, deployment: Any) -> None:
    before = len(plane.aws.calls)
    reply = send(plane, deployment, [{"parameters": {"number": n}} for n in range(1000)])
    assert (reply.status, reply.body["made"], reply.body["found"]) == (201, 1000, 0)
    counted = calls(plane, before)
    assert counted.pop("TransactWriteItems") == 10
    assert counted.pop("SendMessageBatch") == 10  # a hundred doorbells: the workers find the rest
    assert sum(counted.values()) <= 40, counted
    assert len({row["id"] for row in reply.body["flow_runs"]}) == 1000


def test_the_same_request_again_finds_them_all(plane: Rig, deployment: Any) -> None:
    first = send(plane, deployment, [{}, {"idempotency_key": "own"}, {}]).body
    again = send(plane, deployment, [{}, {"idempotency_key": "own"}, {}])
    assert (again.status, again.body["made"], again.body["found"]) == (200, 0, 3)
    assert [row["id"] for row in again.body["flow_runs"]] == [row["id"] for row in first["flow_runs"]]
    single = plane.call(
        "POST", f"/deployments/{deployment['id']}/create_flow_run", {"idempotency_key": "own"}
    )
    assert (single.status, single.body["id"]) == (200, first["flow_runs"][1]["id"])
    more = send(plane, deployment, [{}, {}, {}, {}]).body
    assert [row["outcome"] for row in more["flow_runs"]] == ["found", "made", "found", "made"]


def test_each_row_says_its_own(plane: Rig, deployment: Any) -> None:
    later = plane.clock.now + timedelta(minutes=5)
    rows = [
        {
            "name": "first",
            "parameters": {"size": 2},
            "tags": ["a"],
            "labels": {"l": 1},
            "job_variables": {"env": {"A": "1"}},
            "scheduled_time": later,
        },
        {},
    ]
    first, second = (plane.read(row["id"]) for row in send(plane, deployment, rows).body["flow_runs"])
    assert (first["name"], first["parameters"], first["tags"]) == ("first", {"size": 2}, ["a"])
    assert first["job_variables"] == {"env": {"A": "1"}}
    assert datetime.fromisoformat(first["expected_start_time"]) == later
    assert second["parameters"] == {"size": 1}
    worker = plane.worker(limit=5)
    assert [grant["run"] for grant in worker.claim(5)] == [second["id"]]
    plane.clock.forward(301)
    assert [grant["run"] for grant in worker.claim(5)] == [first["id"]]


def test_they_start_in_the_order_of_the_request(plane: Rig, deployment: Any) -> None:
    made = send(plane, deployment, [{}] * 12).body["flow_runs"]
    plane.clock.forward(1)
    granted = plane.worker(limit=12).claim(12)
    assert [grant["run"] for grant in granted] == [row["id"] for row in made]


def test_one_wrong_row_refuses_all(plane: Rig, deployment: Any) -> None:
    rows = [{"name": "good"}, {"work_queue_name": "nowhere"}]
    reply = send(plane, deployment, rows)
    assert reply.status == 404
    assert "flow_runs.1" in reply.body["message"]
    assert plane.ok("POST", "/flow_runs/filter", {}) == [
        run for run in plane.ok("POST", "/flow_runs/filter", {}) if run["auto_scheduled"]
    ]


def test_runs_under_a_full_limit_wait_in_its_line(plane: Rig, deployment: Any) -> None:
    plane.ok("POST", "/v2/concurrency_limits", {"name": "db", "limit": 1})
    plane.run(deployment, tags=["db"])
    worker = plane.worker(limit=10)
    (held,) = worker.claim(10)
    send(plane, deployment, [{"tags": ["db"]}] * 5)
    free = plane.run(deployment)
    plane.clock.forward(1)
    before = len(plane.aws.calls)
    assert [grant["run"] for grant in worker.claim(1)] == [free["id"]]
    assert calls(plane, before)["PutItem"] == 2, (
        "beside the session and its claim: blocked runs stood before it"
    )
    worker.end(held)
    assert len(worker.claim(10)) == 1


def test_large_parameters_are_split_over_transactions(plane: Rig, deployment: Any) -> None:
    rows = [
        {"parameters": {"text": f"{n}" + "".join(chr(97 + (n * i) % 26) for i in range(3000))}}
        for n in range(60)
    ]
    made = send(plane, deployment, rows).body["flow_runs"]
    assert plane.read(made[59]["id"])["parameters"]["text"] == rows[59]["parameters"]["text"]


def test_a_past_occurrence_gets_its_one_run(plane: Rig, deployment: Any) -> None:
    hour = datetime(2026, 3, 1, 7, tzinfo=UTC)
    row = {"occurrence": {"schedule_slug": "hourly", "time": hour}}
    (made,) = send(plane, deployment, [row], None).body["flow_runs"]
    run = plane.read(made["id"])
    assert (run["parameters"], run["tags"]) == ({"size": 1, "day": "x"}, ["backfill"])
    assert (run["schedule_slug"], run["schedule_revision"], run["auto_scheduled"]) == ("hourly", None, False)
    again = send(plane, deployment, [row], None)
    assert (again.status, again.body["flow_runs"][0]["id"]) == (200, made["id"])


def test_a_backfilled_run_is_due_now_and_knows_its_moment(plane: Rig, deployment: Any) -> None:
    row = {"occurrence": {"schedule_slug": "hourly", "time": datetime(2026, 3, 1, 7, tzinfo=UTC)}}
    (made,) = send(plane, deployment, [row], None).body["flow_runs"]
    run = plane.read(made["id"])
    now = f"{plane.clock.now:%Y-%m-%dT%H:%M:%SZ}"
    assert (run["occurrence"], run["expected_start_time"]) == ("2026-03-01T07:00:00Z", now)
    plane.clock.forward(1)
    (grant,) = plane.worker().claim(1)
    assert (grant["occurrence"], grant["expected_start_time"]) == ("2026-03-01T07:00:00Z", now)
    assert plane.run(deployment)["occurrence"] is None


def test_a_backfilled_run_is_neither_late_nor_overtaken(plane: Rig) -> None:
    plane.pool()
    options = {"catchup": "latest", "max_lateness": 60, "overlap": "skip"}
    deployment = plane.deployment(schedules=[{"schedule": {"interval": 3600}, "slug": "s", **options}])
    hours = [datetime(2026, 3, 1, hour, tzinfo=UTC) for hour in range(3)]
    send(plane, deployment, [{"occurrence": {"schedule_slug": "s", "time": at}} for at in hours], None)
    plane.clock.forward(1)
    worker = plane.worker(limit=5)
    assert len(worker.claim(5)) == 3
    plane.clock.forward(3600)
    worker.sync()
    plane.plane.tick()
    assert len(worker.claim(2)) == 1, "the schedule's own next run starts beside them"


def test_a_schedule_finds_what_a_backfill_made(plane: Rig, deployment: Any) -> None:
    """The control plane was away at twelve o'clock, and somebody was faster than its next tick."""
    plane.clock.forward(3600 + 30)
    noon = plane.clock.now.replace(minute=0, second=0)
    row = {"occurrence": {"schedule_slug": "hourly", "time": noon}}
    (made,) = send(plane, deployment, [row], None).body["flow_runs"]
    plane.plane.tick()
    path = f"/deployments/{deployment['id']}/schedules"
    schedule = plane.ok("GET", path)[0]["id"]
    found = plane.ok("GET", f"{path}/{schedule}/verify?after={noon:%Y-%m-%dT%H:%M:%SZ}")
    assert [one["flow_run_id"] for one in found] == [made["id"]]
