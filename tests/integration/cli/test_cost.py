"""`headrace cost` against real use cases."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from headrace.cost import bill, units
from tests.integration.cli.conftest import Bridge
from tests.support.plane import Rig
from tests.unit.cli.conftest import Cli

JSON = ("--output", "json")


@pytest.fixture
def deployment(plane: Rig, bridge: Bridge) -> Any:
    plane.clock.now = datetime.now(UTC).replace(microsecond=0)
    plane.pool()
    return plane.deployment(
        schedules=[
            {"schedule": {"interval": 86_400}, "slug": "daily"},
            {"schedule": {"interval": 60}, "slug": "often"},
            {"schedule": {"interval": 1}, "slug": "off", "active": False},
        ]
    )


def one_run(plane: Rig, deployment: Any, seconds: float) -> None:
    worker = plane.worker(limit=1)
    run = plane.run(deployment)
    (grant,) = worker.sync(want=1, hints=[run["id"]])["granted"]
    worker.start(grant)
    plane.clock.forward(seconds)
    worker.end(grant, log_bytes=1000)


def test_an_estimate_of_a_deployment_without_runs(cli: Cli, deployment: Any) -> None:
    done = cli("cost", "estimate", "flow/main", *JSON).json
    assert done["case"]["runs"] == 30 + 43_200
    assert (done["case"]["duration"], done["case"]["log_kb"]) == (60, 4)
    assert any("assumed to take" in remark for remark in done["remarks"])
    assert any("'often'" in remark for remark in done["remarks"])
    assert done["usd"] == pytest.approx(sum(line["usd"] for line in done["lines"]))


def test_an_estimate_knows_the_latest_runs(cli: Cli, plane: Rig, deployment: Any) -> None:
    one_run(plane, deployment, 30)
    done = cli("cost", "estimate", "flow/main", *JSON).json
    assert done["case"]["duration"] == pytest.approx(30, abs=1)
    assert done["case"]["log_kb"] == pytest.approx(1)
    at_once = cli("cost", "estimate", "flow/main", "--duration", "0s", "--log-kb", "0", *JSON).json
    assert (at_once["case"]["duration"], at_once["case"]["log_kb"]) == (0, 0)


def test_an_estimate_without_a_control_plane(cli: Cli) -> None:
    done = cli("cost", "estimate", "--runs-per-month", "1000000", "--duration", "1s", "--log-kb", "0", *JSON)
    assert done.json["usd"] == pytest.approx(done.json["usd_per_million_runs"])
    table = cli("cost", "estimate", "--runs-per-month", "10")
    assert "API Gateway (REST)" in table.out
    assert "idle" in table.out


def test_an_estimate_gives_the_free_tier_once(cli: Cli) -> None:
    """A million runs use up the million requests of SQS that are free: the idle plane's cost it something."""
    words = ("cost", "estimate", "--runs-per-month", "1000000", "--duration", "1s", "--log-kb", "0")

    def sqs(*more: str) -> float:
        lines = cli(*words, *more, *JSON).json["idle_month"]["lines"]
        (usd,) = (line["usd"] for line in lines if line["name"] == "SQS")
        return float(usd)

    assert sqs("--free-tier") == pytest.approx(sqs()) and sqs() > 0
    table = cli(*words, "--free-tier").out
    whole = units.run(1, 0, scheduled=False) * 1e6 + units.standing(units.MONTH)
    told = [float(usd) for usd in re.findall(r"([0-9.]+) USD(?: a month more)?\.?\n", table)]
    assert told[0] + told[-1] == pytest.approx(bill.total(whole, free_tier=True), abs=0.01)


def test_what_runs_did_cost(cli: Cli, plane: Rig, bridge: Bridge) -> None:
    """No schedule makes further runs: one that comes due between two of the commands is on the later bill alone."""
    plane.clock.now = datetime.now(UTC).replace(microsecond=0)
    plane.pool()
    one_run(plane, plane.deployment(), 600)
    other = plane.deployment(name="other")
    plane.run(other)
    plane.clock.forward(1)
    done = cli("cost", "actual", "--since", "1h", *JSON).json
    groups = {group["deployment"]: group for group in done["groups"]}
    assert groups["flow/main"]["runs"] == 1
    assert groups["flow/main"]["seconds"] == pytest.approx(600, abs=1)
    assert done["usd"] == pytest.approx(
        sum(group["usd"] for group in done["groups"]) + done["standing"]["usd"]
    )
    assert "flow/main" in cli("cost", "actual").out
    for said, kb in ((JSON, 1), ((*JSON, "--log-kb", "1"), 1), ((*JSON, "--log-kb", "500"), 500)):
        rows = {group["deployment"]: group for group in cli("cost", "actual", *said).json["groups"]}
        expected = bill.total(units.run(600, kb, scheduled=False))
        assert rows["flow/main"]["usd"] == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("estimate",), "--runs-per-month"),
        (("estimate", "flow"), "flow-name/deployment-name"),
        (("estimate", "flow/none"), "flow/none"),
        (("estimate", "--runs-per-month", "-1"), "--runs-per-month"),
        (("estimate", "--runs-per-month", "many"), "--runs-per-month"),
        (("estimate", "--runs-per-month", "1e10"), "--runs-per-month"),
        (("estimate", "--runs-per-month", "1", "--duration", "long"), "--duration"),
        (("estimate", "--runs-per-month", "1", "--duration", "-5s"), "--duration"),
        (("estimate", "--runs-per-month", "1", "--log-kb", "-1"), "--log-kb"),
        (("actual", "--since", "yesterday"), "--since"),
        (("actual", "--since", "0s"), "--since"),
        (("actual", "--since", "32d"), "--since"),
        (("actual", "--output", "xml"), "xml"),
    ],
)
def test_bad_words(cli: Cli, deployment: Any, words: tuple[str, ...], said: str) -> None:
    done = cli("cost", *words)
    assert done.code in (1, 2)
    assert said in done.err
    assert done.out == ""
