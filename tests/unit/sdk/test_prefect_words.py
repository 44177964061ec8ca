"""What people write who know Prefect: refused by name, with what to write instead."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from headrace import flow, task
from headrace.prefect_words import GUIDE

PAGE = Path(__file__).parents[3] / GUIDE


@task
def double(x: int) -> int:
    """Twice as much."""
    return 2 * x


@flow
def four() -> int:
    """Twice two."""
    return double(2)


DECORATORS: list[Any] = [task, flow, double.with_options, four.with_options]


@pytest.mark.parametrize("decorator", DECORATORS)
@pytest.mark.parametrize(
    ("option", "advice"),
    [
        ("cache_key_fn", "neither kept nor cached"),
        ("on_failure", "no hooks on states"),
        ("retry_condition_fn", "retry_on takes"),
        ("retry_delay_second", "did you mean 'retry_delay_seconds'?"),
        ("colour", "It has: description, "),
    ],
)
def test_an_option_that_there_is_not(decorator: Callable[..., object], option: str, advice: str) -> None:
    with pytest.raises(TypeError, match=f"^@(task|flow) has no option '{option}'") as raised:
        decorator(**{option: 1})
    assert advice in str(raised.value) and "retry_on, sleep, timeout_seconds" in str(raised.value)


def test_a_flow_has_options_that_a_task_has_not() -> None:
    one: Any = flow(version="2", validate_parameters=False)
    assert one(lambda: 1).version == "2"
    made: Any = task
    with pytest.raises(TypeError, match="@task has no option 'version'"):
        made(version="2")


@pytest.mark.parametrize(
    ("callee", "name", "advice"),
    [
        (double, "submit", "ThreadPoolExecutor"),
        (double, "map", "run_deployment"),
        (double, "delay", "Make it a flow"),
        (double, "serve", "Make it a flow"),
        (four, "from_source", "source=... of deploy"),
    ],
)
def test_a_method_that_there_is_not(callee: object, name: str, advice: str) -> None:
    assert not hasattr(callee, name)
    with pytest.raises(AttributeError, match=f"^(task 'double'|flow 'four') has no '{name}': ") as raised:
        getattr(callee, name)
    assert advice in str(raised.value) and GUIDE in str(raised.value)


def test_any_other_attribute_is_missing_in_the_plain_way() -> None:
    with pytest.raises(AttributeError, match=r"^task 'double' has no 'colour'$"):
        double.colour  # type: ignore[attr-defined]  # noqa: B018 - what is tested
    assert copy.copy(double) is double
    assert pickle.loads(pickle.dumps(double)) is double


def test_the_guides_example_of_parallel_work_does_what_it_says() -> None:
    code = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)[-1]
    found: dict[str, Any] = {}
    exec(code, found)
    assert found["squares"]([1, 2, 3]) == [1, 4, 9]
    with ThreadPoolExecutor() as pool:
        assert pool.submit(double, 4).result() == 8
