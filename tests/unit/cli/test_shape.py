"""The command as a whole: help for everything, the generated page, quick help, narrow and wide tables, pipes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from headrace.cli.app import BRANCHES
from headrace.cli.reference import commands, page
from tests.unit.cli.canned import POOL, POOL_ID, QUEUE_ID
from tests.unit.cli.conftest import Cli
from tests.unit.cli.fake_api import Answer, FakeApi

ROOT = Path(__file__).parents[3]
HEAVY = (
    "prompt_toolkit",
    "questionary",
    "yaml",
    "boto3",
    "botocore",
    "httpx",
    "pydantic",
    "rich",
    "headrace.contract",
    "headrace.client",
    "headrace.worker",
)
PROBE = f"""
import sys
from headrace.cli.main import main
code = main(sys.argv[1:])
loaded = [name for name in {HEAVY!r} if name in sys.modules]
sys.exit(f"loaded {{loaded}}" if loaded else code)
"""


def test_every_command_and_option_has_help() -> None:
    for path, command, _ in commands():
        assert command.help, path
        silent = [param.name for param in command.params if not getattr(param, "help", None)]
        assert not silent, f"{path}: {silent}"


def test_the_reference_is_up_to_date() -> None:
    written = (ROOT / "docs/reference/cli.md").read_text(encoding="utf-8")

    assert written == page(), "Write it anew with: make docs"


def test_the_reference_names_every_command() -> None:
    text = page()

    assert not [path for path, _, _ in commands() if f"`{path}`" not in text]


@pytest.mark.parametrize(
    "line", ["--help", "worker start --help", "work-pool --help", "deploy --help", "--version"]
)
def test_help_loads_nothing_heavy(line: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *line.split()],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("branch", BRANCHES, ids=lambda branch: branch.name)
def test_the_help_in_the_list_is_that_of_the_command(cli: Cli, branch: object) -> None:
    name, help_ = branch.name, branch.help  # type: ignore[attr-defined]

    assert help_.split(":")[0].rstrip(".") in " ".join(cli(name, "--help").out.split())
    assert len(f"  {name:17}  {help_}") <= 79


def test_a_narrow_table_keeps_names_and_ids_whole(cli: Cli, api: FakeApi) -> None:
    lines = cli("work-queue", "ls").out.splitlines()

    assert any(line.startswith("default ") for line in lines)
    assert any(line.startswith(QUEUE_ID) for line in lines)


def test_a_wide_table_has_one_line_per_thing(cli: Cli, api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")

    assert len(cli("work-queue", "ls").out.splitlines()) == 3


def test_what_goes_into_a_pipe_is_never_folded(
    cli: Cli, api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS")

    last = cli("work-pool", "ls").out.splitlines()[-1]

    assert last.split()[:4] == ["my-process-pool", "process", POOL_ID, "4"]


def test_json_among_fields_is_never_folded(cli: Cli, api: FakeApi) -> None:
    template = {"variables": {"command": {"description": "word " * 30}}}
    api.on("GET", "/work_pools/my-process-pool", Answer(POOL | {"base_job_template": template}))

    out = cli("work-pool", "inspect", "my-process-pool").out

    assert json.loads(out.partition("Base job template\n")[2]) == template


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("deployment schedule add", "headrace deployment schedule create"),
        ("deployment schedule remove", "headrace deployment schedule delete"),
        ("flow-run list", "headrace flow-run ls"),
        ("flow-run add", "--help"),
    ],
)
def test_words_of_other_programs_are_understood(cli: Cli, line: str, meant: str) -> None:
    assert meant in cli(*line.split()).err


def test_a_reader_that_leaves_early_is_no_crash(api: FakeApi) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "headrace.cli.main", "work-pool", "ls"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "HEADRACE_API_URL": api.url},
    )
    assert child.stdout is not None and child.stderr is not None
    child.stdout.close()
    with child:
        assert b"Traceback" not in child.stderr.read()
