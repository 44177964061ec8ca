"""The shape of the house: arrows between rooms, sizes of files and functions, what the SDK imports."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(
    path
    for folder in ("chalicelib", "workers/headrace", "infra", "benchmarks", "scripts")
    for path in (ROOT / folder).rglob("*.py")
    if "__pycache__" not in path.parts
)
TESTS = sorted(path for path in (ROOT / "tests").rglob("*.py") if "__pycache__" not in path.parts)


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize(
    "command",
    [
        "lint-imports --no-cache",
        "mypy --cache-dir /dev/null",
        "ruff check --no-cache --quiet .",
        "ruff format --no-cache --check --quiet .",
    ],
)
def test_what_make_lint_checks(command: str) -> None:
    """The arrows between the rooms, types and style: who changes something need not remember to ask."""
    program, *rest = command.split()
    done = subprocess.run(
        [Path(sys.executable).with_name(program), *rest],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_api_takes_of_the_ports_what_is_no_store_and_no_queue() -> None:
    word = re.compile(r"\bports\.(?!clock\b|settings\b)\w+")
    found = {name(path): word.findall(path.read_text()) for path in (ROOT / "chalicelib/api").glob("*.py")}
    assert not {path: words for path, words in found.items() if words}


def test_app_imports_only_chalice_and_the_control_plane() -> None:
    tree = ast.parse((ROOT / "app.py").read_text())
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {module.split(".")[0] for module in imported if module} <= {"__future__", "chalice", "chalicelib"}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import)]


@pytest.mark.parametrize(
    "module",
    ["headrace", "headrace.flows", "headrace.tasks", "headrace.engine.run", "headrace.worker.keeper"],
)
def test_imports_the_standard_library_only(module: str) -> None:
    code = (
        "import sys; before = set(sys.modules)\n"
        f"import {module}\n"
        "found = {name.split('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(found - set(sys.stdlib_module_names) - {'headrace'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_files_and_functions_are_short(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 300, "split it: a file has one duty"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= 60, f"{node.name} has {length} lines"


def test_test_files_are_not_too_long() -> None:
    long = {name(path): count for path in TESTS if (count := len(path.read_text().splitlines())) > 450}
    assert not long


def test_nothing_is_left_undone_or_swallowed_in_silence() -> None:
    word = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError")
    found = [
        f"{name(path)}:{n}"
        for path in SOURCES
        for n, line in enumerate(path.read_text().splitlines(), 1)
        if word.search(line)
    ]
    assert not found


def test_no_scan_anywhere() -> None:
    word = re.compile(r"\.scan\(|\"Scan\"|\.count\(Item")
    found = [name(path) for path in SOURCES if "chalicelib" in path.parts and word.search(path.read_text())]
    assert not found


def test_requirements_are_those_of_the_lambda_extra() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == extras["lambda"]


def test_each_page_is_in_the_index() -> None:
    index = (ROOT / "README.md").read_text()
    pages = {name(page) for page in (ROOT / "docs").rglob("*.md") if page.parent.name != "decisions"}
    assert not {page for page in pages if f"]({page})" not in index}


def test_version_is_the_same_everywhere() -> None:
    import headrace

    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert headrace.__version__ == declared
    assert f"[{declared}]" in (ROOT / "CHANGELOG.md").read_text()
