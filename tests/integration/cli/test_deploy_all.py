"""`headrace deploy --all` against real use cases: another name while a run goes on, and a pinned deployment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.integration.cli.conftest import Bridge
from tests.support.plane import Rig
from tests.unit.cli.conftest import Cli

PROJECT = """\
name: p
defaults: {work_pool: {name: pool}}
pull: []
deployments:
  - {name: NAME, flow_name: job, command: sh x.sh, schedules: [{interval: 60}]}
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plane: Rig, bridge: Bridge) -> Path:
    plane.pool()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "headrace.yaml"


def paused(plane: Rig) -> dict[str, Any]:
    return {row["name"]: row["paused"] for row in plane.ok("POST", "/deployments/filter", {})}


def test_the_old_schedule_fires_no_more_while_the_old_deployment_cannot_go(
    cli: Cli, plane: Rig, file: Path
) -> None:
    file.write_text(PROJECT.replace("NAME", "old"))
    assert cli("deploy", "--all", "--no-check").code == 0
    plane.clock.forward(61)
    worker = plane.worker(limit=5)
    (grant,) = worker.claim(5)
    worker.start(grant)

    file.write_text(PROJECT.replace("NAME", "new, renamed_from: job/old"))
    refused = cli("deploy", "--all", "--no-check", "--yes")

    assert refused.code == 1
    assert "It is paused now." in refused.err
    assert "`headrace deployment delete job/old --cancel-runs`" in refused.err
    assert paused(plane) == {"old": True, "new": False}
    worker.end(grant)
    assert cli("deploy", "--all", "--no-check", "--yes").code == 0
    assert paused(plane) == {"new": False}


def test_a_pinned_deployment_is_compared_with_its_latest_version(cli: Cli, plane: Rig, file: Path) -> None:
    file.write_text(PROJECT.replace("NAME", "one"))
    cli("deploy", "--all", "--no-check")
    assert cli("deployment", "pin", "job/one").code == 0
    file.write_text(PROJECT.replace("NAME", "one, tags: [new]").replace("60", "90"))
    assert cli("deploy", "--all", "--no-check").out.startswith("~ changed job/one")
    for words in (("--all",), ("--sync",)):
        again = cli("deploy", *words, "--no-check")
        assert (again.code, again.out) == (0, "Nothing to do: everything is as the file says.\n")
