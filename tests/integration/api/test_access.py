"""Who may call what: every route with every role, with no key and with wrong ones."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from chalicelib.api import routes
from chalicelib.api.endpoint import VIEWS, Route
from chalicelib.domain.access import ApiKey, Need
from chalicelib.domain.errors import Unauthenticated, Unavailable
from chalicelib.services.access import Access
from chalicelib.storage.api_keys import KeyStore
from headrace.contract.roles import Role
from tests.integration.api.requests_that_work import GOOD
from tests.support.plane import Reply, Rig, rig

ROUTES = routes.declared()
KEYS = [f"{route.method} {route.path}" for route in ROUTES]
DECLARED = dict(zip(KEYS, ROUTES, strict=True))
MAY = {
    Role.ADMIN: set(Need),
    Role.DEPLOYER: {Need.NOTHING, Need.KEY, Need.VIEW, Need.OPERATE, Need.DEPLOY, Need.FETCH},
    Role.OPERATOR: {Need.NOTHING, Need.KEY, Need.VIEW, Need.OPERATE},
    Role.VIEWER: {Need.NOTHING, Need.KEY, Need.VIEW},
    Role.WORKER: {Need.NOTHING, Need.KEY, Need.WORK, Need.FETCH},
}
"""Written down once more, by hand: a slip in the table of the domain must not go unseen."""
OPEN = {"GET /health"}
BARE = {"GET /openapi.json"}
OF_WORKERS = {
    "POST /work_pools/{pool}/workers/{worker}/sessions",
    "DELETE /work_pools/{pool}/workers/{worker}/sessions/{session_id}",
    "POST /work_pools/{pool}/workers/{worker}/sync",
    "POST /work_pools/{pool}/workers/{worker}/credentials",
    "POST /work_pools/{pool}/workers/heartbeat",
    "POST /work_pools/{pool}/workers/{worker}/create_flow_run",
    "GET /work_pools/{pool}/workers/{worker}/flow_runs/{run_id}",
    "GET /bundles/{digest}",
    "GET /me",
    "GET /version",
    "GET /health",
}
OF_ADMINS = {"POST /api_keys", "GET /api_keys/{key_id}", "DELETE /api_keys/{key_id}", "POST /api_keys/filter"}


class Town:
    """A control plane that asks for keys, with one of each role."""

    def __init__(self, made: Rig) -> None:
        self.rig = made
        self.boss = made.plane.access.first_admin() or ""
        self.show(self.boss)
        made.pool()
        made.pool("other")
        self.keys = {role: self.new(role) for role in Role}

    def new(self, role: Role, name: str = "key", **values: Any) -> str:
        self.show(self.boss)
        pool = {"work_pool_name": "pool"} if role is Role.WORKER else {}
        return str(self.rig.ok("POST", "/api_keys", {"name": name, "role": role, **pool, **values})["key"])

    def show(self, key: str | None) -> Town:
        self.rig.key = key
        return self

    def call(self, route: str, *, pool: str = "pool", raw: bytes | None = b"{") -> Reply:
        """The route with a path on which nothing is found, and a body that cannot be read."""
        path = route.partition(" ")[2]
        known = pool if route in OF_WORKERS else "nobody"
        for member, value in (("{pool}", known), ("{worker}", "w"), ("{digest}", "x")):
            path = path.replace(member, value)
        parts = [
            str(uuid4()) if p.endswith("_id}") else "nobody" if p.startswith("{") else p
            for p in path.split("/")
        ]
        return self.rig.call(route.partition(" ")[0], "/".join(parts), raw=raw)


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    with rig(require_keys=True) as made:
        yield Town(made)


def expected(route: Route, role: Role) -> bool:
    return (Need.OPERATE if route.eased else route.needs) in MAY[role]


def test_every_route_says_what_it_needs() -> None:
    assert [key for key, route in DECLARED.items() if route.needs is None] == []
    assert set(KEYS) == set(GOOD)
    # What is served without a declaration: the document that names the routes, and no data.
    assert set(VIEWS) - set(KEYS) == BARE


def test_few_are_open_and_few_are_for_workers_or_admins_alone() -> None:
    assert {key for key in KEYS if DECLARED[key].needs is Need.NOTHING} == OPEN
    assert {key for key in KEYS if expected(DECLARED[key], Role.WORKER)} == OF_WORKERS
    assert {key for key in KEYS if DECLARED[key].needs is Need.MANAGE} == OF_ADMINS


def test_a_viewer_changes_nothing() -> None:
    changing = {
        key
        for key in KEYS
        if expected(DECLARED[key], Role.VIEWER)
        and DECLARED[key].method != "GET"
        and not key.endswith("/filter")
    }
    assert changing == {
        "POST /schedules/preview",
        "POST /deployments/check",
        "POST /work_pools/{pool}/get_scheduled_flow_runs",
        "POST /work_pools/{pool}/concurrency_status",
        "POST /work_queues/{queue_id}/get_runs",
        "POST /work_queues/{queue_id}/concurrency_status",
    }


@pytest.mark.parametrize("role", Role)
def test_each_route_lets_in_whom_it_should(town: Town, role: Role) -> None:
    town.show(town.keys[role])
    wrong = []
    for key, route in DECLARED.items():
        reply = town.call(key)
        may = expected(route, role)
        if may != (reply.status not in (401, 403)) or reply.status >= 500:
            wrong.append(f"{key}: {reply.status} {reply.body}")
        if not may:
            assert (reply.body["code"], reply.status) == ("role_forbids", 403)
            assert str(route.needs) in reply.body["message"] or route.eased, reply.body
            assert f"role {role.value} " in reply.body["message"]
    assert wrong == []


SOME_ID, SECRET = "0" * 32, "a" * 43
WRONG = {
    "none": None,
    "an empty one": "",
    "a word": "x",
    "half a key": f"hr_{SOME_ID}",
    "nobody's": f"hr_{SOME_ID}_{SECRET}",
    "a huge one": "hr_" + "x" * 100_000,
    "not ASCII": f"hr_{SOME_ID}_{'é' * 43}",
    "a line break": f"hr_{SOME_ID}_{SECRET}\r\nX: y",
    "a NUL": f"hr_{SOME_ID}\x00{SECRET}",
}


@pytest.mark.parametrize("what", WRONG)
def test_without_a_key_of_ours_only_health_and_the_document_answer(town: Town, what: str) -> None:
    town.show(WRONG[what])
    before = len(town.rig.aws.calls)
    for key in VIEWS:
        reply = town.call(key, raw=b"{" if what != "none" else None)
        if key in OPEN | BARE:
            assert reply.status == 200
            continue
        assert reply.status == 401, (key, reply)
        assert reply.headers["WWW-Authenticate"].startswith('Bearer realm="headrace"')
        assert ("invalid_token" in reply.headers["WWW-Authenticate"]) == (reply.body["code"] != "no_key")
        assert SECRET not in str(reply.body)
    calls = town.rig.aws.calls[before:]
    assert {call.operation for call in calls} <= {"GetItem"}, "nothing but the key is read"


def test_another_keys_secret_opens_nothing(town: Town) -> None:
    one, other = town.keys[Role.ADMIN], town.keys[Role.VIEWER]
    mixed = f"{one[: one.rindex('_')]}{other[other.rindex('_') :]}"
    reply = town.show(mixed).call("GET /me")
    assert (reply.status, reply.body["code"]) == (401, "unknown_key")


def test_an_expired_key_says_so(town: Town) -> None:
    end = town.rig.clock.now.replace(microsecond=0)
    key = town.new(Role.VIEWER, expires_at=end.replace(second=end.second + 30).isoformat())
    assert town.show(key).call("GET /me").status == 200
    town.rig.clock.forward(31)
    reply = town.call("GET /me")
    assert (reply.status, reply.body["code"]) == (401, "key_expired")
    listed = town.show(town.boss).rig.ok("POST", "/api_keys/filter", {})
    assert key.split("_")[1] in {row["id"].replace("-", "") for row in listed}, "it is shown for a while"


def test_a_revoked_key_ends_at_once_here_and_within_a_minute_elsewhere(town: Town) -> None:
    key = town.new(Role.VIEWER, "going")
    identity = str(UUID(hex=key.split("_")[1]))
    elsewhere = type(town.rig.plane.access)(town.rig.plane.ports)
    header = f"Bearer {key}"
    assert elsewhere.identify(header).name == "going"
    assert town.show(key).call("GET /me").status == 200
    town.show(town.boss).rig.ok("DELETE", f"/api_keys/{identity}")
    assert town.show(key).call("GET /me").status == 401
    assert elsewhere.identify(header).name == "going"
    town.rig.clock.forward(60)
    with pytest.raises(Exception, match="not known"):
        elsewhere.identify(header)


def test_a_request_that_read_a_key_before_it_was_revoked_does_not_bring_it_back(town: Town) -> None:
    header = f"Bearer {town.new(Role.VIEWER, 'going')}"

    class Midway(KeyStore):
        """The key is revoked when it has been read."""

        def read(self, key: UUID) -> ApiKey | None:
            found = super().read(key)
            if not revoked:
                revoked.append(key)
                access.revoke(key)
            return found

    revoked: list[UUID] = []
    access = Access(replace(town.rig.plane.ports, api_keys=Midway()))
    assert access.identify(header).name == "going", "it was good when it was read"
    with pytest.raises(Unauthenticated):
        access.identify(header)


def test_a_key_that_is_made_again_opens_at_once(town: Town) -> None:
    key = town.new(Role.VIEWER, "again")
    town.rig.ok("DELETE", f"/api_keys/{UUID(hex=key.split('_')[1])}")
    assert town.show(key).call("GET /me").status == 401
    assert town.new(Role.VIEWER, "again", key=key) == key
    assert town.show(key).call("GET /me").status == 200


def test_a_workers_key_opens_its_own_pool_only(town: Town) -> None:
    town.show(town.keys[Role.WORKER])
    for key in OF_WORKERS:
        if "{pool}" not in key:
            continue
        reply = town.call(key, pool="other")
        assert (reply.status, reply.body["code"]) == (403, "wrong_pool"), key
        assert town.call(key, pool="%70ool").status not in (401, 403), "the same pool, written otherwise"
        assert town.call(key, pool="pool%20").status == 403


@pytest.mark.parametrize(
    ("route", "allowed", "refused"),
    [
        (
            "PATCH /deployments/{deployment_id}",
            [{"paused": True}, {"concurrency_limit": 1}],
            [{"tags": ["x"]}],
        ),
        (
            "PATCH /work_pools/{pool}",
            [{"is_paused": True, "concurrency_limit": None}],
            [{"description": "x"}],
        ),
        (
            "PATCH /work_queues/{queue_id}",
            [{"is_paused": True}],
            [{"priority": 1}, {"is_paused": True, "priority": 1}],
        ),
        (
            "PATCH /deployments/{deployment_id}/schedules/{schedule_id}",
            [{"active": False}],
            [{"active": True, "schedule": {"interval": 60}}, {"parameters": {}}],
        ),
    ],
)
def test_an_operator_pauses_and_limits_and_changes_nothing_else(
    town: Town, route: str, allowed: list[Any], refused: list[Any]
) -> None:
    import json

    town.show(town.keys[Role.OPERATOR])
    for body in allowed:
        assert town.call(route, raw=json.dumps(body).encode()).status == 404
    for body in [*refused, {}]:
        reply = town.call(route, raw=json.dumps(body).encode())
        assert (reply.status, reply.body["code"]) == (403, "role_forbids"), body
    town.show(town.keys[Role.DEPLOYER])
    assert town.call(route, raw=json.dumps(refused[0]).encode()).status == 404
    eased = {key for key in KEYS if DECLARED[key].eased}
    assert route in eased and len(eased) == 4


def test_a_key_is_read_once_a_minute_and_its_use_noted_once_an_hour(town: Town) -> None:
    town.show(town.new(Role.VIEWER, "busy"))

    def calls() -> list[str]:
        before = len(town.rig.aws.calls)
        assert town.call("GET /me").status == 200
        return [call.operation for call in town.rig.aws.calls[before:]]

    assert calls() == ["GetItem", "PutItem"]
    assert [calls() for _ in range(5)] == [[]] * 5
    town.rig.clock.forward(61)
    assert calls() == ["GetItem"]
    town.rig.clock.forward(3600)
    assert calls() == ["GetItem", "PutItem"]


def test_a_use_that_cannot_be_noted_does_no_harm(
    town: Town, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    key = town.new(Role.VIEWER, "unnoted")

    def failing(call: Any, carry: Any) -> Any:
        if call.operation == "PutItem":
            raise Unavailable("no capacity")
        return carry()

    town.rig.aws.fault = failing
    try:
        with caplog.at_level(logging.DEBUG):
            assert town.show(key).call("GET /me").status == 200
    finally:
        town.rig.aws.fault = None
    assert "was not noted" in caplog.text
    assert key not in caplog.text and key.rpartition("_")[2] not in caplog.text


def test_keys_are_listed_in_pages_without_secrets(town: Town) -> None:
    town.show(town.boss)
    rows: list[Any] = []
    reply = town.rig.call("POST", "/api_keys/filter", {"limit": 2})
    rows += reply.body
    while cursor := reply.headers.get("Headrace-Next-Cursor"):
        reply = town.rig.call("POST", "/api_keys/filter", {"limit": 2, "cursor": cursor})
        rows += reply.body
    assert [row["role"] for row in rows] == sorted(row["role"] for row in rows)
    assert {"first admin key", "key"} <= {row["name"] for row in rows}
    one = town.rig.ok("GET", f"/api_keys/{rows[0]['id']}")
    assert one == rows[0] and not {"key", "digest", "secret"} & set(one)
    stored = str([item for rows in town.rig.aws.table.items.values() for item in rows.values()])
    assert town.boss not in stored and town.boss.rpartition("_")[2] not in stored


def test_me(town: Town) -> None:
    me = town.show(town.keys[Role.WORKER]).rig.ok("GET", "/me")
    assert (me["role"], me["name"], me["work_pool_name"], me["keys_required"]) == (
        "worker",
        "key",
        "pool",
        True,
    )


def test_two_workers_of_a_pool_get_credentials_of_their_own(town: Town) -> None:
    town.show(town.keys[Role.WORKER])
    one, other = (town.rig.ok("POST", f"/work_pools/pool/workers/{name}/credentials") for name in ("a", "b"))
    assert one["access_key_id"] != other["access_key_id"]
    assert town.rig.call("POST", "/work_pools/other/workers/a/credentials").status == 403
