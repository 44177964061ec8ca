"""`docs/aws.md` says what is so: its commands are commands, its prices those of the table."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

import pytest
from typer.main import get_command

from headrace.cli.app import build
from headrace.cost.bill import total
from headrace.cost.units import run, standing
from infra.cloud import documents
from tests.aws.conftest import ROOT
from tests.unit.cli.conftest import Cli, cli  # noqa: F401 - a fixture

PAGE = (ROOT / "docs" / "aws.md").read_text()
BLOCKS = re.findall(r"^ *```sh\n(.*?)^ *```", PAGE, re.MULTILINE | re.DOTALL)
LINES = [line.strip() for block in BLOCKS for line in block.replace("\\\n", " ").splitlines() if line.strip()]
OURS = [line.partition(" > ")[0] for line in LINES if line.startswith("headrace ")]
BOUNDARY = "arn:aws:iam::111122223333:policy/headrace-prod-boundary"
MONTH = 30 * 86_400


def test_there_is_something_to_check() -> None:
    assert len(OURS) >= 12
    assert len(LINES) >= 18


@pytest.mark.parametrize("line", OURS)
def test_every_command_is_one(line: str) -> None:
    words = shlex.split(line)[1:]
    command: Any = get_command(build(None))
    context = None
    while hasattr(command, "commands"):
        name = words.pop(0)
        context = command.make_context(name, [], parent=context, resilient_parsing=True)
        command = command.commands[name]
    command.make_context(line, words, parent=context)


def test_the_policies_that_it_prints_are_the_ones(cli: Cli) -> None:  # noqa: F811
    lines = [line for line in OURS if " policies " in line]
    done = [cli(*shlex.split(line)[1:]) for line in lines]
    assert [one.code for one in done] == [0, 0, 0]
    free, bounded = (documents("prod", "111122223333", "eu-west-1", each) for each in (None, BOUNDARY))
    expected = [free["operator"], free["boundary"], bounded["operator"]]
    assert [json.loads(one.out) for one in done] == expected


@pytest.mark.parametrize(
    ("row", "units"),
    [
        ("with nothing to do, no worker", standing(MONTH, 0)),
        ("with nothing to do, one worker waiting", standing(MONTH, 1)),
        ("1,000 scheduled runs of 10 s, 2 KB of log each, beside that", run(10, 2, scheduled=True) * 1000),
    ],
)
def test_the_prices_are_those_of_the_table(row: str, units: Any) -> None:
    found = re.search(rf"^\| {re.escape(row)} \| ([\d.]+) \|$", PAGE, re.MULTILINE)
    assert found, row
    assert found[1] == f"{total(units):.2f}"
