"""A pool's job template changes under its deployments: their runs say what does not fit, and are not started."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.contract.sync import Grant
from headrace.worker.prepare import PrepareError, prepare
from tests.support.plane import Rig


def template(**properties: object) -> dict[str, object]:
    configuration = {name: f"{{{{ {name} }}}}" for name in properties}
    variables = {"type": "object", "properties": properties}
    return {"job_configuration": {"command": "echo", **configuration}, "variables": variables}


@pytest.fixture
def deployment(plane: Rig) -> Any:
    plane.pool(base_job_template=template(nice={"type": "integer"}, size={"type": "string", "default": "s"}))
    return plane.deployment(job_variables={"nice": 3})


def change(plane: Rig, **properties: object) -> None:
    plane.clock.forward(1)
    plane.ok("PATCH", "/work_pools/pool", {"base_job_template": template(**properties)})


def granted(plane: Rig, deployment: Any, **values: object) -> Grant:
    plane.run(deployment, **values)
    (grant,) = plane.worker().claim()
    return Grant.model_validate(grant)


def test_without_a_change_nothing_is_wrong(plane: Rig, deployment: Any) -> None:
    grant = granted(plane, deployment)
    assert (grant.problem, grant.configuration["nice"]) == (None, 3)


def test_what_a_run_is_given_is_checked_when_it_is_made(plane: Rig, deployment: Any) -> None:
    answer = plane.call(
        "POST", f"/deployments/{deployment['id']}/create_flow_run", {"job_variables": {"nice": "x"}}
    )
    assert (answer.status, answer.body["errors"][0]["path"]) == (422, "job_variables.nice")
    rows = {"flow_runs": [{}, {"job_variables": {"size": "m", "nope": 1}}], "idempotency_key": "k"}
    answer = plane.call("POST", f"/deployments/{deployment['id']}/create_flow_runs", rows)
    assert (answer.status, answer.body["errors"][0]["path"]) == (422, "flow_runs.1.job_variables.nope")


@pytest.mark.parametrize(
    ("properties", "says"),
    [
        ({"priority": {"type": "integer"}}, "nice"),
        ({"nice": {"type": "string"}}, "nice"),
        ({"nice": {"type": "integer", "maximum": 2}}, "nice"),
    ],
)
def test_what_no_longer_fits_is_said_and_not_started(
    plane: Rig, deployment: Any, properties: dict[str, object], says: str
) -> None:
    change(plane, **properties)
    grant = granted(plane, deployment)
    assert says in str(grant.problem)
    with pytest.raises(PrepareError, match="job template says now") as raised:
        prepare(grant)
    assert raised.value.error is not None
    assert "Deploy flow/main again" in str(raised.value.error.hint)


def test_a_change_tells_who_does_not_fit_any_more(plane: Rig, deployment: Any) -> None:
    plane.deployment(name="fits")
    path = "/work_pools/pool/misfits/filter"
    assert plane.ok("POST", path, {}) == []
    change(plane, priority={"type": "integer"})
    (row,) = plane.ok("POST", path, {})
    assert (row["deployment_id"], row["deployment"]) == (deployment["id"], "flow/main")
    assert "nice" in row["problem"]
    first = plane.call("POST", path, {"limit": 1})
    again = plane.call("POST", path, {"limit": 1, "cursor": first.headers["Headrace-Next-Cursor"]})
    assert [*first.body, *again.body] == [row]


def test_what_still_fits_goes_on(plane: Rig, deployment: Any) -> None:
    change(plane, nice={"type": "number"}, more={"type": "string"})
    grant = granted(plane, deployment)
    assert (grant.problem, grant.configuration["nice"]) == (None, 3)


def test_deployed_again_it_runs(plane: Rig, deployment: Any) -> None:
    change(plane, niceness={"type": "integer"})
    plane.clock.forward(1)
    plane.deployment(job_variables={"niceness": 5})
    grant = granted(plane, deployment)
    assert (grant.problem, grant.configuration["niceness"]) == (None, 5)


def test_a_pause_is_no_change_of_the_template(plane: Rig, deployment: Any) -> None:
    plane.clock.forward(1)
    plane.ok("PATCH", "/work_pools/pool", {"is_paused": True})
    plane.ok("PATCH", "/work_pools/pool", {"is_paused": False})
    assert granted(plane, deployment).problem is None


def test_modules_to_preload_are_job_variables(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment(job_variables={"preload": ["json", "mylib.core"]})
    assert prepare(granted(plane, deployment)).preload == ("json", "mylib.core")


def test_what_no_longer_fits_can_still_be_paused_and_resumed(plane: Rig, deployment: Any) -> None:
    change(plane, priority={"type": "integer"})
    path = f"/deployments/{deployment['id']}"
    for paused in (True, False):
        plane.clock.forward(1)
        plane.ok("PATCH", path, {"paused": paused})
        assert plane.ok("GET", path)["paused"] is paused
    assert plane.call("PATCH", path, {"paused": True, "tags": ["x"]}).status == 422
    assert granted(plane, deployment).problem is not None, "a pause is no check against the template"


def test_a_retry_of_an_old_version_meets_the_new_template(plane: Rig, deployment: Any) -> None:
    run = plane.run(deployment)
    worker = plane.worker()
    (grant,) = worker.claim()
    worker.start(grant)
    worker.end(grant, "FAILED")
    change(plane, niceness={"type": "integer"})
    plane.clock.forward(1)
    plane.deployment(job_variables={"niceness": 5})
    plane.ok("POST", f"/flow_runs/{run['id']}/set_state", {"state": {"type": "SCHEDULED"}, "force": True})
    (again,) = worker.claim()
    assert "nice" in str(again["problem"]), "its version has other job variables than the live one"


SMALL = {
    "job_configuration": {"memory_mb": "{{ memory_mb }}"},
    "variables": {"properties": {"memory_mb": {"type": "integer", "maximum": 512}}},
}
"""The template of a pool whose jobs may not have more than that."""


def test_a_run_that_stays_as_its_deployment_moves_meets_the_template_where_it_waits(plane: Rig) -> None:
    plane.pool("small", base_job_template=SMALL)
    plane.pool("big")
    deployment = plane.deployment(pool="small")
    plane.run(deployment)
    moved = {"work_pool_name": "big", "job_variables": {"memory_mb": 4096}}
    plane.ok("PATCH", f"/deployments/{deployment['id']}", moved)
    (grant,) = plane.worker("small").claim()
    assert "memory_mb" in str(grant["problem"])


def test_a_run_that_is_moved_meets_the_template_of_its_new_pool(plane: Rig) -> None:
    plane.pool("small", base_job_template=SMALL)
    plane.pool("big")
    deployment = plane.deployment(pool="big", job_variables={"memory_mb": 4096})
    queue = plane.ok("POST", "/work_pools/big/queues", {"name": "q"})
    plane.run(deployment, work_queue_name="q")
    plane.ok("DELETE", f"/work_queues/{queue['id']}?move_to=small/default")
    (grant,) = plane.worker("small").claim()
    assert "memory_mb" in str(grant["problem"])


def test_in_a_pool_made_anew_under_its_name_a_run_meets_that_template(plane: Rig) -> None:
    plane.pool("small")
    deployment = plane.deployment(pool="small", job_variables={"memory_mb": 4096})
    run = plane.run(deployment)
    worker = plane.worker("small")
    worker.start(*worker.claim())
    worker.end(run["id"], "FAILED")
    plane.pool("big")
    plane.ok("PATCH", f"/deployments/{deployment['id']}", {"work_pool_name": "big"})
    plane.ok("DELETE", "/work_pools/small")
    plane.clock.forward(60)
    plane.pool("small", base_job_template=SMALL)
    plane.ok("POST", f"/flow_runs/{run['id']}/set_state", {"state": {"type": "SCHEDULED"}, "force": True})
    (grant,) = plane.worker("small", "another").claim()
    assert "memory_mb" in str(grant["problem"])
