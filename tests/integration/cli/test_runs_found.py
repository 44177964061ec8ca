"""Runs are seen and found although schedules have made many ahead."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.cli.conftest import Bridge
from tests.support.plane import Rig
from tests.unit.cli.conftest import Cli

LS = ("flow-run", "ls")


@pytest.fixture
def deployments(plane: Rig, bridge: Bridge) -> list[Any]:
    """Three deployments that run each second, with their runs made ahead; all are due a minute from now at least."""
    plane.clock.now = datetime.now(UTC) + timedelta(minutes=1)
    plane.pool()
    schedule = {"schedule": {"interval": 1}, "slug": "often"}
    made = [plane.deployment(name=name, schedules=[schedule]) for name in ("main", "second", "third")]
    for _ in range(3):
        plane.plane.tick()
    return made


def test_a_run_made_now_is_found_by_its_name_of_two_letters(
    cli: Cli, plane: Rig, deployments: list[Any]
) -> None:
    ahead = plane.ok("POST", "/flow_runs/filter", {"limit": 200})
    plane.run(deployments[0], name="other")
    run = plane.run(deployments[0], name="fl")

    assert len(ahead) == 200
    assert cli("flow-run", "inspect", "fl", "--output", "json").json["id"] == run["id"]
    assert cli("flow-run", "inspect", run["id"][:13], "--output", "json").json["id"] == run["id"]


def test_a_run_of_later_is_found_by_its_name(cli: Cli, plane: Rig, deployments: list[Any]) -> None:
    at = {"type": "SCHEDULED", "state_details": {"scheduled_time": _in(minutes=60)}}
    run = plane.run(deployments[0], name="tidy-later", state=at)

    assert cli("flow-run", "inspect", "tidy-later", "--output", "json").json["id"] == run["id"]


def test_a_name_that_no_run_has(cli: Cli, deployments: list[Any]) -> None:
    done = cli("flow-run", "why", "nobody")

    assert done.code == 2
    assert "'nobody' is not a flow run's id, and none of the latest has that name." in done.err


def test_what_schedules_made_ahead_is_counted_and_what_ran_is_shown(
    cli: Cli, plane: Rig, deployments: list[Any]
) -> None:
    plane.run(deployments[0], name="by-hand")
    at = {"type": "SCHEDULED", "state_details": {"scheduled_time": _in(minutes=1.2)}}
    plane.run(deployments[0], name="by-hand-later", state=at)

    done = cli(*LS)

    names = [row["name"] for row in cli(*LS, "--output", "json").json]
    assert names == ["by-hand-later", "by-hand"]
    assert "due later are left out: --upcoming shows what is to come." in done.err


def test_upcoming_runs_have_a_list_of_their_own(cli: Cli, plane: Rig, deployments: list[Any]) -> None:
    rows = cli(*LS, "--upcoming", "--limit", "5", "--output", "json").json

    times = [row["expected_start_time"] for row in rows]
    assert len(rows) == 5
    assert times == sorted(times)
    assert "There are more than these 5" in cli(*LS, "--upcoming", "--limit", "5").err


def test_a_state_that_is_asked_for_is_shown_whenever_it_is_due(
    cli: Cli, plane: Rig, deployments: list[Any]
) -> None:
    done = cli(*LS, "--state", "scheduled", "--output", "json")

    assert len(done.json) == 20


def _in(minutes: float) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()


def test_a_run_is_cancelled_under_the_name_it_was_given(cli: Cli, plane: Rig, deployments: list[Any]) -> None:
    run = plane.run(deployments[0], name="fl")

    over = plane.run(deployments[0], name="over")
    worker = plane.worker(limit=10)
    (grant,) = [one for one in worker.claim(10) if one["run"] == over["id"]]
    worker.start(grant)
    worker.end(grant)

    done = cli("flow-run", "cancel", "fl", "over")

    assert f"'fl' ({run['id']}) is Cancel" in done.out
    assert (
        f"Error: 'over' ({over['id']}): The run is over (COMPLETED): it cannot be cancelled."
        " `headrace flow-run retry` starts it again.\n"
    ) == done.err


def test_a_run_of_a_paused_deployment_says_that_it_waits(
    cli: Cli, plane: Rig, deployments: list[Any]
) -> None:
    assert "paused" not in cli("deployment", "run", "flow/main").out
    cli("deployment", "pause", "flow/main")

    out = cli("deployment", "run", "flow/main").out

    assert "Its deployment is paused: it waits.  headrace deployment resume flow/main" in out


def test_the_next_time_of_a_schedule_is_that_of_its_next_run(
    cli: Cli, plane: Rig, deployments: list[Any]
) -> None:
    """And not the first time for which no run is made yet."""
    before = datetime.now(UTC) - timedelta(seconds=1)

    (said,) = re.findall(
        r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) ", cli("deployment", "schedule", "ls", "flow/main").out
    )

    assert before <= datetime.fromisoformat(said).astimezone() <= datetime.now(UTC) + timedelta(seconds=2)
