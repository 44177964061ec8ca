"""The commands about versions: what they send and what they show."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.cli.canned import DEPLOYMENT, DEPLOYMENT_ID, RUN_ID, run
from tests.unit.cli.conftest import Cli
from tests.unit.cli.fake_api import Answer, FakeApi, error

D = "hello/first"
PATH = f"/deployments/{DEPLOYMENT_ID}"


def test_the_list_names_code_author_and_changes(
    cli: Cli, api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    shown = {"version_number": 2, "latest_version_number": 2}
    api.on("GET", "/deployments/name/hello/first", Answer(DEPLOYMENT | shown))
    lines = cli("deployment", "versions", D).out.splitlines()
    assert "2 in force" in lines[2] and "rolled back to 1: parameters.x" in lines[2]
    for text in ("1.0", "0123456789ab ", "ana@laptop", "pull_steps.0.git_clone.commit, tags and 2 more"):
        assert text in lines[3]
    assert "in force" not in lines[3]


def test_the_list_as_json(cli: Cli, api: FakeApi) -> None:
    rows = json.loads(cli("deployment", "versions", D, "--limit", "1", "-o", "json").out)
    assert [row["number"] for row in rows] == [2]
    assert [one.body["limit"] for one in api.seen if one.path.endswith("/versions/filter")] == [1]


def test_a_diff_has_both_sides(cli: Cli, api: FakeApi) -> None:
    out = cli("deployment", "diff", D, "1", "2").out
    assert "hello/first: version 1 -> 2" in out
    rows = [line.split() for line in out.splitlines()]
    assert ["parameters.x", "1", "2"] in rows
    assert ["schedules.nightly", '{"jitter":', "0}", "-"] in rows
    assert ["tags", "-", '["t"]'] in rows


@pytest.mark.parametrize(
    ("words", "asked"),
    [((), "versions/6/diff to=7"), (("3",), "versions/3/diff to=7"), (("3", "5"), "versions/3/diff to=5")],
)
def test_a_diff_is_against_what_is_in_force(
    cli: Cli, api: FakeApi, words: tuple[str, ...], asked: str
) -> None:
    shown = {"version_number": 7, "latest_version_number": 9, "pinned": True}
    api.on("GET", "/deployments/name/hello/first", Answer(DEPLOYMENT | shown))
    cli("deployment", "diff", D, *words)
    (seen,) = [one for one in api.seen if one.path.endswith("/diff")]
    assert f"{PATH}/{asked}" == f"{seen.path} {seen.query}"


def test_the_first_version_has_none_before_it(cli: Cli, api: FakeApi) -> None:
    api.on("GET", "/deployments/name/hello/first", Answer(DEPLOYMENT | {"version_number": 1}))
    done = cli("deployment", "diff", D)
    assert (done.code, done.out) == (1, "")
    assert "'hello/first' has no version before 1" in done.err


@pytest.mark.parametrize(
    ("words", "sent", "said"),
    [
        (("rollback", D, "3"), ("rollback", {"version": 3}), "Rolled 'hello/first' back to version 3"),
        (("pin", D), ("pin", {}), "Pinned 'hello/first' at version"),
        (("pin", D, "3"), ("pin", {"version": 3}), "headrace deployment unpin hello/first"),
        (("unpin", D), ("unpin", None), "'hello/first' is not pinned"),
    ],
)
def test_what_puts_a_version_in_force(
    cli: Cli, api: FakeApi, words: tuple[str, ...], sent: tuple[str, Any], said: str
) -> None:
    out = cli("deployment", *words).out
    (seen,) = api.sent("POST")
    assert (seen.path, seen.body) == (f"{PATH}/{sent[0]}", sent[1])
    assert said in out
    assert json.loads(cli("deployment", *words, "-o", "json").out)["id"] == DEPLOYMENT_ID


def test_a_rollback_to_what_is_in_force_says_so(cli: Cli, api: FakeApi) -> None:
    api.on("POST", f"{PATH}/rollback", Answer(DEPLOYMENT, 200))
    assert cli("deployment", "rollback", D, "3").out.startswith("Nothing changed: 'hello/first'")


CLONE = {"headrace.deployments.steps.git_clone": {"repository": "x", "commit": "c"}}
FOLDER = {"headrace.deployments.steps.set_working_directory": {"directory": "/srv/flows"}}
OWN = {"my_steps.fetch": {}}


@pytest.mark.parametrize(
    ("steps", "said"),
    [([FOLDER], True), ([CLONE], False), ([CLONE, FOLDER], False), ([OWN, FOLDER], False), (None, False)],
)
def test_a_rollback_of_a_local_folder_says_that_its_code_is_not_rolled_back(
    cli: Cli, api: FakeApi, steps: Any, said: bool
) -> None:
    api.on("POST", f"{PATH}/rollback", Answer(DEPLOYMENT | {"pull_steps": steps}, 201))
    out = cli("deployment", "rollback", D, "3").out
    assert ("Its code is the folder /srv/flows as it is now: versions keep code only" in out) is said


def test_a_refusal_is_passed_on_with_its_hint(cli: Cli, api: FakeApi) -> None:
    api.on("POST", f"{PATH}/rollback", error(409, "pinned", "It is pinned at version 2.", "Unpin it."))
    done = cli("deployment", "rollback", D, "3")
    assert done.code == 1
    assert done.err.splitlines() == ["Error: It is pinned at version 2.", "Unpin it."]


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        ({"version_number": 3}, "3"),
        ({"version_number": 3, "version": "1.0"}, "3 (1.0)"),
        (
            {"version_number": 3, "latest_version_number": 5, "pinned": True},
            "3, pinned; the latest is 5",
        ),
        ({"version_number": 0}, "-"),
    ],
)
def test_inspect_shows_the_version(cli: Cli, api: FakeApi, shown: dict[str, Any], text: str) -> None:
    api.on("GET", "/deployments/name/hello/first", Answer(DEPLOYMENT | {"version": None} | shown))
    lines = cli("deployment", "inspect", D).out.splitlines()
    assert [line.split(maxsplit=1)[1].strip() for line in lines if line.startswith("Version ")] == [text]


@pytest.mark.parametrize(
    ("recorded", "text"),
    [
        ({"deployment_version_number": 1, "deployment_version": "1.0"}, "1 (1.0, 0123456789ab)"),
        ({"deployment_version_number": 1}, "1 (0123456789ab)"),
        ({"deployment_version": "1.0"}, "1.0"),
        ({}, "-"),
    ],
)
def test_a_run_shows_its_commit(cli: Cli, api: FakeApi, recorded: dict[str, Any], text: str) -> None:
    api.on("GET", f"/flow_runs/{RUN_ID}", Answer(run() | {"deployment_id": DEPLOYMENT_ID} | recorded))
    lines = cli("flow-run", "inspect", RUN_ID).out.splitlines()
    assert [line.split(maxsplit=1)[1].strip() for line in lines if line.startswith("Version ")] == [text]


def test_a_run_whose_version_is_gone_shows_its_number(cli: Cli, api: FakeApi) -> None:
    recorded = {"deployment_id": DEPLOYMENT_ID, "deployment_version_number": 4}
    api.on("GET", f"/flow_runs/{RUN_ID}", Answer(run() | recorded))
    api.on("GET", f"{PATH}/versions/4", error(404, "not_found", "Gone."))
    assert any(
        line.split() == ["Version", "4"] for line in cli("flow-run", "inspect", RUN_ID).out.splitlines()
    )


def test_each_request_says_who_makes_it(cli: Cli, api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_AUTHOR", "Jürg im Büro\n")
    cli("deployment", "unpin", D)
    assert {one.headers["headrace-author"] for one in api.seen} == {"J%C3%BCrg im B%C3%BCro%0A"}
    api.seen.clear()
    monkeypatch.delenv("HEADRACE_AUTHOR")
    monkeypatch.setenv("LOGNAME", "ana")
    cli("deployment", "unpin", D)
    assert all(one.headers["headrace-author"].startswith("ana@") for one in api.seen)
