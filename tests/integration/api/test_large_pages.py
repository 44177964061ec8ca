"""Lists whose rows are too much for one answer come in several, and nothing is lost in between."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.contract.base import NEXT_CURSOR_HEADER
from tests.support.plane import Rig

HEAVY = {"text": "é" * 50_000}
"""100 KB, which a Lambda writes as 300 KB."""
MANY = 30
LINES = 150


def pages(plane: Rig, path: str, body: dict[str, Any]) -> list[list[Any]]:
    """All pages of a list, by cursor."""
    found, cursor = [], None
    while True:
        reply = plane.call("POST", path, {**body, **({"cursor": cursor} if cursor else {})})
        assert reply.status == 200, reply.body
        found.append(reply.body)
        cursor = reply.headers.get(NEXT_CURSOR_HEADER)
        if cursor is None:
            return found


def whole(plane: Rig, path: str, body: dict[str, Any], member: str = "id") -> list[Any]:
    """That member of all rows, of more pages than one."""
    found = pages(plane, path, body)
    assert len(found) > 1
    assert all(found[:-1]), "no page but the last is empty"
    return [row[member] for rows in found for row in rows]


@pytest.fixture
def runs(plane: Rig) -> list[str]:
    plane.pool()
    deployment = plane.deployment()
    return [plane.run(deployment, parameters=HEAVY)["id"] for _ in range(MANY)]


def test_runs_come_in_pages_that_an_answer_carries(plane: Rig, runs: list[str]) -> None:
    assert whole(plane, "/flow_runs/filter", {"sort": "EXPECTED_START_TIME_ASC"}) == runs
    assert whole(plane, "/flow_runs/filter", {}) == runs[::-1]
    named = {"flow_runs": {"id": {"any_": runs}}, "sort": "EXPECTED_START_TIME_ASC"}
    assert whole(plane, "/flow_runs/filter", named) == runs


def test_a_list_by_offset_is_refused_where_it_would_leave_out_rows(plane: Rig, runs: list[str]) -> None:
    reply = plane.call("POST", "/flow_runs/filter", {"offset": 0, "limit": 200})
    assert (reply.status, reply.body["code"]) == (413, "page_too_large")
    fits = int(reply.body["errors"][0]["expected"].split()[-1])
    seen: list[str] = []
    while rows := plane.ok("POST", "/flow_runs/filter", {"offset": len(seen), "limit": fits}):
        seen += [row["id"] for row in rows]
    assert seen == runs[::-1]


def test_of_waiting_runs_the_first_are_given(plane: Rig, runs: list[str]) -> None:
    rows = plane.ok("POST", "/work_pools/pool/get_scheduled_flow_runs", {"limit": 200})
    assert [row["flow_run"]["id"] for row in rows] == runs[: len(rows)]
    assert 1 < len(rows) < MANY
    queue = plane.ok("GET", "/work_pools/pool/queues/default")
    assert len(plane.ok("POST", f"/work_queues/{queue['id']}/get_runs", {"limit": 200})) == len(rows)


def test_log_records_come_in_pages_that_an_answer_carries(plane: Rig) -> None:
    plane.pool()
    run = plane.run(plane.deployment())
    moment = plane.clock.now.isoformat()
    for first in range(0, LINES, 25):
        rows = [
            {
                "name": "log",
                "level": 20,
                "message": f"{number:03d}" + "é" * 30_000,
                "timestamp": moment,
                "flow_run_id": run["id"],
            }
            for number in range(first, first + 25)
        ]
        plane.ok("POST", "/logs", rows)
    body = {"logs": {"flow_run_id": {"any_": [run["id"]]}}}
    found = whole(plane, "/logs/filter", body, "message")
    assert sorted(text[:3] for text in found) == [f"{number:03d}" for number in range(LINES)]


def test_deployments_and_pools_come_in_pages_that_an_answer_carries(plane: Rig) -> None:
    template = {
        "job_configuration": {"command": "é" * 45_000},
        "variables": {"type": "object", "properties": {}},
    }
    names = [f"p{number:03d}" for number in range(MANY)]
    for name in names:
        plane.pool(name, base_job_template=template)
    assert whole(plane, "/work_pools/filter", {}, "name") == names
    plane.pool()
    for name in names:
        plane.deployment(name=name, parameters=HEAVY)
    assert whole(plane, "/deployments/filter", {}, "name") == names
