"""A command whose answer was lost on the way repeats its request, and makes nothing twice."""

from __future__ import annotations

import re

from headrace.client.asking import ByApi
from tests.unit.cli.canned import DEPLOYMENT_ID, VARIABLE, run
from tests.unit.cli.conftest import Cli
from tests.unit.cli.fake_api import Answer, FakeApi, Seen, error

CREATE_RUN = f"/deployments/{DEPLOYMENT_ID}/create_flow_run"
KEY = {"id": DEPLOYMENT_ID, "name": "ci", "role": "viewer", "created": "2026-03-01T10:00:00Z", "key": "hr_x"}


def lose_first(api: FakeApi, path: str, found: object) -> list[Seen]:
    """The first answer to a POST there is lost behind a gateway's 503; the repeat finds what was made."""
    seen: list[Seen] = []

    def answer(one: Seen) -> Answer:
        seen.append(one)
        return error(503, "unavailable", "Lost.") if len(seen) == 1 else Answer(found, 200)

    api.on("POST", path, answer)
    return seen


def test_a_run_is_started_once(cli: Cli, api: FakeApi) -> None:
    seen = lose_first(api, CREATE_RUN, run("SCHEDULED"))
    result = cli("deployment", "run", "hello/first")
    assert (result.code, "Created flow run" in result.out) == (0, True)
    one, again = (each.body["idempotency_key"] for each in seen)
    assert one == again
    assert cli("deployment", "run", "hello/first").code == 0
    assert seen[-1].body["idempotency_key"] != one, "another call starts another run"


def test_a_script_starts_a_run_once(api: FakeApi) -> None:
    seen = lose_first(api, CREATE_RUN, run("SCHEDULED"))
    ByApi().start_run({"deployment": "hello/first", "parameters": {}})
    one, again = (each.body["idempotency_key"] for each in seen)
    assert one == again


def test_a_key_is_drawn_here_and_made_once(cli: Cli, api: FakeApi) -> None:
    seen = lose_first(api, "/api_keys/", KEY)
    assert cli("api-key", "create", "ci", "--role", "viewer").code == 0
    one, again = (each.body["key"] for each in seen)
    assert one == again
    assert re.fullmatch(r"hr_[0-9a-f]{32}_[0-9A-Za-z]{43}", one)


def test_a_variable_is_made_once(cli: Cli, api: FakeApi) -> None:
    api.on("PATCH", "/variables/name/rows", error(404, "not_found", "No such variable."))
    seen = lose_first(api, "/variables/", VARIABLE)
    assert cli("variable", "set", "rows", "7").code == 0
    assert len(seen) == 2
