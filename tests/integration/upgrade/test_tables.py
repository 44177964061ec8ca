"""The table as each released version wrote it is read, and worked on, by this code."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib.storage import schema
from headrace import __version__
from tests.integration.upgrade.tables import FOLDER, LARGE, dump, fill, load, run_named, session_of
from tests.support import world
from tests.support.drive import drain
from tests.support.plane import Rig, WorkerRig, rig

FILES = sorted(FOLDER.glob("*.ndjson"))


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def old(request: pytest.FixtureRequest, plane: Rig) -> Rig:
    load(plane, request.param)
    return plane


def test_there_is_a_table_of_this_version() -> None:
    assert __version__ in {path.stem for path in FILES}, "python -m tests.integration.upgrade.tables"


def test_everything_is_read_as_it_was(old: Rig) -> None:
    assert {pool["name"] for pool in old.ok("POST", "/work_pools/filter", {})} == {"pool"}
    assert {queue["name"] for queue in old.ok("POST", "/work_queues/filter", {})} == {"default", "low"}
    main = old.ok("GET", "/deployments/name/etl/main")
    assert (main["parameters"], main["tags"]) == ({"x": 1}, ["etl"])
    assert {one["slug"]: one["overlap"] for one in main["schedules"]} == {"minutes": "skip", "daily": "allow"}
    other = old.ok("GET", "/deployments/name/etl/other")
    assert (other["description"], other["concurrency_limit"]) == ("a second version", 1)
    assert len(old.ok("POST", f"/deployments/{other['id']}/versions/filter", {})) == 2
    assert {key["name"] for key in old.ok("POST", "/api_keys/filter", {})} == {"ci"}
    assert old.ok("GET", "/v2/concurrency_limits/db")["limit"] == 1
    rows = old.ok("GET", "/variables/name/rows")
    assert (rows["value"], rows["tags"]) == ({"most": 10}, ["etl"])
    completed, failed = run_named(old, "completed"), run_named(old, "failed")
    assert (completed["state_type"], completed["result"]) == ("COMPLETED", {"rows": 3})
    assert completed["parameters"] == {**LARGE, "x": 1}
    assert (failed["state_type"], failed["state"]["message"]) == ("FAILED", "no such file")
    logs = old.ok("POST", "/logs/filter", {"logs": {"flow_run_id": {"any_": [completed["id"]]}}})
    assert [line["message"] for line in logs] == ["a line"]


def test_a_key_made_then_finds_its_run(old: Rig) -> None:
    main = old.ok("GET", "/deployments/name/etl/main")
    waiting = run_named(old, "waiting")
    reply = old.call("POST", f"/deployments/{main['id']}/create_flow_run", {"idempotency_key": "key"})
    assert (reply.status, reply.body["id"]) == (200, waiting["id"])


def test_the_worker_of_then_goes_on(old: Rig) -> None:
    running, cancelling = run_named(old, "running"), run_named(old, "cancelling")
    worker = WorkerRig(old, "pool", "w1", session=str(session_of(running)), seq=100, limit=8)
    worker.held = {run["id"]: run["attempt"] for run in (running, cancelling)}
    worker.said = {running["id"]: 1, cancelling["id"]: 1}
    worker.sync()
    assert worker.end(running["id"], result={"late": True})["verdict"] == "accepted"
    assert worker.report(cancelling["id"], "cancelled")["verdict"] == "accepted"
    assert run_named(old, "running")["state_type"] == "COMPLETED"
    assert run_named(old, "cancelling")["state_type"] == "CANCELLED"
    world.check_always(world.read(old.aws))
    for _ in range(3):
        old.clock.forward(20)
        worker.sync()
        old.plane.tick()
    end = drain(old, [worker])
    world.check_settled(end)
    names = {run.name: run.state.type.value for run in end.runs.values() if run.name in ("blocked", "holds")}
    assert names == {"blocked": "COMPLETED", "holds": "COMPLETED"}


def test_a_worker_that_never_came_back_is_judged(old: Rig) -> None:
    for _ in range(8):
        old.clock.forward(60)
        old.plane.tick()
    assert run_named(old, "running")["state_type"] == "CRASHED"
    assert run_named(old, "cancelling")["state_type"] == "CANCELLED"


def test_a_schedule_goes_on_from_where_it_was(old: Rig) -> None:
    main = old.ok("GET", "/deployments/name/etl/main")
    before = {run["id"] for run in old.ok("POST", "/flow_runs/filter", {"limit": 200})}
    old.clock.now += timedelta(minutes=1)
    old.plane.tick()
    after = old.ok("POST", "/flow_runs/filter", {"limit": 200})
    assert len([run for run in after if run["id"] not in before]) == 1
    assert main["id"] in {run["deployment_id"] for run in after}


@pytest.mark.parametrize(
    ("number", "code"), [(schema.NUMBER + 1, "newer_table"), (schema.NUMBER - 2, "older_table")]
)
def test_an_item_of_another_form_is_refused_and_nothing_is_guessed(
    plane: Rig, number: int, code: str
) -> None:
    plane.pool()
    for rows in plane.aws.table.items.values():
        for item in rows.values():
            item.attrs["v"].value = str(number) if "v" in item.attrs else None
    reply = plane.call("GET", "/work_pools/pool")
    assert (reply.status, reply.body["code"]) == (503, code)


def test_what_is_written_today_is_read_from_a_file(tmp_path: Path) -> None:
    """The files of releases say what was written then; this one that writing and loading lose nothing."""
    file = tmp_path / "now.ndjson"
    with rig() as plane:
        fill(plane)
        file.write_text("\n".join(dump(plane)) + "\n")
    with rig() as plane:
        load(plane, file)
        assert dump(plane) == file.read_text().splitlines()
