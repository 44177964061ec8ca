"""What the control plane refuses and what goes wrong on the way: a line or two, and an exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headrace.cli.commands import flow
from tests.unit.cli.canned import RUN_ID, run
from tests.unit.cli.conftest import Cli, Result
from tests.unit.cli.fake_api import Answer, FakeApi, error

REFUSALS = [
    (error(404, "not_found", "There is no work pool 'p'.", "See: headrace work-pool ls"), "no work pool 'p'"),
    (error(409, "conflict", "Work pool 'p' exists already."), "exists already"),
    (error(413, "too_large", "The request is over 5 MB."), "over 5 MB"),
    (error(401, "unauthorized", "The API key is not known."), "not known"),
    (error(403, "forbidden", "This key may not do that."), "may not"),
    (error(500, "internal", "Something broke."), "Something broke"),
    (Answer("<html>Bad gateway</html>", 500), "answered 500"),
]


@pytest.mark.parametrize(("answer", "said"), REFUSALS, ids=[said for _, said in REFUSALS])
def test_a_refusal_is_a_line_and_a_hint(cli: Cli, api: FakeApi, answer: Answer, said: str) -> None:
    api.on("GET", "/work_pools/p", answer)

    result = cli("work-pool", "inspect", "p")

    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("Error: ")
    assert said in result.err
    assert len(result.err.splitlines()) <= 2


def test_the_hint_of_the_service_is_the_second_line(cli: Cli, api: FakeApi) -> None:
    api.on("GET", "/work_pools/p", error(404, "not_found", "No such pool.", "See: headrace work-pool ls"))

    assert cli("work-pool", "inspect", "p").err == "Error: No such pool.\nSee: headrace work-pool ls\n"


def test_without_a_key_it_says_how_to_give_one(cli: Cli, api: FakeApi) -> None:
    api.on("GET", "/work_pools/p", error(401, "unauthorized", "A key is needed."))

    assert "HEADRACE_API_KEY" in cli("work-pool", "inspect", "p").err


def test_each_field_at_fault_is_named(cli: Cli, api: FakeApi) -> None:
    body = error(422, "invalid", "The schedule is wrong.").body
    body["errors"] = [{"path": "0.schedule.cron", "message": "field 2 is 25; expected 0 to 23"}]
    api.on("POST", ".*/schedules", Answer(body, 422))

    result = cli("deployment", "schedule", "create", "hello/first", "--cron", "0 25 * * *")

    assert result.err == "Error: The schedule is wrong: 0.schedule.cron: field 2 is 25; expected 0 to 23.\n"
    assert result.code == 1


def test_nobody_answers(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_API_URL", "http://127.0.0.1:9/api")

    result = cli("work-pool", "ls")

    assert result.code == 1
    assert result.err.startswith(
        "Error: No control plane answers at http://127.0.0.1:9/api.\nStart one with: "
    )
    assert "headrace login" in result.err


def test_no_control_plane_is_configured(cli: Cli) -> None:
    result = cli("flow", "ls")

    assert result.code == 1
    assert "No control plane is configured" in result.err
    assert "headrace server start" in result.err and "headrace login --api-url URL" in result.err


@pytest.mark.parametrize("address", ["localhost:4200", "ftp://h/api"])
def test_a_bad_address_is_told(cli: Cli, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("HEADRACE_API_URL", address)

    result = cli("worker", "start", "--pool", "p")

    assert result.code == 1
    assert address in result.err


def test_a_broken_profile_file_is_told(cli: Cli, own_home: Path) -> None:
    own_home.mkdir()
    (own_home / "profiles.json").write_text("{", encoding="utf-8")

    result = cli("profile", "ls")

    assert result.code == 1
    assert "profiles.json" in result.err


def test_the_unexpected_is_one_line_and_where_to_see_more(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "connect", _burst)

    result = cli("flow", "ls")

    assert result.code == 1
    assert result.err.startswith("Error: unexpected RuntimeError: the pipe burst\nSet HEADRACE_DEBUG=1")


@pytest.mark.parametrize("how", ["option", "variable"])
def test_the_unexpected_in_full_on_demand(cli: Cli, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setattr(flow, "connect", _burst)
    if how == "variable":
        monkeypatch.setenv("HEADRACE_DEBUG", "1")

    result = cli(*(["--debug"] if how == "option" else []), "flow", "ls")

    assert result.code == 1
    assert "Traceback" in result.err
    assert "in _burst" in result.err


def test_ctrl_c_is_no_failure_of_ours(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(flow, "connect", interrupted)

    assert cli("flow", "ls") == Result(130, "", "")


def test_one_run_that_cannot_be_cancelled_does_not_keep_the_others(cli: Cli, api: FakeApi) -> None:
    other = RUN_ID[:-1] + "7"
    api.on("GET", f"/flow_runs/{other}", Answer(run() | {"id": other}))
    api.on("POST", f"/flow_runs/{other}/set_state", error(409, "wrong_state", "The run is over: COMPLETED."))

    result = cli("flow-run", "cancel", other, RUN_ID)

    assert result.code == 1
    assert result.out == f"{RUN_ID} is Cancelling.\n"
    assert result.err == f"Error: {other}: The run is over: COMPLETED.\n"


def test_a_rejected_retry_says_why(cli: Cli, api: FakeApi) -> None:
    answer = {"status": "REJECT", "state": None, "details": {"reason": "The run is not over yet."}}
    api.on("POST", ".*/set_state", Answer(answer, 200))

    result = cli("flow-run", "retry", RUN_ID)

    assert result.code == 1
    assert "The run is not over yet." in result.err


def test_json_stays_valid_when_a_list_is_empty(cli: Cli, api: FakeApi) -> None:
    api.on("POST", "/work_pools/filter", Answer([]))

    assert json.loads(cli("work-pool", "ls", "-o", "json").out) == []
    assert "headrace work-pool create" in cli("work-pool", "ls").out


def test_moments_without_a_run_fail_the_verification(cli: Cli, api: FakeApi) -> None:
    api.on("GET", ".*/verify", Answer([{"due": "2026-03-02T03:00:00Z", "schedule_slug": "nightly"}]))

    result = cli("deployment", "schedule", "verify", "hello/first")

    assert result.code == 1
    assert "missing" in result.out
    assert result.err == "Error: 1 of 1 moments have no run.\n"


def _burst() -> None:
    raise RuntimeError("the pipe burst")


def test_a_zygote_needs_linux(cli: Cli, api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    result = cli("worker", "start", "--pool", "p", "--start-method", "zygote")
    assert result.code == 1
    assert "--start-method zygote needs Linux; leave it out, or say spawn" in result.out + result.err


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("deployment inspect hello/frist", "hello/first"),
        ("deployment run hello/frist", "hello/first"),
        ("work-pool inspect my-proces-pool", "my-process-pool"),
        ("deployment inspect quite/another", None),
    ],
)
def test_a_name_that_was_misspelt_is_guessed(cli: Cli, api: FakeApi, line: str, meant: str | None) -> None:
    result = cli(*line.split())

    assert result.code == 1
    assert (f"Did you mean '{meant}'? Check the name." in result.err) is (meant is not None)
