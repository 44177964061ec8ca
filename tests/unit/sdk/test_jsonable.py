"""Python values in JSON's terms."""

from __future__ import annotations

import enum
from collections import OrderedDict, deque
from dataclasses import InitVar, dataclass, field
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest

from headrace.contract.base import JSON_DEPTH
from headrace.jsonable import MOST_DEEP, MOST_VALUES, NotJsonable, is_deep, jsonable


class Name(str):
    pass


class Code(enum.IntEnum):
    OK = 200


@dataclass
class Job:
    shared: ClassVar[int] = 1
    seed: InitVar[int]
    size: int
    hidden: list[int] = field(default_factory=list, repr=False)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Name("a"), "a"),
        (Code.OK, 200),
        (Job(1, 2, [3]), {"size": 2, "hidden": [3]}),
        (OrderedDict(b=1), {"b": 1}),
        (deque([1]), [1]),
        ({3, 1, 2}, [1, 2, 3]),
        (ZoneInfo("Europe/Berlin"), "Europe/Berlin"),
        ({None: "b", True: "c", Code.OK: "d", 2.5: "e"}, {"null": "b", "true": "c", "200": "d", "2.5": "e"}),
        (float("-inf"), "-Infinity"),
        (float("nan"), "NaN"),
        (bytearray(b"hi"), "aGk="),
    ],
    ids=repr,
)
def test_has_a_json_form(value: Any, expected: Any) -> None:
    assert jsonable(value) == expected


def holding_itself() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    "value", [object(), lambda: None, Job, {(1, 2): 3}, holding_itself(), [0] * (MOST_VALUES + 1)], ids=type
)
def test_has_no_json_form(value: Any) -> None:
    with pytest.raises(NotJsonable):
        jsonable(value)


def nested(levels: int) -> Any:
    value: Any = 1
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


def test_is_as_deep_as_the_wire_allows() -> None:
    assert MOST_DEEP == JSON_DEPTH
    deep = nested(MOST_DEEP)
    assert jsonable(deep) == deep
    assert not is_deep(deep)
    assert is_deep(nested(MOST_DEEP + 1))
    with pytest.raises(NotJsonable, match="100 levels"):
        jsonable(nested(MOST_DEEP + 1))


def test_depth_counts_levels_not_values() -> None:
    assert jsonable([[1]] * (MOST_DEEP * 2)) == [[1]] * (MOST_DEEP * 2)
