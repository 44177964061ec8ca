"""Python values in JSON's terms."""

from __future__ import annotations

import enum
from collections import OrderedDict, deque
from dataclasses import InitVar, dataclass, field
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest

from headrace.jsonable import MOST_VALUES, NotJsonable, jsonable


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
