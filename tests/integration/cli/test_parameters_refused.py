"""Parameters that a flow does not take are told one by one, with how they are given on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.integration.cli.conftest import Bridge
from tests.support.plane import Rig
from tests.unit.cli.conftest import Cli

RUN = ("deployment", "run", "flow/main")
CITIES = {"cities": {"type": "array", "items": {"type": "string"}}}
PASSWORD = {"password": {"x-secret": True, "type": "object"}}


def deployed(plane: Rig, **properties: Any) -> None:
    plane.pool()
    schema = {"type": "object", "properties": properties, "required": [*properties]}
    plane.deployment(parameter_openapi_schema=schema | {"additionalProperties": False})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), ["parameters.cities is missing", 'Give an array: --param \'cities=["a", "b"]\'']),
        (("--param", "cities=[Bern]"), ["[Bern] is not JSON.", '--param \'cities=["a", "b"]\'']),
        (
            ("--param", "city=Bern"),
            [
                "  parameters.cities is missing\n",
                "  parameters.city is not known; did you mean cities?\n",
                "The flow takes cities.",
            ],
        ),
    ],
)
def test_a_list(cli: Cli, plane: Rig, bridge: Bridge, words: tuple[str, ...], said: list[str]) -> None:
    deployed(plane, **CITIES)

    done = cli(*RUN, *words)

    assert done.code != 0
    assert all(text in done.err for text in said), done.err
    assert "more)" not in done.err


def test_a_secret(cli: Cli, plane: Rig, bridge: Bridge) -> None:
    deployed(plane, **PASSWORD)

    assert "--param password=env:NAME" in cli(*RUN).err


def test_a_flow_without_parameters(cli: Cli, plane: Rig, bridge: Bridge) -> None:
    deployed(plane)

    err = cli(*RUN, "--param", "rows=1").err

    assert (
        err
        == "Error: The parameters do not fit the flow: parameters.rows is not known; there are none here\n"
    )


def test_a_schedule_whose_runs_would_lack_a_parameter(
    cli: Cli, plane: Rig, bridge: Bridge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "f.py").write_text("def load(rows: int) -> None: ...\n")
    monkeypatch.chdir(tmp_path)
    plane.pool("p")

    err = cli("deploy", "f.py:load", "-n", "n", "-p", "p", "--cron", "@daily").err

    assert "schedules.0.parameters.rows is missing" in err
    assert "A schedule's runs take the deployment's parameters" in err
    assert "Give an integer: --param rows=3" in err
    assert cli("deploy", "f.py:load", "-n", "n", "-p", "p", "--cron", "@daily", "--param", "rows=3").code == 0
