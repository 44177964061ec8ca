"""How the child starts: what it imports, and what it says when it is started wrongly."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Run

HEAVY = {
    "asyncio",
    "inspect",
    "dataclasses",
    "pathlib",
    "argparse",
    "uuid",
    "ctypes",
    "subprocess",
    "datetime",
}
FOREIGN = {"pydantic", "httpx", "boto3", "botocore", "typer", "rich"}


def test_a_run_without_parameters_imports_little(run: Run) -> None:
    ended = run("import sys\ndef main():\n    return sorted(sys.modules)\n")
    loaded = set(ended.receipt["result"])
    assert not (HEAVY | FOREIGN) & loaded
    assert not [
        name for name in loaded if name.startswith(("headrace.worker", "headrace.contract", "headrace.cli"))
    ]


def test_parameters_need_the_standard_library_only(run: Run) -> None:
    ended = run("import sys\ndef main(x: list[int]):\n    return sorted(sys.modules)\n", {"x": [1]})
    assert not FOREIGN & set(ended.receipt["result"])


@pytest.mark.parametrize("arguments", [[], ["--spec", "3"], ["--spec", "x", "--events", "4"], ["--help"]])
def test_started_by_hand_it_says_how_it_is_started(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "headrace.engine", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("usage: python -m headrace.engine --spec FD --events FD")
    assert "Traceback" not in done.stderr


def test_warnings_as_errors_do_not_break_it(run: Run) -> None:
    ended = run("def main(x: int = 1): return x\n", python=("-W", "error", "-X", "dev"))
    assert (ended.code, ended.receipt["result"], ended.stderr) == (0, 1, "")
