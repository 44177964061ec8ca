"""`import headrace` is cheap, and the SDK needs the standard library only."""

from __future__ import annotations

import subprocess
import sys

import pytest

import headrace


def loaded_by(code: str) -> set[str]:
    """The modules that a fresh interpreter has after this code."""
    program = f"{code}\nimport sys; print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_package_alone_imports_nothing() -> None:
    assert loaded_by("import headrace") - loaded_by("pass") <= {"headrace", "__future__"}


def test_a_plain_flow_needs_no_heavy_module() -> None:
    code = "from headrace import flow, task, get_run_logger, Retry, flow_run\n@flow\ndef f(): pass"
    loaded = loaded_by(code)
    assert not {"asyncio", "inspect", "dataclasses", "pathlib", "uuid", "random", "ctypes"} & loaded
    assert not {"pydantic", "httpx", "boto3", "rich", "typer"} & loaded


def test_schema_and_validation_need_the_standard_library_only() -> None:
    code = (
        "from headrace import flow\n@flow\ndef f(x: int, y: list[str] = []): pass\n"
        "f.parameter_schema(); f.validate_parameters({'x': 1})"
    )
    roots = {name.partition(".")[0] for name in loaded_by(code)}
    assert {root for root in roots if root not in sys.stdlib_module_names} <= loaded_roots() | {"headrace"}


def loaded_roots() -> set[str]:
    """What the interpreter itself brings along: `__main__`, and start-up hooks of what is installed."""
    return {name.partition(".")[0] for name in loaded_by("pass")}


@pytest.mark.parametrize("name", headrace.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(headrace, name) is not None
    assert name in dir(headrace)


def test_another_name_is_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'flw'"):
        headrace.flw  # noqa: B018 - what is tested
