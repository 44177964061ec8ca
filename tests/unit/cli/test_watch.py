"""Following a run: states and records as they come, each once, and the exit code of how it ended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from headrace.cli import watch
from tests.unit.cli import canned
from tests.unit.cli.canned import RUN_ID
from tests.unit.cli.conftest import Cli
from tests.unit.cli.fake_api import Answer, FakeApi, Seen


@pytest.fixture(autouse=True)
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between two looks, not slept."""
    taken: list[float] = []
    monkeypatch.setattr(watch.time, "sleep", taken.append)
    return taken


def play(api: FakeApi, *states: dict[str, Any]) -> None:
    """Let the run be in one state after the other, one per look."""
    coming: Iterator[dict[str, Any]] = iter(states)
    last = states[-1]
    api.on("GET", f"/flow_runs/{RUN_ID}", lambda seen: Answer(next(coming, last)))


def grow(api: FakeApi, *counts: int) -> None:
    """Let the log hold so many records at each look."""
    coming = iter(counts)

    def page(seen: Seen) -> Answer:
        number = next(coming, counts[-1])
        return Answer([canned.log(n, f"line {n}") for n in range(number)])

    api.on("POST", "/logs/filter", page)


def test_shows_each_state_and_each_record_once(cli: Cli, api: FakeApi) -> None:
    play(api, canned.run("SCHEDULED"), canned.run("RUNNING"), canned.run("RUNNING"), canned.run("COMPLETED"))
    grow(api, 0, 1, 2, 3, 4)

    result = cli("deployment", "run", "hello/first", "--watch")

    told = [
        line.split(maxsplit=2)[2] for line in result.out.splitlines() if "STATE" in line or " line " in line
    ]
    assert told == ["Scheduled", "Running", "line 0", "line 1", "line 2", "line 3", "Completed after 2.0s"]
    assert result.code == 0


def test_states_between_two_looks_are_told_too(cli: Cli, api: FakeApi) -> None:
    past = [canned.state(name) for name in ("SCHEDULED", "PENDING", "RUNNING")]
    play(api, canned.run("SCHEDULED"), canned.run("COMPLETED", state_history=past))

    lines = cli("deployment", "run", "hello/first", "--watch").out.splitlines()

    told = [line.split(maxsplit=2)[2] for line in lines if "STATE" in line]
    assert told == ["Scheduled", "Pending", "Running", "Completed after 2.0s"]


def test_a_run_took_as_long_in_every_command(cli: Cli, api: FakeApi) -> None:
    """Its code's time, in all attempts: what it waited between them is not its own."""
    play(api, canned.run("FAILED", total_run_time=1.5, end_time="2026-03-01T11:00:00Z"))

    assert "Failed after 1.5s" in cli("flow-run", "watch", RUN_ID).out
    assert "1.5s" in cli("flow-run", "inspect", RUN_ID).out


@pytest.mark.parametrize(
    ("message", "told"),
    [("All its processes are gone.", "after 2.0s. All its"), ("no luck", "after 2.0s: no luck")],
)
def test_a_message_stands_behind_the_state(cli: Cli, api: FakeApi, message: str, told: str) -> None:
    ended = canned.run("FAILED")
    ended["state"]["message"] = message
    play(api, ended)

    assert told in cli("flow-run", "watch", RUN_ID).out


@pytest.mark.parametrize("end", ["FAILED", "CRASHED", "CANCELLED"])
def test_exits_1_unless_completed(cli: Cli, api: FakeApi, end: str) -> None:
    play(api, canned.run("RUNNING"), canned.run(end))

    assert cli("flow-run", "watch", RUN_ID).code == 1


def test_with_json_the_run_alone_is_on_stdout(cli: Cli, api: FakeApi) -> None:
    result = cli("flow-run", "watch", RUN_ID, "-o", "json")

    assert result.json["state_type"] == "COMPLETED"
    assert "first line" in result.err


def test_records_of_many_pages_come_once(cli: Cli, api: FakeApi) -> None:
    def page(seen: Seen) -> Answer:
        if seen.body.get("cursor") == "c1":
            return Answer([canned.log(3, "line 3"), canned.log(4, "line 4")])
        return Answer(
            [canned.log(1, "line 1"), canned.log(2, "line 2")], headers={"Headrace-Next-Cursor": "c1"}
        )

    api.on("POST", "/logs/filter", page)
    play(api, canned.run("RUNNING"), canned.run("RUNNING"), canned.run("COMPLETED"))

    for line in ("flow-run logs", "flow-run logs --follow"):
        out = cli(*line.split(), RUN_ID).out

        assert [line.split()[-1] for line in out.splitlines()] == ["1", "2", "3", "4"]


def test_followed_json_is_one_record_a_line(cli: Cli, api: FakeApi) -> None:
    out = cli("flow-run", "logs", RUN_ID, "--follow", "-o", "json").out

    assert [json.loads(line)["message"] for line in out.splitlines()] == ["first line", "second line"]


def test_looks_less_often_while_nothing_happens(cli: Cli, api: FakeApi, naps: list[float]) -> None:
    play(api, *[canned.run("RUNNING")] * 14, canned.run("COMPLETED"))
    grow(api, *[0] * 12, 1)

    cli("flow-run", "watch", RUN_ID)

    quiet = naps[1:12]
    assert quiet == sorted(quiet)
    assert quiet[-1] == watch.SLOWEST
    assert naps[12] == watch.QUICKEST


def test_ctrl_c_lets_go_of_the_run(cli: Cli, api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    play(api, canned.run("RUNNING"))
    monkeypatch.setattr(watch.time, "sleep", interrupt)

    result = cli("flow-run", "watch", RUN_ID)

    assert result.code == 130
    assert result.err == f"\nThe run goes on. Follow it again with: headrace flow-run watch {RUN_ID}\n"
    assert api.changes() == []


def test_shows_the_result(cli: Cli, api: FakeApi) -> None:
    play(api, canned.run("COMPLETED", result={"rows": 7}))

    assert cli("flow-run", "watch", RUN_ID).out.endswith('Result: {\n  "rows": 7\n}\n')


def test_a_retried_run_is_watched(cli: Cli, api: FakeApi) -> None:
    result = cli("flow-run", "retry", RUN_ID, "--watch")

    assert result.code == 0
    assert api.changes() == [f"POST /flow_runs/{RUN_ID}/set_state"]


def test_what_to_do_about_a_run_that_never_began_is_said(cli: Cli, api: FakeApi) -> None:
    error = {"type": "ModuleNotFoundError", "message": "x", "hint": "Install it beside the flow."}
    crashed = canned.run("CRASHED", error=error)
    crashed["state"]["message"] = "no module 'x'"
    play(api, crashed)
    api.on("POST", "/logs/filter", Answer([]))

    assert cli("flow-run", "logs", RUN_ID).err == (
        "No log lines; it is Crashed: no module 'x'\nInstall it beside the flow.\n"
    )
    for line in ("flow-run watch", "flow-run logs --follow"):
        assert "Install it beside the flow." in cli(*line.split(), RUN_ID).err
    assert "Install it beside the flow." in cli("flow-run", "inspect", RUN_ID).out
