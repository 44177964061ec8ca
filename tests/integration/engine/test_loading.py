"""Entrypoints: what is found, and what is said of those that are not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Run

FLOW = """
from headrace import flow, task
@flow
def main(): return 1
@task
def step(): return 1
@flow
def other(): return 2
LIMIT = 3
class Job: pass
def rows(): yield 1
"""


@pytest.mark.parametrize(
    ("entrypoint", "message", "hint"),
    [
        ("etl.py", "names no function", "path/file.py:function"),
        ("etl.py:", "names no function", "path/file.py:function"),
        ("elt.py:main", "there is no file 'elt.py' in ", "Check the entrypoint"),
        ("etl.py:mian", "etl.py has no 'mian'", "Did you mean 'main'? Its flows are: main, other."),
        ("etl.py:LIMIT", "'LIMIT' in etl.py is a int, not a flow", "with @flow above it"),
        ("etl.py:step", "'step' in etl.py is a task, not a flow", "Name a flow that calls it"),
        ("etl.py:Job", "'Job' in etl.py is a type, not a flow", "with @flow above it"),
        (
            "etl.py:rows",
            "'rows' in etl.py cannot be a flow: a flow cannot be a generator",
            "another function",
        ),
        ("elt:main", "elt could not be imported: No module named 'elt'", "Install it into"),
        ("etl:mian", "etl has no 'mian'", "Did you mean 'main'?"),
        ("./etl.txt:main", "there is no file './etl.txt'", "Check the entrypoint"),
    ],
)
def test_what_cannot_be_found_is_told(run: Run, entrypoint: str, message: str, hint: str) -> None:
    ended = run(FLOW, entrypoint=entrypoint)
    assert ended.code == 2
    assert not ended.started
    receipt = ended.receipt
    assert receipt["state_type"] == "CRASHED"
    assert message in receipt["message"]
    assert any(receipt["message"] in told for told in ended.logs)
    assert hint in receipt["error"]["hint"]
    assert receipt["retry"] == {"wanted": False, "after": None}


@pytest.mark.parametrize(
    ("code", "message", "hint", "final"),
    [
        ("def main(:\n", "syntax error in etl.py, line 1", "Correct that line", True),
        (
            "import no_such_thing\n",
            "No module named 'no_such_thing'",
            "Install it into the environment of",
            True,
        ),
        ("from json import nothing\n", "cannot import name 'nothing'", "Check the names", True),
        ("from . import x\n", "attempted relative import", "package.module:function", True),
        ("import sys\nsys.exit(1)\n", "ended the process while it was being loaded", "__main__", True),
        ("x = 1\ny = x / 0\n", "raised ZeroDivisionError while it was being loaded", "each time", False),
    ],
)
def test_code_that_cannot_be_loaded_is_told(
    run: Run, code: str, message: str, hint: str, final: bool
) -> None:
    ended = run(code)
    assert ended.code == 2
    receipt = ended.receipt
    assert message in receipt["message"]
    assert hint in receipt["error"]["hint"]
    assert "importlib" not in receipt["error"]["traceback"]
    assert "headrace" not in receipt["error"]["traceback"]
    assert "etl.py" in receipt["error"]["traceback"]
    assert any(receipt["error"]["traceback"].rstrip() in told for told in ended.logs)
    assert (receipt.get("retry") == {"wanted": False, "after": None}) is final


def test_a_module_in_a_package_is_found_from_the_working_directory(run: Run, tmp_path: Path) -> None:
    package = tmp_path / "flows" / "daily"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "helper.py").write_text("N = 5\n")
    (package / "load.py").write_text("from .helper import N\ndef main(): return [N, __name__]\n")
    ended = run("", entrypoint="flows.daily.load:main")
    assert ended.receipt["result"] == [5, "flows.daily.load"]


@pytest.mark.parametrize("python", [(), ("-P",)], ids=["as it comes", "safe path"])
def test_a_file_finds_its_neighbours_and_the_projects_modules(
    run: Run, tmp_path: Path, python: tuple[str, ...]
) -> None:
    folder = tmp_path / "flows"
    folder.mkdir()
    (folder / "neighbour.py").write_text("A = 1\n")
    (tmp_path / "project.py").write_text("B = 2\n")
    (folder / "my-flow.py").write_text(
        "import neighbour, project\ndef main(): return neighbour.A + project.B\n"
    )
    assert run("", entrypoint="flows/my-flow.py:main", python=python).receipt["result"] == 3
    assert run("", entrypoint=f"{folder}/my-flow.py:main", python=python).receipt["result"] == 3


def test_a_file_may_have_the_name_of_a_standard_module(run: Run, tmp_path: Path) -> None:
    (tmp_path / "statistics.py").write_text("def main(): return __name__\n")
    assert run("", entrypoint="statistics.py:main").receipt["result"] == "statistics__flow"


def test_dataclasses_and_process_pools_find_the_module(run: Run) -> None:
    ended = run(
        """
        from __future__ import annotations
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor
        from dataclasses import dataclass
        @dataclass
        class Row:
            x: int
        def double(row: Row) -> Row:
            return Row(2 * row.x)
        def main(row: Row):
            with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
                return pool.submit(double, row).result()
        """,
        {"row": {"x": 4}},
    )
    assert ended.receipt["result"] == {"x": 8}, ended.receipt


def test_a_flow_called_at_the_top_of_its_file_is_not_run(run: Run) -> None:
    ended = run(
        """
        import asyncio
        from headrace import flow
        @flow
        def main(): return "ran"
        @flow
        async def other(): return "ran"
        first = main()
        second = asyncio.run(other())
        @flow
        def check(): return [first, second, main()]
        """,
        entrypoint="etl.py:check",
    )
    assert ended.receipt["result"] == [None, None, "ran"]
    assert "Flow 'main' was called while its file was being loaded, and not run." in ended.logs[0]


def test_what_stands_under_main_is_not_run(run: Run) -> None:
    ended = run("def main(): return 1\nif __name__ == '__main__':\n    raise SystemExit(9)\n")
    assert ended.code == 0


def test_a_member_of_a_module_is_found_by_its_dotted_name(run: Run) -> None:
    code = "class Jobs:\n    @staticmethod\n    def load(): return 7\n"
    assert run(code, entrypoint="etl.py:Jobs.load").receipt["result"] == 7
