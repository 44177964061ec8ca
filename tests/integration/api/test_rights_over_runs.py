"""What an operator's and a worker's key reach of runs, beyond the routes that they open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from headrace.contract.roles import Role
from tests.support.plane import Rig, rig

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
