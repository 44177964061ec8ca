"""Repeating a request with the same key finds what the first one made, and changes nothing of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random
from uuid import UUID, uuid4

import pytest

from chalicelib.domain import access
from headrace.contract.key_text import draw
from tests.support.plane import Rig

LARGE = {"x": Random(1).randbytes(3000).hex()}
OTHER = {"x": Random(2).randbytes(3000).hex()}


@pytest.mark.parametrize(("first", "second"), [({"x": 1}, {"x": 2}), (LARGE, OTHER)], ids=["small", "large"])
def test_the_second_create_finds_the_first_run(plane: Rig, first: object, second: object) -> None:
    plane.pool()
    deployment = plane.deployment()
    path = f"/deployments/{deployment['id']}/create_flow_run"
    made = plane.call("POST", path, {"idempotency_key": "k", "parameters": first, "name": "one"})
    again = plane.call("POST", path, {"idempotency_key": "k", "parameters": second, "name": "two"})
    assert (made.status, again.status) == (201, 200)
    assert again.body == made.body
    assert plane.read(made.body)["parameters"] == first
    other = plane.call("POST", path, {"idempotency_key": "l", "parameters": first})
    assert (other.status, other.body["id"] == made.body["id"]) == (201, False)


def test_a_key_belongs_to_its_deployment(plane: Rig) -> None:
    plane.pool()
    one, two = plane.deployment(name="one"), plane.deployment(name="two")
    runs = {plane.run(deployment, idempotency_key="k")["id"] for deployment in (one, two)}
    assert len(runs) == 2


def test_a_key_still_finds_a_run_that_is_over(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment()
    run = plane.run(deployment, idempotency_key="k")
    worker = plane.worker()
    (grant,) = worker.claim()
    worker.start(grant)
    worker.end(grant)
    found = plane.run(deployment, idempotency_key="k")
    assert (found["id"], found["state_type"]) == (run["id"], "COMPLETED")
    assert worker.claim() == []


@pytest.mark.parametrize("parameters", [{"x": 1}, LARGE], ids=["small", "large"])
def test_a_key_is_free_again_after_the_retention(plane: Rig, parameters: object) -> None:
    """Also while DynamoDB has not deleted the old run yet."""
    plane.pool()
    deployment = plane.deployment()
    path = f"/deployments/{deployment['id']}/create_flow_run"
    bulk = f"{path}s"
    worker = plane.worker(limit=2)
    wanted = {"idempotency_key": "k", "parameters": parameters}
    plane.run(deployment, **wanted)
    plane.ok("POST", bulk, {"flow_runs": [{"idempotency_key": "l", "parameters": parameters}]})
    for grant in worker.claim(2):
        worker.start(grant)
        worker.end(grant)
    plane.clock.forward(31 * 86_400)
    assert plane.call("POST", path, wanted).status == 201
    again = plane.ok("POST", bulk, {"flow_runs": [{"idempotency_key": "l", "parameters": parameters}]})
    assert plane.call("POST", path, wanted).status == 200
    assert len(plane.worker(name="w2", limit=9).claim(9)) == 2
    assert again


def test_a_subflow_has_keys_too(plane: Rig) -> None:
    flow = plane.ok("POST", "/flows", {"name": "flow"})
    body = {"flow_id": flow["id"], "idempotency_key": "k"}
    made, again = (plane.call("POST", "/flow_runs", body) for _ in range(2))
    assert (made.status, again.status, again.body["id"]) == (201, 200, made.body["id"])


def test_a_session_is_registered_once(plane: Rig) -> None:
    plane.pool()
    body = {"session": str(uuid4()), "info": {"host": "h"}}
    first, again = (plane.ok("POST", "/work_pools/pool/workers/w/sessions", body) for _ in range(2))
    assert first == again


def test_the_loser_of_a_race_leaves_none_of_its_parts_behind(plane: Rig) -> None:
    """Two changes of one run from one reading: the second is refused whole, its large parameters too."""
    plane.pool()
    run = plane.run(plane.deployment(), parameters=LARGE)
    store = plane.plane.ports.runs
    (before,) = store.read_many([run["id"]]).values()
    assert store.write(before, replace(before, name="winner"))
    assert not store.write(before, replace(before, name="loser", parameters=OTHER))
    after = plane.read(run)
    assert (after["name"], after["parameters"]) == ("winner", LARGE)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/work_pools", {"name": "new", "concurrency_limit": 2}),
        ("/work_pools/pool/queues", {"name": "new", "priority": 5}),
        ("/v2/concurrency_limits", {"name": "db", "limit": 3}),
    ],
)
def test_what_is_made_by_name_may_be_asked_for_again_by_its_key(
    plane: Rig, path: str, body: dict[str, object]
) -> None:
    plane.pool()
    keyed = {**body, "idempotency_key": "k"}
    made, again = plane.call("POST", path, keyed), plane.call("POST", path, keyed)
    assert (made.status, again.status) == (201, 200)
    assert again.body == made.body
    for other in (body, {**body, "idempotency_key": "l"}):
        assert plane.call("POST", path, other).status == 409


def test_a_schedule_that_is_there_already_is_found(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment()
    path = f"/deployments/{deployment['id']}/schedules"
    wished = [{"schedule": {"cron": "0 4 * * *"}}, {"schedule": {"interval": 60}, "slug": "s"}]
    first, again = plane.ok("POST", path, wished), plane.ok("POST", path, wished)
    assert [row["slug"] for row in again] == ["cron", "s"]
    ids = [[row["id"] for row in rows] for rows in (first, again, plane.ok("GET", path))]
    assert ids[0] == ids[1] == ids[2]
    assert {row["revision"] for row in again} == {1}
    (other,) = plane.ok("POST", path, [{"schedule": {"cron": "0 5 * * *"}}])
    assert other["slug"] == "cron-2"
    assert plane.call("POST", path, [{"schedule": {"interval": 61}, "slug": "s"}]).status == 409


def test_a_variable_that_is_there_just_so_is_found(plane: Rig) -> None:
    wanted = {"name": "rows", "value": {"n": 1}, "tags": ["t"]}
    made = plane.call("POST", "/variables", wanted)
    plane.clock.forward(60)
    again = plane.call("POST", "/variables", wanted)
    assert (made.status, again.status) == (201, 200)
    assert again.body == made.body
    for other in ({"value": {"n": True}}, {"value": {"n": 2}}, {"tags": []}):
        assert plane.call("POST", "/variables", {**wanted, **other}).status == 409


def test_an_api_key_that_the_client_drew_is_made_once(plane: Rig) -> None:
    end = plane.clock.now + timedelta(days=90, microseconds=7)
    text = draw(uuid4())
    wanted = {"name": "ci", "role": "viewer", "expires_at": end.isoformat(), "key": text}
    made, again = (plane.call("POST", "/api_keys", wanted) for _ in range(2))
    assert (made.status, again.status) == (201, 200)
    assert again.body == made.body
    assert made.body["key"] == text
    assert [key["name"] for key in plane.ok("POST", "/api_keys/filter", {})] == ["ci"]
    assert plane.plane.access.read(UUID(made.body["id"])).digest == access.digest(text)
    others = ({"role": "admin"}, {"name": "other"}, {"key": text[:-3] + "xyz"})
    for other in others:
        assert plane.call("POST", "/api_keys", {**wanted, **other}).status == 409, other
    assert plane.call("POST", "/api_keys", {**wanted, "key": "hr_short"}).status == 422
