"""Metrics of runs, claims, queues and ticks: written where they are wanted, without a call of AWS."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.templates import read
from tests.support.plane import Rig, rig


def a_minute(plane: Rig) -> int:
    """A run of its own life, another that waits, and two ticks; the calls of AWS that it took."""
    plane.pool()
    deployment = plane.deployment()
    worker = plane.worker(limit=2)
    before = len(plane.aws.calls)
    run = plane.run(deployment)
    plane.clock.forward(2)
    worker.sync(want=1, hints=[run["id"]])
    worker.start(run["id"])
    worker.end(run["id"])
    plane.run(deployment)
    for _ in range(2):
        plane.clock.forward(30)
        plane.plane.tick()
    return len(plane.aws.calls) - before


def test_they_say_what_happened(capsys: pytest.CaptureFixture[str]) -> None:
    with rig(metrics=True) as plane:
        a_minute(plane)
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]

    def of(name: str) -> list[Any]:
        return [line[name] for line in found if name in line]

    assert of("claim_latency") == [[2.0]]
    assert [line["state"] for line in found if "runs" in line] == ["COMPLETED"]
    assert of("queue_age") == [30.0, 60.0]
    assert of("tick_interval") == [30.0]
    assert all(line["stage"] == "local" for line in found)


def test_a_run_is_counted_once_whoever_ends_it(capsys: pytest.CaptureFixture[str]) -> None:
    with rig(metrics=True) as plane:
        plane.pool()
        deployment = plane.deployment()
        lost = plane.worker(name="lost", limit=3)
        of = {name: plane.run(deployment, name=name) for name in ("lost", "cancelling", "ended")}
        lost.claim(want=3)
        for run in of.values():
            lost.start(run["id"])
        ask = {"state": {"type": "CANCELLING"}}
        plane.ok("POST", f"/flow_runs/{of['cancelling']['id']}/set_state", ask)
        lost.end(of["ended"]["id"], "FAILED")
        for _ in range(5):
            plane.clock.forward(60)
            plane.plane.tick()
        waits = plane.run(deployment)
        plane.ok("POST", f"/flow_runs/{waits['id']}/set_state", ask)
        plane.ok("POST", f"/flow_runs/{waits['id']}/set_state", ask)
        skipped(plane)
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"runs"' in line]
    counted = sorted(line["state"] for line in found for _ in range(line["runs"]))
    assert counted == ["CANCELLED", "CANCELLED", "CANCELLED", "CRASHED", "FAILED"]


def skipped(plane: Rig) -> None:
    """A run of a schedule whose successor is due too, ended by a claim."""
    minutes = {"schedule": {"cron": "* * * * *"}, "slug": "minutes", "catchup": "latest"}
    plane.deployment("flow", "scheduled", schedules=[minutes])
    for _ in range(2):
        plane.clock.forward(60)
        plane.plane.tick()
    worker = plane.worker(name="fresh")
    assert len(worker.claim()) == 1


def test_they_cost_no_call_and_are_silent_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    with rig(metrics=True) as plane:
        measured = a_minute(plane)
    capsys.readouterr()
    with rig() as plane:
        assert a_minute(plane) == measured
    assert "_aws" not in capsys.readouterr().out


def late(plane: Rig, capsys: pytest.CaptureFixture[str]) -> list[tuple[int, str]]:
    """What the next tick tells of late runs."""
    capsys.readouterr()
    plane.plane.tick()
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert all("late_runs" in line for line in found), "no metric that nobody asked for"
    return [(line["late_runs"], line["stage"]) for line in found]


def test_late_runs_are_told_without_a_worker_and_without_other_metrics(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with rig(late_runs=True) as plane:
        queue = plane.pool()["default_queue_id"]
        plane.pool("paused")
        deployment = plane.deployment()
        for _ in range(2):
            plane.run(deployment)
        plane.run(plane.deployment("flow", "elsewhere", pool="paused"))
        plane.ok("PATCH", "/work_pools/paused", {"is_paused": True})
        plane.clock.forward(14)
        assert late(plane, capsys) == []
        plane.clock.forward(2)
        assert late(plane, capsys) == [(2, "local")]
        plane.ok("PATCH", "/work_queues/" + queue, {"is_paused": True})
        assert late(plane, capsys) == []


def test_the_alarm_over_late_runs_reads_the_metric_that_is_written(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with rig(late_runs=True) as plane:
        plane.pool()
        plane.run(plane.deployment())
        plane.clock.forward(60)
        plane.plane.tick()
    (line,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    alarm = read("template.yaml")["Resources"]["LateRunsAlarm"]["Properties"]
    assert (alarm["Namespace"], [alarm["MetricName"]]) == (
        directive["Namespace"],
        [metric["Name"] for metric in directive["Metrics"]],
    )
    assert [[one["Name"] for one in alarm["Dimensions"]]] == directive["Dimensions"]
