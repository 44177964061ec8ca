"""`headrace deployment backfill` against real use cases."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from headrace.cli.commands import backfill
from tests.integration.cli.conftest import Bridge
from tests.support.plane import Rig
from tests.unit.cli.conftest import Cli
from tests.unit.cli.fake_api import Answer, Seen

PERIOD = ("--from", "2026-03-01T00:00Z", "--to", "2026-03-01T23:59Z")
LINE = ("deployment", "backfill", "flow/main")


@pytest.fixture
def deployment(plane: Rig, bridge: Bridge) -> Any:
    plane.pool()
    return plane.deployment(
        parameters={"day": 1}, schedules=[{"schedule": {"cron": "0 * * * *"}, "slug": "hourly"}]
    )


def runs(plane: Rig) -> list[Any]:
    found = plane.ok("POST", "/flow_runs/filter", {"limit": 200, "sort": "EXPECTED_START_TIME_ASC"})
    return [run for run in found if "backfill" in run["tags"]]


def test_each_occurrence_gets_its_run_once(cli: Cli, plane: Rig, deployment: Any) -> None:
    done = cli(*LINE, *PERIOD, "--output", "json", "--param", "day=7", "--tag", "march")
    assert (done.code, done.json) == (0, {"schedule": "hourly", "made": 24, "run_again": 0, "kept": 0})
    assert all(run["parameters"] == {"day": 7} and "march" in run["tags"] for run in runs(plane))
    again = cli(*LINE, *PERIOD, "--output", "json")
    assert again.json == {"schedule": "hourly", "made": 0, "run_again": 0, "kept": 24}
    assert len(runs(plane)) == 24


def test_a_dry_run_shows_and_makes_nothing(cli: Cli, plane: Rig, deployment: Any) -> None:
    done = cli(*LINE, *PERIOD, "--dry-run", "--output", "json")
    assert [row["to_do"] for row in done.json] == ["make"] * 24
    table = cli(*LINE, *PERIOD, "--dry-run")
    assert "24 to make, 0 to run again, 0 to keep" in table.err
    assert runs(plane) == []


def test_what_ran_is_kept_and_what_failed_runs_again_when_asked(
    cli: Cli, plane: Rig, deployment: Any
) -> None:
    cli(*LINE, "--from", "2026-03-01T00:00Z", "--to", "2026-03-01T01:30Z")
    plane.clock.forward(1)
    worker = plane.worker(limit=2)
    for grant, state in zip(worker.claim(2), ("COMPLETED", "FAILED"), strict=True):
        worker.start(grant)
        worker.end(grant, state)
    period = ("--from", "2026-03-01T00:00Z", "--to", "2026-03-01T02:30Z")
    shown = cli(*LINE, *period, "--dry-run", "--output", "json").json
    assert [row["to_do"] for row in shown] == ["keep", "keep", "make"]
    done = cli(*LINE, *period, "--rerun", "--output", "json")
    assert done.json == {"schedule": "hourly", "made": 1, "run_again": 1, "kept": 1}
    assert [run["state_type"] for run in runs(plane)].count("SCHEDULED") == 2


def test_what_somebody_else_ran_again_meanwhile_is_left_alone(
    cli: Cli, plane: Rig, bridge: Bridge, deployment: Any
) -> None:
    period = ("--from", "2026-03-01T00:00Z", "--to", "2026-03-01T01:30Z")
    cli(*LINE, *period)
    plane.clock.forward(1)
    worker = plane.worker(limit=2)
    failed, other = worker.claim(2)
    for grant in (failed, other):
        worker.start(grant)
        worker.end(grant, "FAILED")

    def it_succeeds() -> None:
        bridge.before = None
        again = {"state": {"type": "SCHEDULED"}, "force": True}
        plane.ok("POST", f"/flow_runs/{failed['run']}/set_state", again)
        plane.clock.forward(1)
        (grant,) = worker.claim(1)
        worker.start(grant)
        worker.end(grant, "COMPLETED")

    bridge.before = (f"/flow_runs/{failed['run']}", it_succeeds)
    done = cli(*LINE, *period, "--rerun", "--output", "json")
    assert done.json == {"schedule": "hourly", "made": 0, "run_again": 1, "kept": 1}
    states = {run["id"]: run["state_type"] for run in runs(plane)}
    assert states == {failed["run"]: "COMPLETED", other["run"]: "SCHEDULED"}


def test_a_skipped_occurrence_runs_now(cli: Cli, plane: Rig, deployment: Any) -> None:
    plane.plane.tick()
    plane.clock.forward(3600 * 3)
    plane.plane.tick()
    path = f"/deployments/{deployment['id']}/skip_late"
    plane.clock.forward(600)
    assert plane.ok("POST", path)["skipped"] == 1
    done = cli(*LINE, "--from", "2026-03-02T14:30Z", "--to", "2026-03-02T15:05Z", "--output", "json")
    assert done.json == {"schedule": "hourly", "made": 0, "run_again": 1, "kept": 0}
    assert len(plane.worker().claim(1)) == 1


def test_the_latest_first(cli: Cli, plane: Rig, deployment: Any) -> None:
    cli(*LINE, *PERIOD, "--reverse", "--param", "day=1")
    plane.clock.forward(1)
    (grant,) = plane.worker().claim(1)
    shown = cli(*LINE, *PERIOD, "--dry-run", "--output", "json").json
    assert shown[-1]["flow_run_id"] == grant["run"]


def test_a_limit_of_its_own(cli: Cli, plane: Rig, deployment: Any) -> None:
    cli(*LINE, *PERIOD, "--limit", "2")
    plane.clock.forward(1)
    worker = plane.worker(limit=10)
    first = worker.claim(10)
    assert len(first) == 2
    worker.end(first[0])
    assert len(worker.claim(10)) == 1


def _failed(cli: Cli, plane: Rig, *options: str) -> tuple[str, ...]:
    """The period of three runs of a backfill, which all failed."""
    period = ("--from", "2026-03-01T00:00Z", "--to", "2026-03-01T02:30Z")
    cli(*LINE, *period, *options)
    plane.clock.forward(1)
    worker = plane.worker(limit=3)
    for grant in worker.claim(3):
        worker.start(grant)
        worker.end(grant, "FAILED")
    return period


def test_what_runs_again_gets_the_limit_the_tags_and_the_job_variables(
    cli: Cli, plane: Rig, deployment: Any
) -> None:
    period = _failed(cli, plane, "--tag", "march")
    options = ("--limit", "1", "--tag", "second", "--job-variable", 'env={"A":"1"}')
    done = cli(*LINE, *period, "--rerun", *options, "--output", "json")
    assert done.json["run_again"] == 3
    for run in runs(plane):
        assert {"march", "second"} < {*run["tags"]}
        assert run["job_variables"] == {"env": {"A": "1"}}
    plane.clock.forward(1)
    assert len(plane.worker(name="second", limit=5).claim(5)) == 1


@pytest.mark.parametrize("option", [("--param", "day=7"), ("--work-queue", "low")])
def test_what_runs_again_keeps_its_parameters_and_its_queue(
    cli: Cli, plane: Rig, deployment: Any, option: tuple[str, str]
) -> None:
    plane.ok("POST", "/work_pools/pool/queues", {"name": "low"})
    period = _failed(cli, plane)
    refused = cli(*LINE, *period, "--rerun", *option)
    assert refused.code == 1
    assert f"{option[0]} holds for runs that are made" in refused.err
    assert [run["state_type"] for run in runs(plane)] == ["FAILED"] * 3


def test_a_backfill_with_parameters_can_be_repeated(cli: Cli, plane: Rig, deployment: Any) -> None:
    period = _failed(cli, plane, "--param", "day=7", "--work-queue", "default")
    again = cli(*LINE, *period, "--rerun", "--param", "day=7", "--work-queue", "default", "--output", "json")
    assert again.json["run_again"] == 3


def test_a_limit_goes_again_where_no_run_is_made(cli: Cli, plane: Rig, deployment: Any) -> None:
    schema = {"type": "object", "properties": {"day": {"type": "integer"}}}
    path = f"/deployments/{deployment['id']}"
    plane.ok("PATCH", path, {"parameter_openapi_schema": schema, "enforce_parameter_schema": True})
    refused = cli(*LINE, *PERIOD, "--limit", "2", "--params", '{"day": "x"}')
    assert (refused.code, runs(plane)) == (1, [])
    assert "that limit is gone again" in refused.err
    assert plane.ok("POST", "/v2/concurrency_limits/filter", {}) == []
    plane.ok(
        "POST", "/v2/concurrency_limits", {"name": f"backfill-{_schedule(plane, path)['id']}", "limit": 5}
    )
    cli(*LINE, *PERIOD, "--limit", "2", "--params", '{"day": "x"}')
    assert len(plane.ok("POST", "/v2/concurrency_limits/filter", {})) == 1, "it is another backfill's"


def _schedule(plane: Rig, path: str) -> Any:
    return plane.ok("GET", f"{path}/schedules")[0]


@pytest.mark.parametrize("machine", ["UTC", "Europe/Berlin", "America/Los_Angeles"])
@pytest.mark.parametrize(
    ("schedule", "first", "last"),
    [
        ({"cron": "0 0 * * *", "timezone": "Europe/Berlin"}, "2026-02-25T23:00:00Z", "2026-02-27T23:00:00Z"),
        ({"cron": "0 0 * * *"}, "2026-02-26T00:00:00Z", "2026-02-28T00:00:00Z"),
        (
            {"rrule": "DTSTART;TZID=Asia/Tokyo:20200101T235959\nRRULE:FREQ=DAILY"},
            "2026-02-26T14:59:59Z",
            "2026-02-28T14:59:59Z",
        ),
    ],
)
def test_a_period_is_read_in_the_schedules_zone_and_its_last_day_belongs_to_it(
    cli: Cli, plane: Rig, bridge: Bridge, machine_zone: None, schedule: dict[str, str], first: str, last: str
) -> None:
    plane.pool()
    plane.deployment(schedules=[{"schedule": schedule, "slug": "daily"}])
    days = ("--from", "2026-02-26", "--to", "2026-02-28", "--dry-run")
    dues = [row["due"] for row in cli(*LINE, *days, "--output", "json").json]
    assert (len(dues), dues[0], dues[-1]) == (3, first, last)


@pytest.fixture
def machine_zone(machine: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", machine)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_a_table_says_the_zone(cli: Cli, plane: Rig, bridge: Bridge) -> None:
    plane.pool()
    zoned = {"cron": "0 0 * * *", "timezone": "Europe/Berlin"}
    plane.deployment(schedules=[{"schedule": zoned, "slug": "daily"}])
    shown = cli(*LINE, "--from", "2026-02-26", "--to", "2026-02-26", "--dry-run").out
    assert "Due (Europe/Berlin)" in shown
    assert "2026-02-26 00:00:00+01:00" in shown


def test_more_than_a_hundred_want_a_yes(cli: Cli, plane: Rig, deployment: Any) -> None:
    period = ("--from", "2026-02-20T00:00Z", "--to", "2026-02-24T23:00Z")
    refused = cli(*LINE, *period)
    assert refused.code == 2
    assert "120 runs would start" in refused.err
    assert runs(plane) == []
    assert cli(*LINE, *period, "--yes").code == 0
    assert len(runs(plane)) == 120


def test_an_interrupted_one_goes_on(
    cli: Cli, plane: Rig, bridge: Bridge, deployment: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "BATCH", 10)
    times: list[int] = []

    def third_is_too_much(seen: Seen) -> Answer:
        times.append(1)
        if len(times) == 3:
            monkeypatch.setattr(backfill, "_progress", _interrupt)
        return bridge._handed_on(seen)

    bridge.on("POST", ".*create_flow_runs", third_is_too_much)
    period = ("--from", "2026-03-01T00:00Z", "--to", "2026-03-02T11:59Z")
    stopped = cli(*LINE, *period)
    assert stopped.code == 130
    assert "Stopped at 30 of 36. The same command goes on." in stopped.err
    monkeypatch.undo()
    monkeypatch.setenv("HEADRACE_API_URL", bridge.url)
    done = cli(*LINE, *period, "--output", "json")
    assert done.json == {"schedule": "hourly", "made": 6, "run_again": 0, "kept": 30}


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", "yesterday"), "--from: 'yesterday' is not a time"),
        (("--from", "2026-03-01", "--to", "2026-02-01"), "ends before it begins"),
        (("--from", "2026-03-01", "--to", "in 5m"), "lies in the future"),
        (("--from", "2026-03-01", "--to", "2999-01-01"), "lies in the future"),
        (("--from", "2026-03-01", "--limit", "0"), "greater than or equal to 1"),
        (("--from", "2026-03-01", "--limit", "5001"), "less than or equal to 5000"),
        (("--from", "2026-03-01", "--param", "day"), "--param"),
        (("--from", "2026-03-01", "--params", "[1]"), "--params"),
        (("--from", "2026-03-01", "--job-variable", "x"), "--job-variable"),
        (("--from", "2026-03-01", "--schedule", "weekly"), "no schedule 'weekly'"),
        (("--from", "2026-03-01", "--output", "xml"), "xml"),
        ((), "--from"),
        (("--from", "2026-03-01T00:00Z", "--to", "2026-03-01T05:00Z", "--work-queue", "no"), "'no'"),
    ],
)
def test_bad_words_start_nothing(
    cli: Cli, plane: Rig, deployment: Any, words: tuple[str, ...], said: str
) -> None:
    done = cli(*LINE, *words)
    assert done.code in (1, 2)
    assert said in done.err
    assert runs(plane) == []


def test_a_deployment_of_several_schedules_wants_one_named(cli: Cli, plane: Rig, deployment: Any) -> None:
    path = f"/deployments/{deployment['id']}/schedules"
    plane.ok("POST", path, [{"schedule": {"interval": 60}, "slug": "often"}])
    done = cli(*LINE, *PERIOD)
    assert done.code == 1
    assert "hourly, often" in done.err
